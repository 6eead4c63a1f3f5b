// storage.sqlite: one file, one writer, several readers.
#include <loft/storage.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>

#include <sqlite_migrations.hpp>

#include "check.hpp"
#include "inspector.hpp"
#include "pool.hpp"
#include "reads.hpp"
#include "startup.hpp"
#include "writer.hpp"

namespace loft::storage {
namespace {

class SqliteStorage final : public Storage {
 public:
  ~SqliteStorage() override { inspector_.stop(); }

  void options(OptionTable& table) override {
    table.text("path", path_, "The database file; a relative path begins at data_dir.");
    table.integer("readers", readers_, "Connections for reading at the same time.").range(1, 64);
    table
        .duration("busy_timeout", tuning_.busy_timeout,
                  "How long a call waits for a free connection before it is answered storage.busy.")
        .range(1, 600'000);
    table.size("cache_size", tuning_.cache_bytes, "Memory for pages of the writer; each reader takes an eighth of it.")
        .range(1 << 20, 1ll << 40);
    table
        .integer("checkpoint", tuning_.checkpoint_pages,
                 "Pages in the write-ahead log after which they are copied into the database.")
        .range(100, 10'000'000);
    table
        .size("wal_limit", tuning_.wal_limit,
              "The write-ahead log file is cut to this size when it was larger and has been copied.")
        .range(0, 1ll << 40);
  }

  Result<void> configure() override {
    if (path_.empty() || path_.find('"') != std::string::npos || path_.find('\0') != std::string::npos) {
      return Error{Code::invalid, "path",
                   "option `path` of storage.sqlite is '" + path_ + "'; it must name a file, without double quotes"};
    }
    return {};
  }

  void setup(Host& host) override { host_ = &host; }
  void start() override;
  void stop(Millis deadline) noexcept override;

  Result<Conflict> commit(const Batch& batch) override {
    return write([&](Writer& writer) { return writer.commit(batch); });
  }
  Result<void> set_follower(std::string_view name, Position position) override {
    auto done = write([&](Writer& writer) {
      writer.set_follower(name, position);
      return true;
    });
    return done ? Result<void>() : Result<void>(std::move(done.error()));
  }
  Result<std::size_t> forget_client_keys(Position before, std::size_t limit) override {
    return write([&](Writer& writer) { return writer.forget_client_keys(before, limit); });
  }

  Result<Position> last_position() override { return read(&reads::last_position); }
  Result<std::optional<User>> user_by_id(UserId id) override {
    return read([&](Connection& db) { return reads::user(db, id); });
  }
  Result<std::optional<User>> user_by_handle(std::string_view handle) override {
    return read([&](Connection& db) { return reads::user(db, Query::user_by_handle, handle); });
  }
  Result<std::optional<User>> user_by_uuid(std::string_view uuid) override {
    return read([&](Connection& db) { return reads::user(db, Query::user_by_uuid, uuid); });
  }
  Result<std::vector<User>> users(UserId after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::users(db, after, limit); });
  }
  Result<std::optional<StoredConversation>> conversation(ConversationId id) override {
    return read([&](Connection& db) { return reads::conversation(db, id); });
  }
  Result<std::optional<StoredConversation>> conversation_by_handle(std::string_view handle) override {
    return read([&](Connection& db) { return reads::conversation(db, Query::conversation_by_handle, handle); });
  }
  Result<std::optional<StoredConversation>> conversation_by_uuid(std::string_view uuid) override {
    return read([&](Connection& db) { return reads::conversation(db, Query::conversation_by_uuid, uuid); });
  }
  Result<std::optional<StoredConversation>> conversation_by_pair(UserId low, UserId high) override {
    return read([&](Connection& db) { return reads::conversation(db, low, high); });
  }
  Result<std::vector<StoredConversation>> conversations(std::span<const ConversationId> ids) override {
    return read([&](Connection& db) { return reads::conversations(db, ids); });
  }
  Result<std::vector<Member>> members(ConversationId id) override {
    return read([&](Connection& db) { return reads::members(db, id); });
  }
  Result<std::vector<Membership>> memberships(UserId user) override {
    return read([&](Connection& db) { return reads::memberships(db, user); });
  }
  Result<std::vector<MarkWrite>> marks(ConversationId id, std::string_view mark) override {
    return read([&](Connection& db) { return reads::marks(db, id, mark); });
  }
  Result<std::vector<Message>> log(ConversationId id, Seq low, Seq high, std::size_t limit, bool descending) override {
    return read([&](Connection& db) { return reads::log(db, id, low, high, limit, descending); });
  }
  Result<std::vector<Message>> messages(std::span<const MessageId> ids) override {
    return read([&](Connection& db) { return reads::messages(db, ids); });
  }
  Result<Seq> seq_at(ConversationId id, Position position) override {
    return read([&](Connection& db) { return reads::seq_at(db, id, position); });
  }
  Result<std::uint64_t> count_foreign(ConversationId id, Seq low, Seq high, UserId except) override {
    return read([&](Connection& db) { return reads::count_foreign(db, id, low, high, except); });
  }
  Result<std::vector<Seq>> swallowed(ConversationId id, Seq low, Seq high, UserId user) override {
    return read([&](Connection& db) { return reads::swallowed(db, id, low, high, user); });
  }
  Result<std::vector<Change>> changes(ConversationId id, Position after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::changes(db, id, after, limit); });
  }
  Result<Since> since(Position after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::since(db, after, limit); });
  }
  Result<std::optional<std::string>> key_value(std::string_view space, std::string_view key) override {
    return read([&](Connection& db) { return reads::key_value(db, space, key); });
  }
  Result<std::vector<StoredValue>> key_values(std::string_view space, std::string_view prefix, std::string_view after,
                                              std::size_t limit) override {
    return read([&](Connection& db) { return reads::key_values(db, space, prefix, after, limit); });
  }
  Result<std::vector<StoredConversation>> broadcasts() override { return read(&reads::broadcasts); }
  Result<std::optional<Position>> follower(std::string_view name) override {
    return read([&](Connection& db) { return reads::follower(db, name); });
  }

  std::string health() const override {
    const std::lock_guard lock(health_mutex_);
    if (!damage_.empty()) return "damaged: " + damage_;
    if (!trouble_.empty()) return "unavailable: " + trouble_;
    return inspector_.running() ? "checking" : "";
  }

 private:
  template <class F>
  auto read(F call) -> Result<decltype(call(std::declval<Connection&>()))>;
  template <class F>
  auto write(F call) -> Result<decltype(call(std::declval<Writer&>()))>;

  Error failed(const Failure& failure, bool writing);
  Error broken(const std::exception& error);
  void recovered();
  void damaged(const std::string& what);
  bool is_damaged() const {
    const std::lock_guard lock(health_mutex_);
    return !damage_.empty();
  }
  void open(const std::string& path);

  std::string path_ = "loft.db";
  unsigned readers_ = 4;
  Tuning tuning_{5000, 64 << 20, 4000, 64 << 20};

  Host* host_ = nullptr;
  OwnerLock lock_;
  std::mutex writer_mutex_;
  std::unique_ptr<Writer> writer_;  ///< null: not started, or stopped
  Pool pool_;
  Inspector inspector_;
  std::atomic<bool> checked_{true};  ///< no check is due any more

  mutable std::mutex health_mutex_;
  std::string damage_;   ///< what is wrong with the file, for good
  std::string trouble_;  ///< why the last write failed
  Millis told_ = 0;      ///< when that was logged
};

