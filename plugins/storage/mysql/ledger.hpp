// How the push ledger writes into MariaDB and MySQL.
#pragma once

#include <common/ledger.hpp>

#include "connection.hpp"
#include "startup.hpp"

namespace loft::storage::mysql {

struct MysqlLedger {
  using Connection = mysql::Connection;
  static constexpr bool leases_at_once = false;

  static bool alive(Connection& db) noexcept { return db.alive(); }
  static void begin(Connection& db) { db.begin_writing(); }
  static void commit(Connection& db) { db.commit(); }
  static void after(Connection&, Durable) noexcept {}  // COMMIT has seen to that
  static void rollback(Connection& db) noexcept { db.rollback(); }
  /// Both are over at once: locks of another transaction, and a push that another one has stored meanwhile.
  static int repeats_after(const Failure& failure) noexcept {
    if (failure.code == deadlock || failure.code == row_has_changed || failure.code == duplicate_entry) return 4;
    return failure.code == lock_wait_timeout ? 1 : 0;
  }

  template <class Row, class F>
  static std::size_t each(Connection& db, Query query, std::span<const Row> rows, F f) {
    std::size_t changed = 0;
    for (const auto& row : rows) {
      f(row, [&](const auto&... args) { changed += static_cast<std::size_t>(db.write(query, args...)); });
    }
    return changed;
  }
};

}  // namespace loft::storage::mysql
