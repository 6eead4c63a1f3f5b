#include <soci/sqlite3/soci-sqlite3.h>

#include <soci/soci.h>

#include "session.hpp"

namespace loft::storage {
namespace {

class SqliteDialect final : public Dialect {
 public:
  void lock(soci::session& sql) const override { sql << "BEGIN EXCLUSIVE"; }
  void commit(soci::session& sql) const override { sql << "COMMIT"; }
  void rollback(soci::session& sql) const noexcept override {
    try {
      sql << "ROLLBACK";
    } catch (...) {  // SQLite has rolled back by itself
    }
  }
  long long table_count(soci::session& sql) const override {
    long long count = 0;
    sql << "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'", soci::into(count);
    return count;
  }
  bool has_table(soci::session& sql, const std::string& name) const override {
    long long count = 0;
    sql << "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = :name", soci::use(name),
        soci::into(count);
    return count != 0;
  }
};

}  // namespace

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

int Session::migrate(std::span<const Migration> known, std::string_view where, Millis now) {
  try {
    return storage::migrate(*session_, SqliteDialect(), known, where, now);
  } catch (const soci::soci_error& e) {
    throw StartError("the schema of " + std::string(where) + " cannot be prepared: " + e.what());
  }
}

}  // namespace loft::storage
