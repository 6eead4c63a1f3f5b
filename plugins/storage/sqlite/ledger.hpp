// How the push ledger writes into SQLite. It has a connection of its own, and holds the mutex of the one that commits
// while it writes: SQLite has one writer, and who finds another one there sleeps and tries again, which would cost a
// commit far more than a small transaction of the ledger.
#pragma once

#include <common/ledger.hpp>

#include "connection.hpp"

namespace loft::storage {

struct SqliteLedger {
  using Connection = storage::Connection;
  static constexpr bool leases_at_once = true;

  static bool alive(Connection&) noexcept { return true; }
  static void begin(Connection& db) {
    db.execute("PRAGMA synchronous = FULL");
    db.begin_writing();
  }
  /// Not waited for until it is on the disk: whoever had the lease is gone with the machine, and so may the lease be.
  static void begin_lease(Connection& db) {
    db.execute("PRAGMA synchronous = NORMAL");
    db.begin_writing();
  }
  static void commit(Connection& db) { db.commit(); }
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

  static std::unique_ptr<Connection> open(const std::string& path, const Tuning& tuning) {
    auto db = std::make_unique<Connection>(path, tuning);
    db->execute("PRAGMA secure_delete = ON");  // see Writer
    return db;
  }
};

}  // namespace loft::storage
