// The push ledger of the SQL storages, on connections of its own: on a server it never waits for the one that commits.
//
// Whose store it is, is asked when a connection is opened and not with every write. The owner's signature keeps a host
// that was replaced from writing what it remembers of heads and client ids, and the ledger writes nothing that is
// remembered: what is owed is there once however often it is said, a lease that ran out belongs to whoever took it
// next, and what happened at a provider happened. So two hosts at once cost a push that is sent twice at worst. But a
// host that was cut off and comes back has been replaced for long perhaps, and opens its connections anew.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <loft/plugin.hpp>

#include "ledger_rows.hpp"
#include "parameter.hpp"
#include "pool.hpp"
#include "queries.hpp"
#include "reports.hpp"

namespace loft::storage {

/// When a transaction of the ledger must be on the disk.
enum class Durable : std::uint8_t {
  at_once,   ///< before its caller hears of it, and with it all that came before
  in_order,  ///< with whatever is committed next, see P1
};

/// What an engine says of its transactions. Everything but `rollback` and `alive` may throw Failure.
///   using Connection          see reads.hpp
///   leases_at_once            false: lease_pushes only locks rows, which take_lease then takes
///   alive(db)                 false: it is known to be gone
///   begin(db), commit(db), rollback(db)
///   after(db, durable)        when the transaction is stored, and the gate is open again
///   each(db, query, rows, f)  f(row, put) calls put(args…) once; returns how many rows were changed in all
///   repeats_after(failure)    how often a transaction that failed and is not stored may come again
template <class Driver>
class Ledger final : public PushLedger {
 public:
  using Connection = typename Driver::Connection;

  /// How many connections there may be: of the work, one that writes and one that reads beside it; and one of those who
  /// look at much of it, such as an operator, for whom the work must not wait.
  static constexpr std::size_t working = 2, looking = 1;

