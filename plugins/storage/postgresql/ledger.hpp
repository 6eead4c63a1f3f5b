// How the push ledger writes into PostgreSQL: what belongs together is sent together.
#pragma once

#include <common/ledger.hpp>

#include "connection.hpp"

namespace loft::storage::postgresql {

struct PostgresqlLedger {
  using Connection = postgresql::Connection;
  static constexpr bool leases_at_once = true;

  static bool alive(Connection& db) noexcept { return db.alive(); }
  static void begin(Connection& db) { db.queue(Own::begin); }
  static void commit(Connection& db) {
    db.queue(Own::commit);
    db.send();
    db.finish();
  }
  static void after(Connection&, Durable) noexcept {}  // COMMIT has seen to that
  static void rollback(Connection& db) noexcept { db.rollback(); }
  /// Serialization failures and deadlocks are nobody's fault.
  static int repeats_after(const Failure& failure) noexcept {
    return failure.code == "40001" || failure.code == "40P01" ? 3 : 0;
  }

  template <class Row, class F>
  static std::size_t each(Connection& db, Query query, std::span<const Row> rows, F f) {
    if (rows.empty()) return 0;
    for (const auto& row : rows) f(row, [&](const auto&... args) { db.queue_wanted(query, args...); });
    db.send();
    std::size_t changed = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) changed += static_cast<std::size_t>(db.take_changed());
    db.finish();
    return changed;
  }
};

}  // namespace loft::storage::postgresql
