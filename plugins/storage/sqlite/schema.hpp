// The tables of a SQLite database, made, changed or looked at.
#pragma once

#include <memory>
#include <string>

#include <common/schema_database.hpp>

struct sqlite3;

namespace loft::storage {

/// On a connection of somebody's, who outlives it.
class Schema : public SchemaDatabase {
 public:
  /// Gives the connection the function `loft_utf8`.
  explicit Schema(sqlite3* handle);

  void lock() override { execute("BEGIN EXCLUSIVE"); }
  void commit() override { execute("COMMIT"); }
  void rollback() noexcept override;
  long long table_count() override;
  bool has_table(const std::string& name) override;
  std::string_view option() const override { return "path"; }
  void execute(const std::string& statement) override;
  TextRows rows(const std::string& question) override;
  Engine engine() const noexcept override { return Engine::sqlite; }

 private:
  sqlite3* handle_;
};

/// The store as it is, read only. Makes no file, but for the index of a write-ahead log that was copied without its
/// own. Null: there is no file, or an empty one. Throws StartError, Failure.
std::unique_ptr<SchemaDatabase> look_into(const std::string& path, int busy_timeout);

}  // namespace loft::storage
