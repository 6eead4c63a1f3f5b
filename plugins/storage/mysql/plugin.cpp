// storage.mysql: a database on a server of MariaDB or MySQL, one writer, several readers.
#include <loft/storage.hpp>

#include <common/server_storage.hpp>
#include <mysql_migrations.hpp>

#include "schema.hpp"
#include "startup.hpp"
#include "writer.hpp"

namespace loft::storage::mysql {
namespace {

class MysqlStorage final : public ServerStorage<Settings, Connection, Writer> {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override { return check(settings_, "storage.mysql"); }

 private:
  Engine engine() const noexcept override { return Engine::mysql; }
  std::span<const Migration> steps() const noexcept override { return migrations; }
  std::string owner() override { return owner_of(settings_); }

  std::unique_ptr<Connection> connect() override { return mysql::connect<Connection>(settings_); }
  void check_server(Connection& db) override {
    for (const auto& danger : mysql::check_server(db.link(), settings_)) host_->log().warn(danger);
  }
  void take_lock(Connection& db) override { own_database(db.link(), settings_); }
  std::unique_ptr<SchemaDatabase> tables_of(Connection& db) override { return std::make_unique<Schema>(db.link()); }
  std::string version_of(Connection& db) override { return db.link().ask("SELECT VERSION()"); }
  std::string remedy(const Failure& failure) const override { return schema_remedy(failure.code, settings_); }
};

void MysqlStorage::options(OptionTable& table) {
  offer_place(table, settings_, server_words);
  table.boolean("bulk", settings_.bulk,
                "Whether rows are sent to MariaDB as arrays; false for a proxy that does not know that.");
  offer_patience(table, settings_, server_words, busy_timeout_);
}

}  // namespace
}  // namespace loft::storage::mysql

using loft::storage::mysql::MysqlStorage;
LOFT_PLUGIN(MysqlStorage, "storage.mysql", "0.1.0", "Messages in a MariaDB or MySQL database")
