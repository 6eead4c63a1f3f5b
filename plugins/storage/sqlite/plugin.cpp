// storage.sqlite: one file, one writer, several readers.
#include <loft/storage.hpp>

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>

#include <common/sql_storage.hpp>
#include <common/watch.hpp>
#include <sqlite_migrations.hpp>

#include "backup.hpp"
#include "check.hpp"
#include "inspector.hpp"
#include "kept_files.hpp"
#include "ledger.hpp"
#include "schema.hpp"
#include "startup.hpp"
#include "writer.hpp"

namespace loft::storage {
namespace {

class SqliteStorage final : public SqlStorage<Connection, Writer> {
 public:
  ~SqliteStorage() override {
    watch_.stop();
    inspector_.stop();
  }

  void options(OptionTable& table) override {
    table.text("path", path_, "The database file; a relative path begins at data_dir.");
    table.integer("readers", readers_, "Connections for reading at the same time.").range(1, 64);
    table
        .duration("busy_timeout", busy_timeout_,
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

  void start() override;
  void stop(Millis deadline) noexcept override;
  Result<void> backup(const std::string& file, Progress progress) override;

  PushLedger* push_ledger() noexcept override { return &ledger_; }

  std::string health() const override {
    const auto trouble = SqlStorage::health();
    return trouble.empty() && inspector_.running() ? "checking" : trouble;
  }

 private:
  void open(const std::string& path);
  /// Once a second: nobody may be writing when the files are moved away, and nobody writes to a host that is not ready.
  void look_at_files() noexcept;
  /// Opens the store as its owner and brings its tables up to date; how many steps that took.
  std::unique_ptr<Writer> own(const std::string& path, const Plan& plan, int& steps);

  Engine engine() const noexcept override { return Engine::sqlite; }
  std::span<const Migration> steps() const noexcept override { return migrations; }
  std::string where() const override { return (std::filesystem::path(host_->data_dir()) / path_).string(); }
  std::unique_ptr<SchemaDatabase> look_in() override;
  std::string owner() override { return owner_of(where()); }
  void bring_up(const Plan& plan) override;

  std::string path_ = "loft.db";
  unsigned readers_ = 4;
  Tuning tuning_{5000, 64 << 20, 4000, 64 << 20};

  OwnerLock lock_;
  KeptFiles files_;
  bool misplaced_ = false;  ///< what the last look found; the watch's
  Inspector inspector_;
  Ledger<SqliteLedger> ledger_;
  std::atomic<bool> checked_{true};  ///< no check is due any more
  Watch watch_;
};

void SqliteStorage::start() {
  tuning_.busy_timeout = busy_timeout_;
  try {
    open(where());
  } catch (const Failure& e) {
    throw StartError(told(e));
  }
}

std::unique_ptr<Writer> SqliteStorage::own(const std::string& path, const Plan& plan, int& steps) {
  check_place(path);
  lock_ = OwnerLock(path);
  check_log(path);
  prepare_file(path);
  auto writer = std::make_unique<Writer>(path, tuning_);
  auto& db = writer->connection();
  if (const auto mode = db.ask("PRAGMA journal_mode = WAL"); mode != "wal") {
    throw StartError(path + " cannot keep a write-ahead log (journal mode is " + mode +
                     "): put it on a local file system, network file systems do not do");
  }
  Schema schema(db.handle());
  // Before a step as well: afterwards nobody could tell.
  if (look(schema, plan.known, path).stored != 0 && remembers_schema(db)) {
    check_schema(db, path, plan.known, false);
  }
  steps = loft::storage::migrate(schema, plan, host_->clock().now());
  check_schema(db, path, plan.known, steps != 0);
  return writer;
}

std::unique_ptr<SchemaDatabase> SqliteStorage::look_in() {
  // A start makes data_dir, and no other folder.
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(host_->data_dir(), ignored);
  if (!is_there && std::filesystem::path(path_).parent_path().empty()) return nullptr;
  return look_into(where(), static_cast<int>(busy_timeout_));
}

void SqliteStorage::bring_up(const Plan& plan) {
  const auto path = where();
  tuning_.busy_timeout = busy_timeout_;
  struct Release {
    OwnerLock& lock;
    ~Release() { lock = OwnerLock(); }
  } const release{lock_};
  int steps = 0;
  // Whether the last owner ended in order is for the next start to know, so that stays as it is.
  own(path, plan, steps);
}

Result<void> SqliteStorage::backup(const std::string& file, Progress progress) {
  auto done = answered([&] {
    // Whatever is there is looked at before anything is written.
    if (const auto looking = look_in(); !looking || look(*looking, {}, where()).stored == 0) {
      throw StartError(where() +
                       " does not exist or is empty, so there is nothing to back up: look at option `path` of the "
                       "storage, and at `--config`");
    }
    return back_up(where(), tuning_, file, progress);
  });
  if (!done) return std::move(done.error());
  return std::move(*done);
}

void SqliteStorage::open(const std::string& path) {
  int steps = 0;
  auto writer = own(path, plan(true), steps);
  auto& db = writer->connection();
  const bool clean = was_closed_in_order(db);
  checked_ = clean;
  if (!clean) {
    Schema schema(db.handle());
    check_heads(schema, path);
  }
  set_closed_in_order(db, false);
  files_.remember(path);
  db.guard(files_);

  auto reader = tuning_;
  reader.cache_bytes = tuning_.cache_bytes / 8;
  {
    const std::lock_guard lock(writer_mutex_);
    writer_ = std::move(writer);
  }
  pool_.open(
      [this, path, reader] {
        files_.check();  // SQLite would make an empty database where there is none
        return std::make_unique<Connection>(path, reader);
      },
      readers_);
  ledger_.open(
      [this, path, reader] {
        files_.check();
        auto connection = std::make_unique<LedgerConnection>(path, reader);
        connection->guard(files_);
        return connection;
      },
      reports_, busy_timeout_, &writer_mutex_);
  watch_.start([this] { look_at_files(); });
  host_->log().info("storage open", {{"path", path}, {"migrations_applied", steps}, {"clean", clean}});
  if (clean) return;
  host_->log().warn("the last stop was not in order: the log is recovered, the database is checked in the background",
                    {{"path", path}});
  inspector_.start(path, reader, [this, path](const std::string& damage) {
    if (!damage.empty()) return reports_.damaged(damage);
    checked_ = true;
    host_->log().info("the check of the database found nothing wrong", {{"path", path}});
  });
}

void SqliteStorage::look_at_files() noexcept {
  try {
    files_.check();
  } catch (const Failure& e) {
    misplaced_ = true;
    static_cast<void>(reports_.failed(e, Reports::writing));
    return;
  }
  if (std::exchange(misplaced_, false)) reports_.worked(Reports::writing);
}

void SqliteStorage::stop(Millis deadline) noexcept {
  watch_.stop();
  inspector_.stop();
  if (host_ != nullptr) ledger_.close(deadline - host_->clock().steady());
  close_reads(deadline);
  const std::lock_guard lock(writer_mutex_);
  if (writer_) {
    try {
      // A check that was cut short is due again.
      set_closed_in_order(writer_->connection(), checked_ && !reports_.is_damaged());
      writer_->connection().execute("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (const std::exception& e) {
      // Nothing is lost: the next start recovers the log and looks closer.
      host_->log().warn("the database could not be closed in order", {{"cause", e.what()}});
    }
    writer_.reset();
  }
  lock_ = OwnerLock();
}

}  // namespace
}  // namespace loft::storage

using loft::storage::SqliteStorage;
LOFT_PLUGIN(SqliteStorage, "storage.sqlite", "0.1.0", "Messages in one SQLite file")