void SqliteStorage::start() {
  namespace fs = std::filesystem;
  const auto path = (fs::path(host_->data_dir()) / path_).string();
  try {
    check_place(path);
    lock_ = OwnerLock(path);
    prepare_file(path);
    open(path);
  } catch (const Failure& e) {
    throw StartError(path + " cannot be used: " + e.what() + " (SQLite result " + std::to_string(e.code) + ")" +
                     (e.primary() == SQLITE_CORRUPT || e.primary() == SQLITE_NOTADB ? "; restore a backup" : ""));
  }
}

void SqliteStorage::open(const std::string& path) {
  auto writer = std::make_unique<Writer>(path, tuning_);
  auto& db = writer->connection();
  if (const auto mode = db.ask("PRAGMA journal_mode = WAL"); mode != "wal") {
    throw StartError(path + " cannot keep a write-ahead log (journal mode is " + mode +
                     "): put it on a local file system, network file systems do not do");
  }
  const int steps = db.session().migrate(migrations, path, host_->clock().now());
  check_schema(db, path, steps != 0);
  const bool clean = was_closed_in_order(db);
  checked_ = clean;
  if (!clean) check_heads(db, path);
  set_closed_in_order(db, false);

  auto reader = tuning_;
  reader.cache_bytes = tuning_.cache_bytes / 8;
  {
    const std::lock_guard lock(writer_mutex_);
    writer_ = std::move(writer);
  }
  pool_.open(path, reader, readers_);
  host_->log().info("storage open", {{"path", path}, {"migrations_applied", steps}, {"clean", clean}});
  if (clean) return;
  host_->log().warn("the last stop was not in order: the log is recovered, the database is checked in the background",
                    {{"path", path}});
  inspector_.start(path, reader, [this, path](const std::string& damage) {
    if (!damage.empty()) return damaged(damage);
    checked_ = true;
    host_->log().info("the check of the database found nothing wrong", {{"path", path}});
  });
}

