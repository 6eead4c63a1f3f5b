// The tables of a MySQL database, made, changed or looked at.
#pragma once

#include <memory>
#include <string>

#include <common/schema_database.hpp>

#include "link.hpp"

namespace loft::storage::mysql {

/// On a connection of somebody's, who outlives it.
class Schema : public SchemaDatabase {
 public:
  explicit Schema(Link& link) : link_(link) {}

  // A change of tables ends every transaction. What keeps others away is the owner's lock, which is held already; each
  // statement may run again, so that a start that was cut short is taken up where it ended.
  void lock() override {}
  void commit() override {}
  void rollback() noexcept override {}
  bool takes_back() const noexcept override { return false; }
  long long table_count() override;
  bool has_table(const std::string& name) override;
  std::string_view option() const override { return "database"; }
  void execute(const std::string& statement) override;
  TextRows rows(const std::string& question) override { return link_.rows(question); }
  Engine engine() const noexcept override { return Engine::mysql; }
  void allow_long(bool is_long) noexcept override { link_.allow_long(is_long); }

 private:
  Link& link_;
};

/// A connection that may only read, and sees one state.
std::unique_ptr<SchemaDatabase> look_into(const Settings& settings);

/// Which connection has the lock of the database; empty: none.
std::string owner_of(Link& link);
std::string owner_of(const Settings& settings);

/// What makes a dump and brings it back, for the operator: the command in the first line.
std::string dump_command(const Settings& settings);

}  // namespace loft::storage::mysql
