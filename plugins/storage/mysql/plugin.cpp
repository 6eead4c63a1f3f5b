// storage.mysql: a database on a server of MariaDB or MySQL, few writers, several readers.
#include <loft/storage.hpp>

#include <algorithm>

#include <common/server_storage.hpp>
#include <mysql_migrations.hpp>

#include "ledger.hpp"
#include "schema.hpp"
#include "startup.hpp"
#include "writer.hpp"

namespace loft::storage::mysql {
namespace {

constexpr Millis longest_silence = 60;  // seconds
constexpr const char* read_committed = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

class MysqlStorage final : public ServerStorage<Settings, Connection, Writer, MysqlLedger> {
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
    if (takes_read_committed(db.link())) return;
    // Who asks for neither has nothing to hear.
    if (settings_.writers > 1 || settings_.bulk) {
      host_->log().warn(
          "the server's binlog_format is STATEMENT, which goes with one writing connection and without arrays only: "
          "`writers` of the storage is taken for 1 and `bulk` for false; set binlog_format = ROW or MIXED in the "
          "server");
    }
    settings_.writers = 1;
  }
  void make_writing(Connection& db, Lane lane) override;
  void make_owing(Connection& db) override;
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

/// Beside each other writers must not lock the gaps between rows: a batch that waits for its turn would keep the one
/// before it from its end. And the server is to end the session of a host that has vanished, and with it the locks:
/// without a word from it in a transaction soon, else within a minute (see ServerWriter::stay).
void MysqlStorage::make_writing(Connection& db, Lane lane) {
  if (takes_read_committed(db.link())) {
    db.link().execute(read_committed);
  } else {
    db.do_without_arrays();  // "only row based replication supported for bulk operations", says the server
  }
  const auto seconds = std::max<Millis>(2 * settings_.statement_timeout / 1000, 2);
  const bool is_mariadb = db.link().is_mariadb();
  if (is_mariadb) db.link().execute("SET SESSION idle_transaction_timeout = " + std::to_string(seconds));
  const auto silence = is_mariadb || lane == Lane::owner ? longest_silence : std::min(seconds, longest_silence);
  db.link().execute("SET SESSION wait_timeout = " + std::to_string(silence));
}

/// Locks of the gaps between rows would let a lease wait for what is owed meanwhile. A log of statements cannot have
/// less, so there it waits.
void MysqlStorage::make_owing(Connection& db) {
  if (takes_read_committed(db.link())) db.link().execute(read_committed);
}

}  // namespace
}  // namespace loft::storage::mysql

using loft::storage::mysql::MysqlStorage;
LOFT_PLUGIN(MysqlStorage, "storage.mysql", "0.1.0", "Messages in a MariaDB or MySQL database")