void SqliteStorage::stop(Millis deadline) noexcept {
  inspector_.stop();
  const auto left = host_ == nullptr ? 0 : std::clamp<Millis>(deadline - host_->clock().steady(), 0, 600'000);
  if (!pool_.close(left) && host_ != nullptr) host_->log().warn("reads were still running at the stop");
  const std::lock_guard lock(writer_mutex_);
  if (writer_) {
    try {
      // A check that was cut short is due again.
      set_closed_in_order(writer_->connection(), checked_ && !is_damaged());
      writer_->connection().execute("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (const std::exception& e) {
      // Nothing is lost: the next start recovers the log and looks closer.
      host_->log().warn("the database could not be closed in order", {{"cause", e.what()}});
    }
    writer_.reset();
  }
  lock_ = OwnerLock();
}

template <class F>
auto SqliteStorage::read(F call) -> Result<decltype(call(std::declval<Connection&>()))> {
  try {
    const auto lease = pool_.lend(tuning_.busy_timeout);
    if (!lease) return Error{Code::unavailable, "storage.busy", {}};
    return call(*lease);
  } catch (const Failure& e) {
    return failed(e, false);
  } catch (const std::exception& e) {
    return broken(e);
  }
}

template <class F>
auto SqliteStorage::write(F call) -> Result<decltype(call(std::declval<Writer&>()))> {
  const std::lock_guard lock(writer_mutex_);
  if (!writer_) return Error{Code::unavailable, "storage.unavailable", {}};
  try {
    auto answer = call(*writer_);
    recovered();
    return answer;
  } catch (const Failure& e) {
    return failed(e, true);
  } catch (const std::exception& e) {
    return broken(e);
  }
}

Error SqliteStorage::failed(const Failure& failure, bool writing) {
  switch (failure.primary()) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      damaged(failure.text);
      return {Code::internal, "storage.broken", {}};
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_SCHEMA:
      return broken(failure);
    default:
      break;
  }
  bool tell = true;
  {
    const std::lock_guard lock(health_mutex_);
    const auto now = host_->clock().steady();
    // A full disk fails every commit: one line for the cause, then one in ten seconds.
    tell = trouble_ != failure.text || now - told_ >= 10'000;
    if (tell) told_ = now;
    if (writing) trouble_ = failure.text;
  }
  if (tell) {
    host_->log().error(writing ? "nothing can be stored" : "nothing can be read",
                       {{"cause", failure.text}, {"sqlite_result", failure.code}});
  }
  return {Code::unavailable, "storage.unavailable", {}};
}

Error SqliteStorage::broken(const std::exception& error) {
  host_->log().error("the storage refused a call that makes no sense", {{"cause", error.what()}});
  return {Code::internal, "storage.broken", {}};
}

void SqliteStorage::recovered() {
  const std::lock_guard lock(health_mutex_);
  if (trouble_.empty()) return;
  trouble_.clear();
  host_->log().info("the storage works again");
}

void SqliteStorage::damaged(const std::string& what) {
  const std::lock_guard lock(health_mutex_);
  if (!damage_.empty()) return;
  damage_ = what;
  // With the lock held: who reads of it in the health finds it in the log.
  host_->log().error("the database is damaged: stop, keep a copy of the files, restore a backup", {{"damage", what}});
}

}  // namespace
}  // namespace loft::storage

using loft::storage::SqliteStorage;
LOFT_PLUGIN(SqliteStorage, "storage.sqlite", "0.1.0", "Messages in one SQLite file")
