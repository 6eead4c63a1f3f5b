#include <soci/sqlite3/soci-sqlite3.h>

#include <soci/soci.h>

#include <common/migration.hpp>

#include "session.hpp"

namespace loft::storage {

Session::Session(const std::string& path) {
  try {
    session_ = std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + path + "\" timeout=5");
  } catch (const soci::soci_error& e) {
    throw StartError(path + " cannot be opened as a SQLite database: " + e.what());
  }
}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

::sqlite3* Session::native() const noexcept {
  auto* backend = static_cast<soci::sqlite3_session_backend*>(session_->get_backend());
  return reinterpret_cast<::sqlite3*>(backend->conn_);
}

}  // namespace loft::storage
