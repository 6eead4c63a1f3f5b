// storage.postgresql: a database on a server, one writer, several readers.
#include <loft/storage.hpp>

#include <memory>
#include <mutex>

#include <common/attempts.hpp>
#include <common/owner.hpp>
#include <common/sql_storage.hpp>
#include <common/watch.hpp>
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

class PostgresqlStorage final : public SqlStorage<Connection, Writer> {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override { return check(settings_, "storage.postgresql"); }
  void start() override;
  void stop(Millis deadline) noexcept override;
  Result<void> backup(const std::string&, Progress) override {
    return Error{Code::invalid, "storage.backup_elsewhere", dump_command(settings_)};
  }
  PushLedger* push_ledger() noexcept override { return &ledger_; }

  Result<Seq> seq_at(ConversationId id, Position position) override {
    return read([&](Connection& db) {
      auto row = db.run(Own::seq_at, clamp(raw(id)), clamp(position));
      return row.next() ? row.number(0) : Seq{0};
    });
  }

 private:
  void check_server(Connection& db);
  /// Opens a connection, takes the lock, brings the tables up to date and signs them; how many steps that took.
  std::unique_ptr<Connection> own(const Plan& plan, int& steps);

  Engine engine() const noexcept override { return Engine::postgresql; }
  std::span<const Migration> steps() const noexcept override { return migrations; }
  std::string where() const override { return settings_.where(); }
  bool may_migrate() const noexcept override { return settings_.auto_migrate; }
  std::unique_ptr<SchemaDatabase> look_in() override { return look_into(settings_); }
  std::string owner() override { return owner_of(*look_in()); }
  void bring_up(const Plan& plan) override {
    int steps = 0;
    own(plan, steps);
  }

  Settings settings_;
  std::string signature_;  ///< of this start, see sign
  Attempts attempts_;
  Ledger<PostgresqlLedger> ledger_;
  Watch watch_;
};

void PostgresqlStorage::options(OptionTable& table) {
  offer_place(table, settings_, server_words);
  offer_patience(table, settings_, server_words, busy_timeout_);
}

std::unique_ptr<Connection> PostgresqlStorage::own(const Plan& plan, int& steps) {
  settings_.name = "loft on " + own_name();
  auto db = std::make_unique<Connection>(settings_);
  check_server(*db);
  refuse_shared_sessions(*db, settings_);
  own_database(*db, settings_);
  Schema schema(*db);
  try {
    steps = loft::storage::migrate(schema, plan, host_->clock().now());
  } catch (const Failure& e) {
    throw StartError("the schema of " + settings_.where() + " cannot be prepared: " + e.text +
                     schema_remedy(e.code, settings_));
  }
  check_heads(schema, settings_.where());
  try {
    signature_ = sign(schema, host_->clock().now());
  } catch (const Failure& e) {
    throw StartError(settings_.where() + " cannot be written: " + e.text + schema_remedy(e.code, settings_));
  }
  return db;
}

void PostgresqlStorage::start() {
  try {
    int steps = 0;
    auto db = own(plan(settings_.auto_migrate), steps);
    const auto version = db->ask("SHOW server_version");
    if (db->ask("SHOW fsync") != "on") {
      host_->log().warn("the server runs with fsync off: what is acknowledged does not survive a crash of its machine");
    }
    db->go_native();
    pool_.open(
        [this] {
          return attempts_([this] {
            auto reader = std::make_unique<Connection>(settings_);
            reader->go_native();
            return reader;
          });
        },
        settings_.pool);
    {
      const std::lock_guard lock(writer_mutex_);
      writer_ = std::make_unique<Writer>(settings_, attempts_, std::move(db), signature_);
    }
    ledger_.open([this] { return attempts_([this] { return PostgresqlLedger::open(settings_, signature_); }); },
                 reports_, busy_timeout_);
    watch_.start([this] { look_after(); });
    host_->log().info("storage open", {{"host", settings_.host},
                                       {"port", settings_.port},
                                       {"database", settings_.database},
                                       {"server", version},
                                       {"migrations_applied", steps}});
  } catch (const Failure& e) {
    throw StartError(told(e));
  }
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
}

void PostgresqlStorage::stop(Millis deadline) noexcept {
  watch_.stop();
  if (host_ != nullptr) ledger_.close(deadline - host_->clock().steady());
  close_reads(deadline);
  const std::lock_guard lock(writer_mutex_);
  writer_.reset();
}

}  // namespace
}  // namespace loft::storage::postgresql

using loft::storage::postgresql::PostgresqlStorage;
LOFT_PLUGIN(PostgresqlStorage, "storage.postgresql", "0.1.0", "Messages in a PostgreSQL database")
