// storage.mysql: a database on a server of MariaDB or MySQL, one writer, several readers.
#include <loft/storage.hpp>

#include <memory>
#include <mutex>

#include <common/attempts.hpp>
#include <common/owner.hpp>
#include <common/sql_storage.hpp>
#include <common/watch.hpp>
#include <mysql_migrations.hpp>

#include "ledger.hpp"
#include "schema.hpp"
#include "startup.hpp"
#include "writer.hpp"

namespace loft::storage::mysql {
namespace {

class MysqlStorage final : public SqlStorage<Connection, Writer> {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override { return check(settings_, "storage.mysql"); }
  void start() override;
  void stop(Millis deadline) noexcept override;
  Result<void> backup(const std::string&, Progress) override {
    return Error{Code::invalid, "storage.backup_elsewhere", dump_command(settings_)};
  }
  PushLedger* push_ledger() noexcept override { return &ledger_; }

 private:
  /// Opens a connection, takes the lock, brings the tables up to date and signs them; how many steps that took.
  std::unique_ptr<Connection> own(const Plan& plan, int& steps);

  Engine engine() const noexcept override { return Engine::mysql; }
  std::span<const Migration> steps() const noexcept override { return migrations; }
  std::string where() const override { return settings_.where(); }
  bool may_migrate() const noexcept override { return settings_.auto_migrate; }
  std::unique_ptr<SchemaDatabase> look_in() override { return look_into(settings_); }
  std::string owner() override { return owner_of(settings_); }
  void bring_up(const Plan& plan) override {
    int steps = 0;
    own(plan, steps);
  }

  Settings settings_;
  std::string signature_;  ///< of this start, see sign
  Attempts attempts_;
  Ledger<MysqlLedger> ledger_;
  Watch watch_;
};

void MysqlStorage::options(OptionTable& table) {
  offer_place(table, settings_, server_words);
  table.boolean("bulk", settings_.bulk,
                "Whether rows are sent to MariaDB as arrays; false for a proxy that does not know that.");
  offer_patience(table, settings_, server_words, busy_timeout_);
}

std::unique_ptr<Connection> MysqlStorage::own(const Plan& plan, int& steps) {
  auto db = connect<Connection>(settings_);
  for (const auto& danger : check_server(db->link(), settings_)) host_->log().warn(danger);
  own_database(db->link(), settings_);
  steps = prepare(db->link(), settings_, plan, host_->clock().now());
  Schema schema(db->link());
  signature_ = sign(schema, host_->clock().now());
  return db;
}

void MysqlStorage::start() {
  try {
    int steps = 0;
    auto db = own(plan(settings_.auto_migrate), steps);
    const auto version = db->link().ask("SELECT VERSION()");
    pool_.open([this] { return attempts_([this] { return connect<Connection>(settings_); }); }, settings_.pool);
    {
      const std::lock_guard lock(writer_mutex_);
      writer_ = std::make_unique<Writer>(settings_, attempts_, std::move(db), signature_);
    }
    ledger_.open([this] { return attempts_([this] { return MysqlLedger::open(settings_, signature_); }); }, reports_,
                 busy_timeout_);
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

void MysqlStorage::stop(Millis deadline) noexcept {
  watch_.stop();
  if (host_ != nullptr) ledger_.close(deadline - host_->clock().steady());
  close_reads(deadline);
  const std::lock_guard lock(writer_mutex_);
  writer_.reset();
}

}  // namespace
}  // namespace loft::storage::mysql

using loft::storage::mysql::MysqlStorage;
LOFT_PLUGIN(MysqlStorage, "storage.mysql", "0.1.0", "Messages in a MariaDB or MySQL database")
