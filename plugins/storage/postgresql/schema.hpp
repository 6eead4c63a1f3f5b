// The tables of a PostgreSQL database, made, changed or looked at.
#pragma once

#include <memory>
#include <string>

#include <common/schema_database.hpp>

#include "settings.hpp"

namespace loft::storage::postgresql {

class Connection;

/// On a connection of somebody's, who outlives it, and which is not in pipeline mode. Throws Failure.
class Schema : public SchemaDatabase {
 public:
  explicit Schema(Connection& connection) : connection_(connection) {}

  void lock() override;
  void commit() override { execute("COMMIT"); }
  void rollback() noexcept override;
  long long table_count() override;
  bool has_table(const std::string& name) override;
  std::string elsewhere() override;
  std::string_view option() const override { return "database"; }
  void execute(const std::string& statement) override { rows(statement); }
  TextRows rows(const std::string& question) override;
  Engine engine() const noexcept override { return Engine::postgresql; }
  void allow_long(bool is_long) noexcept override;

 private:
  Connection& connection_;
};

/// A connection that may only read, and sees one state.
std::unique_ptr<SchemaDatabase> look_into(const Settings& settings);

/// Which session has the lock of the database; empty: none.
std::string owner_of(SchemaDatabase& database);

/// Takes the lock that keeps a second host away, for as long as the connection lives. Throws Failure naming the owner.
/// `former`: what this host's call before returned, or empty. Returns the server process of the connection.
std::string own_database(Connection& connection, const Settings& settings, const std::string& former);

/// What makes a dump and brings it back, for the operator: the command in the first line.
std::string dump_command(const Settings& settings);

}  // namespace loft::storage::postgresql
