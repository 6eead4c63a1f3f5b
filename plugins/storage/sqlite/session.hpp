// The one place where SOCI's SQLite header is seen: it wraps sqlite3.h in a namespace, so it cannot meet the plain one.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <common/migration.hpp>

struct sqlite3;

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

  /// See loft::storage::migrate.
  int migrate(std::span<const Migration> known, std::string_view where, Millis now);

 private:
  std::unique_ptr<soci::session> session_;
};

}  // namespace loft::storage
