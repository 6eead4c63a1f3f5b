// How the push ledger writes into SQLite. It has connections of its own, and holds the mutex of the one that commits
// while it writes: SQLite has one writer, and who finds another one there sleeps and tries again, which would cost a
// commit far more than a small transaction of the ledger.
//
// It does not hold the mutex while it waits for the disk. Its transactions are appended to the write-ahead log and not
// waited for; what must be on the disk is brought there when the mutex is free again. The log is one file, of which a
// crash of the machine leaves a beginning: each commit of messages, which waits for the disk, has everything before it
// brought there as well. See docs/core/storage.md.
#pragma once

#include <common/ledger.hpp>

#include "connection.hpp"

namespace loft::storage {

/// A connection of the ledger.
class LedgerConnection : public Connection {
 public:
  LedgerConnection(const std::string& path, const Tuning& tuning) : Connection(path, tuning) {
    execute("PRAGMA secure_delete = ON");  // see Writer
    execute("PRAGMA synchronous = NORMAL");
    // In place of SQLite's own checkpoint, which would run within COMMIT.
    sqlite3_wal_hook(handle(), &LedgerConnection::note, this);
    checkpoint_ = 2 * tuning.checkpoint_pages;
  }

  /// Waits until the log is on the disk, as far as this connection has written it and further.
  void sync() {
    sqlite3_file* log = nullptr;
    int result = sqlite3_file_control(handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (result == SQLITE_OK && log != nullptr && log->pMethods != nullptr)
      result = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    if (result != SQLITE_OK) throw SqliteFailure(result, "the write-ahead log could not be brought to the disk");
  }
  /// The connection that commits copies the log into the database; this is for when it has nothing to do.
  void shorten_log() noexcept {
    if (std::exchange(pages_, 0) >= checkpoint_)
      sqlite3_wal_checkpoint_v2(handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }

 private:
  static int note(void* self, sqlite3*, const char*, int pages) noexcept {
    static_cast<LedgerConnection*>(self)->pages_ = pages;
    return SQLITE_OK;
  }

  std::int64_t checkpoint_ = 0;
  std::int64_t pages_ = 0;  ///< in the log, after the last transaction
};

struct SqliteLedger {
  using Connection = LedgerConnection;
  static constexpr bool leases_at_once = true;

  static bool alive(Connection&) noexcept { return true; }
  static void begin(Connection& db) { db.begin_writing(); }
  static void commit(Connection& db) { db.commit(); }
  static void after(Connection& db, Durable durable) {
    if (durable == Durable::at_once) db.sync();
    db.shorten_log();
  }
  static void rollback(Connection& db) noexcept { db.rollback(); }
  static int repeats_after(const Failure&) noexcept { return 0; }

  template <class Row, class F>
  static std::size_t each(Connection& db, Query query, std::span<const Row> rows, F f) {
    std::size_t changed = 0;
    for (const auto& row : rows) {
      f(row, [&](const auto&... args) { changed += static_cast<std::size_t>(db.write(query, args...)); });
    }
    return changed;
  }
};

}  // namespace loft::storage
