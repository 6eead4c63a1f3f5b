// The one place where SOCI's SQLite header is seen: it wraps sqlite3.h in a namespace, so it cannot meet the plain one.
#pragma once

#include <memory>
#include <string>

struct sqlite3;

namespace soci {
class session;
}

namespace loft::storage {

/// An open database. One thread at a time.
class Session {
 public:
  /// Throws StartError with the path and SQLite's words.
  explicit Session(const std::string& path);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// The handle beneath SOCI: the hot statements use it directly, which costs as much as no library at all.
  ::sqlite3* native() const noexcept;

 private:
  std::unique_ptr<soci::session> session_;
};

}  // namespace loft::storage
