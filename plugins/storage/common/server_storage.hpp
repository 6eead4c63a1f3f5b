// What the storages on a server have in common: one start owns the database, its writers share what they know of that,
// and a watch looks after the connections. An engine derives from this and says how it does what.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "attempts.hpp"
#include "ledger.hpp"
#include "owner.hpp"
#include "server_settings.hpp"
#include "server_writer.hpp"
#include "sql_storage.hpp"
#include "watch.hpp"

namespace loft::storage {

/// Settings: derives from ServerSettings, has `where`. Beside it stands `dump_command(settings)`.
/// Connection: see SqlStorage and ServerWriter. Writer: see SqlStorage; a ServerWriter. Owing: the Driver of a Ledger.
template <class Settings, class Connection, class Writer, class Owing>
class ServerStorage : public SqlStorage<Connection, Writer> {
 public:
  void start() override {
    try {
      int steps = 0;
      auto db = own(this->plan(settings_.auto_migrate), steps);
      const auto version = version_of(*db);
      db = ready(std::move(db), Lane::owner);
      this->pool_.open([this] { return attempts_([this] { return reader(); }); }, settings_.pool);
      open_writers(std::move(db));
      ledger_.open([this] { return open_ledger(); }, this->reports_, this->busy_timeout_);
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
    if (this->host_ != nullptr) ledger_.close(deadline - this->host_->clock().steady());
    this->close_reads(deadline);
    for (const auto& other : others_) {
      const std::lock_guard lock(other->mutex);
      other->writer.reset();
    }
    const std::lock_guard lock(this->writer_mutex_);
    this->writer_.reset();
  }

  std::size_t writers() const noexcept override { return 1 + others_.size(); }
  Result<Conflict> commit_in_turn(std::size_t number, const Batch& batch, CommitTurn& turn) override {
    const auto commit = [&](Writer& writer) { return writer.commit_in_turn(batch, turn); };
    if (number == 0) return this->write(commit);
    auto& other = *others_.at(number - 1);
    const std::lock_guard lock(other.mutex);
    if (!other.writer) return Error{Code::unavailable, "storage.unavailable", {}};
    try {
      return commit(*other.writer);
    } catch (const Replaced& e) {
      return this->reports_.failed(e, Reports::writing);
    } catch (const Failure& e) {
      // No trouble of the storage yet: what this writer cannot store the owner's may.
      this->host_->log().warn("a writer beside the first failed", {{"cause", e.text}, {"code", e.code}});
      return Error{Code::unavailable, "storage.unavailable", {}};
    } catch (const std::exception& e) {
      return this->reports_.broken(e);
    }
  }

  PushLedger* push_ledger() noexcept override { return &ledger_; }

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
  /// Makes a native connection one of a writer.
  virtual void make_writing(Connection&, Lane) {}
  /// Makes a native connection one of the push ledger.
  virtual void make_owing(Connection&) {}
  /// What helps when tables cannot be made or written; empty or beginning with `: `.
  virtual std::string remedy(const Failure& failure) const = 0;

  std::string where() const override { return settings_.where(); }

  Settings settings_;

 private:
  struct Other {
    std::mutex mutex;
    std::unique_ptr<Writer> writer;  ///< null: stopped
  };

  bool may_migrate() const noexcept override { return settings_.auto_migrate; }
  std::unique_ptr<SchemaDatabase> look_in() override { return look_into(settings_); }
  void bring_up(const Plan& plan) override {
    int steps = 0;
    own(plan, steps);
  }

  std::unique_ptr<Connection> reader() {
    auto db = connect();
    make_native(*db);
    return db;
  }

  /// `db`: the owner's. The others are opened when they are first used, which is when much waits.
  void open_writers(std::unique_ptr<Connection> db) {
    const auto writer = [this](Lane lane, std::unique_ptr<Connection> first) {
      return std::make_unique<Writer>(lane, ownership_, WritingConnection<Connection>(std::move(first), [this, lane] {
                                        return lane == Lane::owner ? own_again() : open_beside();
                                      }));
    };
    for (unsigned i = 1; i < settings_.writers; ++i) {
      others_.push_back(std::make_unique<Other>());
      others_.back()->writer = writer(Lane::beside, nullptr);
    }
    const std::lock_guard lock(this->writer_mutex_);
    this->writer_ = writer(Lane::owner, std::move(db));
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
      ownership_.begin(sign(*tables, now), where());
    } catch (const Failure& e) {
      throw StartError(where() + " cannot be written: " + e.text + remedy(e));
    }
    return db;
  }

  /// The owner's connection, after the one before it was lost.
  std::unique_ptr<Connection> own_again() {
    ownership_.refuse_if_ended();
    auto db = attempts_owner_([this] {
      auto fresh = connect();
      take_lock(*fresh);
      return fresh;
    });
    ownership_.check(*tables_of(*db));
    db = ready(std::move(db), Lane::owner);
    ownership_.check_position(*db);
    return db;
  }

  /// Of a writer beside the owner's.
  std::unique_ptr<Connection> open_beside() {
    ownership_.refuse_if_ended();
    auto db = attempts_beside_([this] { return ready(connect(), Lane::beside); });
    ownership_.check_position(*db);
    return db;
  }

  /// Of the push ledger, which asks when it opens one whether the store is still this start's.
  std::unique_ptr<Connection> open_ledger() {
    ownership_.refuse_if_ended();
    return attempts_([this] {
      auto db = connect();
      ownership_.check(*tables_of(*db));
      make_native(*db);
      make_owing(*db);
      return db;
    });
  }

  std::unique_ptr<Connection> ready(std::unique_ptr<Connection> db, Lane lane) {
    make_native(*db);
    make_writing(*db, lane);
    return db;
  }

  std::vector<std::unique_ptr<Other>> others_;  ///< Lane::beside; constant from `start` on
  Ownership ownership_;
  Attempts attempts_;
  Attempts attempts_owner_;   ///< of their own: while another host has the lock, reads go on
  Attempts attempts_beside_;  ///< of their own: without them all goes on
  Ledger<Owing> ledger_;
  Watch watch_;
};

}  // namespace loft::storage
