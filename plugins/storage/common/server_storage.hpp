// What the storages on a server have in common: one start owns the database, its writers share what they know of that,
// and a watch looks after the connections. An engine derives from this and says how it does what.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "attempts.hpp"
#include "owner.hpp"
#include "server_settings.hpp"
#include "sql_storage.hpp"
#include "watch.hpp"
#include "writing_connection.hpp"

namespace loft::storage {

/// Settings: derives from ServerSettings, has `where`. Beside it stands `dump_command(settings)`.
/// Connection: see SqlStorage and WritingConnection. Writer: see SqlStorage; made of a WritingConnection.
template <class Settings, class Connection, class Writer>
class ServerStorage : public SqlStorage<Connection, Writer> {
 public:
  void start() override {
    try {
      int steps = 0;
      auto db = own(this->plan(settings_.auto_migrate), steps);
      const auto version = version_of(*db);
      make_native(*db);
      this->pool_.open([this] { return attempts_([this] { return native(connect()); }); }, settings_.pool);
      {
        const std::lock_guard lock(this->writer_mutex_);
        this->writer_ = std::make_unique<Writer>(Written(std::move(db), [this] { return own_again(); }));
      }
      watch_.start([this] { this->look_after(); });
      this->host_->log().info("storage open", {{"host", settings_.host},
                                               {"port", settings_.port},
                                               {"database", settings_.database},
                                               {"server", version},
                                               {"migrations_applied", steps}});
    } catch (const Failure& e) {
      throw StartError(this->told(e));
    }
  }

  void stop(Millis deadline) noexcept override {
    watch_.stop();
    this->close_reads(deadline);
    const std::lock_guard lock(this->writer_mutex_);
    this->writer_.reset();
  }

  Result<void> backup(const std::string&, Progress) override {
    return Error{Code::invalid, "storage.backup_elsewhere", dump_command(settings_)};
  }

 protected:
  // What an engine does in its own way. All throw Failure.

  /// A new connection.
  virtual std::unique_ptr<Connection> connect() = 0;
  /// Looks whether the server is one that Loft can use, before anything is done there. Throws StartError.
  virtual void check_server(Connection& db) = 0;
  /// Takes the lock that keeps a second host away, for as long as the connection lives. The Failure names its owner.
  virtual void take_lock(Connection& db) = 0;
  /// The tables, on a connection that is not native yet.
  virtual std::unique_ptr<SchemaDatabase> tables_of(Connection& db) = 0;
  /// The server's version, for the log, where dangers of its settings are told as well.
  virtual std::string version_of(Connection& db) = 0;
  /// Makes the connection one for the storage's statements.
  virtual void make_native(Connection&) {}
  /// What helps when tables cannot be made or written; empty or beginning with `: `.
  virtual std::string remedy(const Failure& failure) const = 0;

  std::string where() const override { return settings_.where(); }

  Settings settings_;

 private:
  using Written = WritingConnection<Connection>;

  bool may_migrate() const noexcept override { return settings_.auto_migrate; }
  std::unique_ptr<SchemaDatabase> look_in() override { return look_into(settings_); }
  void bring_up(const Plan& plan) override {
    int steps = 0;
    own(plan, steps);
  }

  std::unique_ptr<Connection> native(std::unique_ptr<Connection> db) {
    make_native(*db);
    return db;
  }

  /// Opens a connection, takes the lock, brings the tables up to date and signs them; how many steps that took.
  std::unique_ptr<Connection> own(const Plan& plan, int& steps) {
    auto db = connect();
    check_server(*db);
    take_lock(*db);
    const auto tables = tables_of(*db);
    const auto now = this->host_->clock().now();
    try {
      steps = loft::storage::migrate(*tables, plan, now);
    } catch (const Failure& e) {
      throw StartError("the schema of " + where() + " cannot be prepared: " + e.text + remedy(e));
    }
    check_heads(*tables, where());
    try {
      ownership_.begin(sign(*tables, now));
    } catch (const Failure& e) {
      throw StartError(where() + " cannot be written: " + e.text + remedy(e));
    }
    return db;
  }

  /// The owner's connection, after the one before it was lost.
  std::unique_ptr<Connection> own_again() {
    ownership_.refuse_if_ended();
    auto db = attempts_([this] {
      auto fresh = connect();
      take_lock(*fresh);
      return fresh;
    });
    ownership_.check(*tables_of(*db), where());
    return native(std::move(db));
  }

  Ownership ownership_;
  Attempts attempts_;
  Watch watch_;
};

}  // namespace loft::storage
