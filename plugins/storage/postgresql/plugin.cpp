// storage.postgresql: a database on a server, few writers, several readers.
#include <loft/storage.hpp>

#include <common/server_storage.hpp>
#include <postgresql_migrations.hpp>

#include "errors.hpp"
#include "ledger.hpp"
#include "pooler.hpp"
#include "schema.hpp"
#include "writer.hpp"

namespace loft::storage::postgresql {
namespace {

/// INCLUDE in indexes and what the statements use came with 11, sessions that can ask for keep-alives with 12.
constexpr int oldest_server = 120000;

class PostgresqlStorage final : public ServerStorage<Settings, Connection, Writer, PostgresqlLedger> {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override { return check(settings_, "storage.postgresql"); }

  Result<Seq> seq_at(ConversationId id, Position position) override {
    return read([&](Connection& db) {
      auto row = db.run(Own::seq_at, clamp(raw(id)), clamp(position));
      return row.next() ? row.number(0) : Seq{0};
    });
  }

 private:
  Engine engine() const noexcept override { return Engine::postgresql; }
  std::span<const Migration> steps() const noexcept override { return migrations; }
  std::string owner() override { return owner_of(*look_into(settings_)); }

  std::unique_ptr<Connection> connect() override { return std::make_unique<Connection>(settings_); }
  void check_server(Connection& db) override;
  void take_lock(Connection& db) override { owner_ = own_database(db, settings_, owner_); }
  std::unique_ptr<SchemaDatabase> tables_of(Connection& db) override { return std::make_unique<Schema>(db); }
  std::string version_of(Connection& db) override;
  void make_native(Connection& db) override { db.go_native(); }
  std::string remedy(const Failure& failure) const override { return schema_remedy(failure.code, settings_); }

  std::string owner_;  ///< the server process that last had the lock for this start; the owner's writer
};

void PostgresqlStorage::options(OptionTable& table) {
  offer_place(table, settings_, server_words);
  offer_patience(table, settings_, server_words, busy_timeout_);
}

void PostgresqlStorage::check_server(Connection& db) {
  if (const int version = PQserverVersion(db.native()); version < oldest_server) {
    throw StartError(settings_.where() + " is of version " + db.ask("SHOW server_version") +
                     ", Loft needs 12 or newer: upgrade the server or name another one in `host` of the storage");
  }
  if (const auto encoding = db.ask("SHOW server_encoding"); encoding != "UTF8") {
    throw StartError(settings_.where() + " has the encoding " + encoding +
                     ", Loft needs UTF8: " + creation_of(settings_));
  }
  if (db.ask("SELECT pg_is_in_recovery()") != "f") {
    throw StartError(settings_.where() +
                     " is a standby, which cannot be written: name the primary in `host` of the "
                     "storage");
  }
  refuse_shared_sessions(db, settings_);
}

std::string PostgresqlStorage::version_of(Connection& db) {
  if (db.ask("SHOW fsync") != "on") {
    host_->log().warn("the server runs with fsync off: what is acknowledged does not survive a crash of its machine");
  }
  return db.ask("SHOW server_version");
}

}  // namespace
}  // namespace loft::storage::postgresql

using loft::storage::postgresql::PostgresqlStorage;
LOFT_PLUGIN(PostgresqlStorage, "storage.postgresql", "0.1.0", "Messages in a PostgreSQL database")