  /// `gate`: held while something is written, where writers would stand in each other's way; null: none. Thread role:
  /// control.
  void open(typename Pool<Connection>::Open make, Reports& reports, Millis patience, std::mutex* gate = nullptr) {
    reports_ = &reports;
    patience_ = patience;
    gate_ = gate;
    looks_.open(make, looking);
    pool_.open(std::move(make), working);
  }
  /// Refuses calls from now on and waits up to `wait` for those that run. Thread role: control.
  void close(Millis wait) noexcept {
    const auto most = std::clamp<Millis>(wait, 0, 600'000);
    const auto began = std::chrono::steady_clock::now();
    pool_.close(most);
    const auto used = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    looks_.close(std::max<Millis>(most - used.count(), 0));
  }

  Result<std::size_t> owe(std::span<const OwedPush> pushes) override {
    // In order: the follower's position comes behind it in the same log.
    return written(Durable::in_order, [&](Connection& db) {
      return Driver::each(db, Query::owe_push, pushes, [](const OwedPush& push, auto put) { put_push(push, put); });
    });
  }

  Result<std::vector<OwedPush>> lease(std::uint64_t holder, Millis now, Millis until, std::size_t limit) override {
    // In order: whoever had the lease is gone with the machine, and so may the lease be.
    auto taken = written(Durable::in_order, [&](Connection& db) { return leased(db, holder, now, until, limit); });
    if (taken) {
      std::sort(taken->begin(), taken->end(), [](const OwedPush& a, const OwedPush& b) {
        return std::tie(a.due, a.message, a.user) < std::tie(b.due, b.message, b.user);
      });
    }
    return taken;
  }

  Result<std::size_t> settle(std::uint64_t holder, const Settlement& settlement) override {
    // In order: what is forgotten with the machine is sent again.
    return written(Durable::in_order, [&](Connection& db) {
      const auto stored = Driver::each(db, Query::settle_push, settlement.pushes, [&](const OwedPush& push, auto put) {
        put(push.conversation, push.state, push.attempts, push.created, push.due, push.expires, finished(push),
            push.reason, push.plan, push.message, push.user, holder);
      });
      Driver::each(db, Query::put_attempt, settlement.attempts, [](const PushAttempt& attempt, auto put) {
        put(attempt.user, attempt.message, attempt.type, attempt.status, attempt.error, attempt.time);
      });
      for (const auto& news : settlement.devices) apply(db, news);
      return stored;
    });
  }

  Result<std::optional<Millis>> next_due() override {
    return read([](Connection& db) -> std::optional<Millis> {
      auto row = db.run(Query::next_due);
      if (!row.next() || row.is_null(0)) return std::nullopt;
      return static_cast<Millis>(row.number(0));
    });
  }

  Result<bool> revive(PushKey key, Millis due, Millis expires, std::string_view plan) override {
    return written(Durable::at_once, [&](Connection& db) {
      return db.write(Query::revive_push, due, expires, plan, raw(key.message), raw(key.user)) != 0;
    });
  }

  Result<std::size_t> forget_pushes(Millis before, std::size_t limit) override {
    // The host asks for it every few seconds: what was settled before has a limit to how long it may be lost.
    return written(Durable::at_once, [&](Connection& db) {
      const auto pushes = db.write(Query::forget_pushes, before, clamp(limit));
      return static_cast<std::size_t>(pushes + db.write(Query::forget_attempts, before, clamp(limit)));
    });
  }

  Result<std::optional<OwedPush>> push(PushKey key) override {
    return read([&](Connection& db) -> std::optional<OwedPush> {
      auto row = db.run(Query::push, clamp(raw(key.message)), clamp(raw(key.user)));
      if (!row.next()) return std::nullopt;
      return reads::push_of(row);
    });
  }
  Result<std::vector<OwedPush>> pushes(std::optional<PushState> state, PushKey after, std::size_t limit) override {
    const auto message = clamp(raw(after.message)), user = clamp(raw(after.user));
    return look([&](Connection& db) {
      if (!state) return pushes_in(db.run(Query::pushes, message, user, clamp(limit)));
      return pushes_in(db.run(Query::pushes_of_state, *state, message, user, clamp(limit)));
    });
  }
  Result<std::vector<OwedPush>> pushes_of(UserId user, MessageId after, std::size_t limit) override {
    return look([&](Connection& db) {
      return pushes_in(db.run(Query::pushes_of_user, clamp(raw(user)), clamp(raw(after)), clamp(limit)));
    });
  }
  Result<PushCounts> push_counts(std::uint64_t most) override {
    return look([&](Connection& db) {
      auto row = db.run(Query::push_counts, clamp(most));
      return row.next() ? PushCounts{row.number(0), row.number(1)} : PushCounts();
    });
  }

  Result<std::vector<PushAttempt>> attempts_of(MessageId message, std::string_view user, std::uint64_t after,
                                               std::size_t limit) override {
    return look([&](Connection& db) {
      return attempts_in(db.run(Query::attempts_of, clamp(raw(message)), user, clamp(after), clamp(limit)));
    });
  }
  Result<std::vector<PushAttempt>> attempts(std::uint64_t after, std::size_t limit) override {
    return look([&](Connection& db) { return attempts_in(db.run(Query::attempts, clamp(after), clamp(limit))); });
  }

  Result<std::size_t> erase_pushes(UserId user, std::string_view handle) override {
    return written(Durable::at_once, [&](Connection& db) {
      auto rows = db.write(Query::erase_pushes, clamp(raw(user)));
      rows += db.write(Query::erase_devices, clamp(raw(user)));
      return static_cast<std::size_t>(rows + db.write(Query::erase_attempts, handle));
    });
  }

  Result<std::uint64_t> register_device(const Device& device) override {
    return written(Durable::at_once, [&](Connection& db) {
      db.write(Query::put_device, device.user, device.channel, device.token, device.platform, device.client, device.app,
               device.locale, device.registered);
      auto row = db.run(Query::device_of_token, device.channel, device.token);
      return row.next() ? row.number(0) : std::uint64_t{0};
    });
  }
  Result<bool> remove_device(UserId user, std::string_view channel, std::string_view token) override {
    return written(Durable::at_once, [&](Connection& db) {
      return db.write(Query::remove_device, channel, token, clamp(raw(user))) != 0;
    });
  }
  Result<std::vector<Device>> devices(UserId user) override { return devices(std::span(&user, 1)); }
  Result<std::vector<Device>> devices(std::span<const UserId> users) override {
    std::vector<UserId> wanted(users.begin(), users.end());
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    std::string list = "[";
    for (const auto user : wanted) list += (list.size() == 1 ? "" : ",") + std::to_string(clamp(raw(user)));
    list += "]";
    return read([&](Connection& db) { return devices_in(db.run(Query::devices_of, list)); });
  }
  Result<std::vector<Device>> devices(std::uint64_t after, std::size_t limit) override {
    return look([&](Connection& db) { return devices_in(db.run(Query::devices, clamp(after), clamp(limit))); });
  }

  Result<void> restore(std::span<const OwedPush> pushes, std::span<const PushAttempt> attempts,
                       std::span<const Device> devices) override {
    const auto done = written(Durable::at_once, [&](Connection& db) {
      Driver::each(db, Query::restore_push, pushes, [](const OwedPush& push, auto put) { put_push(push, put); });
      Driver::each(db, Query::restore_attempt, attempts, [](const PushAttempt& attempt, auto put) {
        put(attempt.id, attempt.user, attempt.message, attempt.type, attempt.status, attempt.error, attempt.time);
      });
      Driver::each(db, Query::restore_device, devices, [](const Device& device, auto put) {
        put(device.id, device.user, device.channel, device.token, device.platform, device.client, device.app,
            device.locale, device.registered, device.last_success, device.failed, device.failure);
      });
      if (!attempts.empty()) db.run(Query::raise_attempt_ids).next();
      if (!devices.empty()) db.run(Query::raise_device_ids).next();
      return true;
    });
    if (!done) return done.error();
    return {};
  }

 private:
  static Millis finished(const OwedPush& push) noexcept { return push.state == PushState::owed ? 0 : push.finished; }
  template <class Put>
  static void put_push(const OwedPush& push, Put put) {
    put(push.message, push.user, push.conversation, push.state, push.attempts, push.created, push.due, push.expires,
        finished(push), push.reason, push.plan);
  }

  static std::vector<OwedPush> leased(Connection& db, std::uint64_t holder, Millis now, Millis until,
                                      std::size_t limit) {
    if constexpr (Driver::leases_at_once) {
      return pushes_in(db.run(Query::lease_pushes, holder, until, now, clamp(limit)));
    } else {
      auto taken = pushes_in(db.run(Query::lease_pushes, now, clamp(limit)));
      Driver::each(db, Query::take_lease, std::span<const OwedPush>(taken),
                   [&](const OwedPush& push, auto put) { put(holder, until, push.message, push.user); });
      return taken;
    }
  }

  static void apply(Connection& db, const DeviceNews& news) {
    const auto id = clamp(news.device);
    switch (news.kind) {
      case DeviceNews::Kind::success:
        db.write(Query::device_worked, news.at, id);
        break;
      case DeviceNews::Kind::failure:
        db.write(Query::device_failed, news.at, news.reason, id);
        break;
      case DeviceNews::Kind::dead:
        db.write(Query::device_died, id, news.since);
        break;
    }
  }

  template <class Rows>
  static std::vector<OwedPush> pushes_in(Rows rows) {
    std::vector<OwedPush> list;
    while (rows.next()) list.push_back(reads::push_of(rows));
    return list;
  }
  template <class Rows>
  static std::vector<PushAttempt> attempts_in(Rows rows) {
    std::vector<PushAttempt> list;
    while (rows.next()) list.push_back(reads::attempt_of(rows));
    return list;
  }
  template <class Rows>
  static std::vector<Device> devices_in(Rows rows) {
    std::vector<Device> list;
    while (rows.next()) list.push_back(reads::device_of(rows));
    return list;
  }

  /// Calls `work` and turns what it throws into an answer.
  template <class F>
  auto answered(Reports::Side side, F work) -> decltype(work()) {
    if (reports_ == nullptr) return Error{Code::unavailable, "storage.unavailable", {}};
    try {
      return work();
    } catch (const Failure& e) {
      return reports_->failed(e, side);
    } catch (const std::exception& e) {
      return reports_->broken(e);
    }
  }

  template <class F>
  auto read(F call) {
    return read_over(pool_, call);
  }
  template <class F>
  auto look(F call) {
    return read_over(looks_, call);
  }
  template <class F>
  auto read_over(Pool<Connection>& pool, F& call) -> Result<decltype(call(std::declval<Connection&>()))> {
    using Answer = Result<decltype(call(std::declval<Connection&>()))>;
    return answered(Reports::reading, [&]() -> Answer {
      for (int failed = 0;; ++failed) {
        try {
          const auto lent = pool.lend(patience_);
          if (!lent) return Error{Code::unavailable, "storage.busy", {}};
          auto answer = call(*lent);
          reports_->worked(Reports::reading);
          return answer;
        } catch (const Failure& e) {
          if (e.kind != Failure::Kind::lost || failed != 0) throw;
          pool.drop_idle();
        }
      }
    });
  }

  /// One transaction. What cannot have been stored has further chances; of a COMMIT without an answer nobody knows.
  template <class F>
  auto written(Durable durable, F call) -> Result<decltype(call(std::declval<Connection&>()))> {
    using Answer = Result<decltype(call(std::declval<Connection&>()))>;
    return answered(Reports::writing, [&]() -> Answer {
      for (int failed = 0;; ++failed) {
        const auto lent = pool_.lend(patience_);
        if (!lent) return Error{Code::unavailable, "storage.busy", {}};
        auto& db = *lent;
        std::unique_lock<std::mutex> gate;
        if (gate_ != nullptr) gate = std::unique_lock(*gate_);
        bool committing = false;
        try {
          if (!Driver::alive(db)) throw Failure(Failure::Kind::lost, "the connection to the server broke");
          Driver::begin(db);
          auto answer = call(db);
          committing = true;
          Driver::commit(db);
          if (gate) gate.unlock();
          Driver::after(db, durable);
          reports_->worked(Reports::writing);
          return answer;
        } catch (const Failure& e) {
          Driver::rollback(db);
          const bool is_lost = e.kind == Failure::Kind::lost;
          if ((committing && is_lost) || failed >= (is_lost ? 1 : Driver::repeats_after(e))) throw;
          if (is_lost) pool_.drop_idle();
        } catch (...) {
          Driver::rollback(db);
          throw;
        }
      }
    });
  }

  Reports* reports_ = nullptr;  ///< null: not open yet
  Millis patience_ = 5000;      ///< how long a call waits for a connection
  std::mutex* gate_ = nullptr;
  Pool<Connection> pool_;   ///< of the work
  Pool<Connection> looks_;  ///< of those who look at much
};

}  // namespace loft::storage
