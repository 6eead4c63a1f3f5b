// P1 to P7: what is owed, who works on it, and what became of it.
#pragma once

#include <atomic>
#include <set>
#include <thread>

#include <loft/testing/storage/push_fixture.hpp>

namespace loft::testing::storage {

inline void p1_what_is_stored_is_there_after_a_restart(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  auto odd = a_push(7, 3);
  odd.reason = "résumé '\"\\ ";
  odd.plan = R"({"devices":{"4":"accepted"},"text":"\u0000 ü"})";
  odd.attempts = std::numeric_limits<std::uint32_t>::max();
  odd.expires = std::numeric_limits<std::int64_t>::max();
  odd.created = 0;
  REQUIRE(owe(ledger, {odd, a_push(8, 3)}) == 2);
  const auto device = value(ledger->register_device(a_device(3, "token")));
  REQUIRE(value(ledger->lease(1, noon, noon + 1000, 10)).size() == 2);
  settle(ledger, 1, {ended(a_push(8, 3), PushState::delivered, noon + 7, "")},
         {an_attempt(8, "user3", noon + 6), an_attempt(8, "user3", noon + 7, "BadDeviceToken")},
         {{device, DeviceNews::Kind::success, noon + 7, {}, 0}});
  for (int time = 0; time < 2; ++time) {
    const auto pushes = all_pushes(ledger);
    REQUIRE(pushes.size() == 2);
    CHECK(alike(pushes[0], odd));
    CHECK(alike(pushes[1], ended(a_push(8, 3), PushState::delivered, noon + 7)));
    const auto attempts = all_attempts(ledger);
    REQUIRE(attempts.size() == 2);
    auto failed = an_attempt(8, "user3", noon + 7, "BadDeviceToken");
    failed.id = attempts[1].id;
    CHECK(alike(attempts[1], failed));
    const auto devices = all_devices(ledger);
    REQUIRE(devices.size() == 1);
    CHECK(devices[0].last_success == noon + 7);
    // A lease is the work of a process that may be gone: it outlives a restart, and ends by time.
    CHECK(value(ledger->lease(2, noon + 999, noon + 2000, 10)).empty());
    ledger.reopen();
  }
  CHECK(value(ledger->lease(2, noon + 1000, noon + 2000, 10)).size() == 1);
}

inline void p2_what_is_there_is_not_owed_again(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  CHECK(owe(ledger, {}) == 0);
  REQUIRE(owe(ledger, {a_push(1, 1), a_push(1, 2), a_push(2, 1)}) == 3);
  REQUIRE(value(ledger->lease(9, noon, noon + 10, 2)).size() == 2);
  const auto done = ended(a_push(1, 1), PushState::delivered, noon + 1);
  REQUIRE(settle(ledger, 9, {done}) == 1);
  auto other = a_push(1, 2);
  other.reason = "otherwise";
  // One that is delivered, one that is leased, one that waits, one twice.
  CHECK(owe(ledger, {a_push(1, 1), other, a_push(2, 1), a_push(2, 2), a_push(2, 2)}) == 1);
  const auto pushes = all_pushes(ledger);
  REQUIRE(pushes.size() == 4);
  CHECK(alike(pushes[0], done));
  CHECK(alike(pushes[1], a_push(1, 2)));
  CHECK(value(ledger->lease(8, noon, noon + 10, 10)).size() == 2);
}

inline void p3_leases_are_by_due_time_and_exclusive(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  owe(ledger, {a_push(1, 1, noon + 30), a_push(2, 1, noon + 10), a_push(3, 1, noon + 20), a_push(4, 1, noon + 40)});
  CHECK(value(ledger->lease(5, noon + 9, noon + 100, 10)).empty());
  CHECK(value(ledger->lease(5, noon + 30, noon + 100, 0)).empty());
  const auto first = value(ledger->lease(5, noon + 30, noon + 100, 2));
  REQUIRE(keys_of(first) == keys_of({a_push(2, 1), a_push(3, 1)}));
  CHECK(alike(first[0], a_push(2, 1, noon + 10)));
  CHECK(keys_of(value(ledger->lease(6, noon + 30, noon + 90, 10))) == keys_of({a_push(1, 1)}));
  CHECK(value(ledger->lease(5, noon + 30, noon + 100, 10)).empty());  // not even to itself
  CHECK(keys_of(value(ledger->lease(7, noon + 90, noon + 200, 10))) == keys_of({a_push(1, 1), a_push(4, 1)}));
  CHECK(keys_of(value(ledger->lease(7, noon + 100, noon + 200, 1))) == keys_of({a_push(2, 1)}));
  // What is finished is nobody's.
  REQUIRE(settle(ledger, 7, {ended(a_push(2, 1), PushState::dead, noon + 101, "expired")}) == 1);
  CHECK(keys_of(value(ledger->lease(8, noon + 1000, noon + 2000, 10))) ==
        keys_of({a_push(3, 1), a_push(1, 1), a_push(4, 1)}));
}

/// Each of several callers takes what it gets and settles it; owed and forgotten is meanwhile. Everything is had once.
inline void p3_no_two_callers_get_the_same_one(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  constexpr std::uint64_t count = 300, callers = 4;
  std::atomic<std::uint64_t> taken{0};
  std::atomic<bool> ok{true};
  std::array<std::atomic<int>, count> times{};
  std::vector<std::thread> threads;
  for (std::uint64_t holder = 1; holder <= callers; ++holder) {
    threads.emplace_back([&, holder] {
      while (ok && taken < count) {
        const auto leased = ledger->lease(holder, noon, noon + 1'000'000, 7);
        if (!leased) {
          ok = false;
          return;
        }
        std::vector<OwedPush> finished;
        for (const auto& push : *leased) {
          ++times.at(raw(push.message) - 1);
          finished.push_back(ended(push, PushState::delivered, noon + 1));
        }
        const auto stored = ledger->settle(holder, {finished, {}, {}});
        if (!stored || *stored != finished.size()) ok = false;
        taken += finished.size();
      }
    });
  }
  for (std::uint64_t from = 1; from <= count && ok; from += 10) {
    std::vector<OwedPush> some;
    for (auto n = from; n < from + 10; ++n) some.push_back(a_push(n, 1, noon - static_cast<Millis>(n % 7)));
    const auto added = ledger->owe(some);
    if (!added || *added != some.size()) ok = false;
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(ok);
  for (const auto& one : times) CHECK(one == 1);
  CHECK(value(ledger->push_counts(2 * count)) == PushCounts{0, 0});
  CHECK(value(ledger->pushes(PushState::delivered, {}, 2 * count)).size() == count);
}

inline void p4_what_is_not_leased_any_more_is_not_settled(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  owe(ledger, {a_push(1, 1), a_push(2, 1), a_push(3, 1)});
  REQUIRE(value(ledger->lease(5, noon, noon + 10, 2)).size() == 2);
  REQUIRE(value(ledger->lease(6, noon + 10, noon + 20, 1)).size() == 1);  // push 1, whose lease is over
  auto later = a_push(2, 1, noon + 500);
  later.attempts = 1;
  later.reason = "TooManyRequests";
  later.plan = "{}";
  // 1 is leased by another, 2 by this one, though its time is over; 3 by nobody; 4 is not there.
  CHECK(settle(ledger, 5,
               {ended(a_push(1, 1), PushState::dead, noon), later, ended(a_push(3, 1), PushState::dead, noon),
                ended(a_push(4, 1), PushState::dead, noon)},
               {an_attempt(1, "user1", noon, "BadDeviceToken"), an_attempt(2, "user1", noon, "TooManyRequests")}) == 1);
  CHECK(all_attempts(ledger).size() == 2);  // they happened
  const auto pushes = all_pushes(ledger);
  REQUIRE(pushes.size() == 3);
  CHECK(pushes[0].state == PushState::owed);
  CHECK(alike(pushes[1], later));
  CHECK(pushes[2].state == PushState::owed);
  // What is still owed is free again, and no more this one's.
  CHECK(settle(ledger, 5, {ended(a_push(2, 1), PushState::dead, noon)}) == 0);
  CHECK(keys_of(value(ledger->lease(7, noon + 500, noon + 600, 10))) ==
        keys_of({a_push(1, 1), a_push(3, 1), a_push(2, 1)}));
  CHECK(settle(ledger, 6, {ended(a_push(1, 1), PushState::dead, noon)}) == 0);
  CHECK(settle(ledger, 0, {ended(a_push(1, 1), PushState::dead, noon)}) == 0);
  CHECK(settle(ledger, 7, {}) == 0);
}

inline void p4_what_was_revived_is_not_settled(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  owe(ledger, {a_push(1, 1)});
  REQUIRE(value(ledger->lease(5, noon, noon + 10, 2)).size() == 1);
  REQUIRE(settle(ledger, 5, {ended(a_push(1, 1), PushState::dead, noon, "x")}) == 1);
  CHECK(settle(ledger, 5, {ended(a_push(1, 1), PushState::delivered, noon)}) == 0);  // once is all
  REQUIRE(value(ledger->revive({mid(1), uid(1)}, noon, noon + 99)));
  CHECK(settle(ledger, 5, {ended(a_push(1, 1), PushState::delivered, noon)}) == 0);
  CHECK(value(ledger->push({mid(1), uid(1)}))->state == PushState::owed);
  CHECK(value(ledger->lease(6, noon, noon + 10, 2)).size() == 1);
}

inline void p4_news_of_devices_are_kept(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(value(ledger->register_device(a_device(1, std::to_string(i), noon))));
  using Kind = DeviceNews::Kind;
  settle(ledger, 1, {}, {},
         {{ids[0], Kind::success, noon + 1, {}, 0},
          {ids[1], Kind::failure, noon + 2, "TooManyRequests", 0},
          {ids[2], Kind::dead, noon + 3, "Unregistered", noon},      // registered at that moment: it stays
          {ids[3], Kind::dead, noon + 3, "Unregistered", noon + 1},  // registered before
          {ids[4], Kind::dead, noon + 3, "BadDeviceToken", 0},
          {999'999, Kind::failure, noon, "gone", 0}});
  auto devices = all_devices(ledger);
  REQUIRE(ids_of(devices) == std::vector{ids[0], ids[1], ids[2]});
  CHECK(devices[0].last_success == noon + 1);
  CHECK(devices[1].failed == noon + 2);
  CHECK(devices[1].failure == "TooManyRequests");
  settle(ledger, 1, {}, {}, {{ids[0], Kind::failure, noon + 4, "x", 0}, {ids[1], Kind::success, noon + 4, {}, 0}});
  devices = all_devices(ledger);
  CHECK(devices[0].last_success == noon + 1);
  CHECK(devices[0].failed == noon + 4);
  CHECK(devices[1].last_success == noon + 4);
  CHECK(devices[1].failed == 0);
  CHECK(devices[1].failure.empty());
}

inline void p5_the_next_moment_of_work_is_known(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  CHECK(value(ledger->next_due()) == std::nullopt);
  owe(ledger, {a_push(1, 1, noon + 10), a_push(2, 1, noon + 5)});
  CHECK(value(ledger->next_due()) == noon + 5);
  REQUIRE(value(ledger->lease(1, noon + 5, noon + 7, 10)).size() == 1);
  CHECK(value(ledger->next_due()) == noon + 7);  // the lease of 2 may have ended
  REQUIRE(settle(ledger, 1, {a_push(2, 1, noon + 50)}) == 1);
  CHECK(value(ledger->next_due()) == noon + 10);
  REQUIRE(value(ledger->lease(1, noon + 50, noon + 70, 10)).size() == 2);
  CHECK(value(ledger->next_due()) == noon + 70);
  settle(ledger, 1,
         {ended(a_push(1, 1), PushState::delivered, noon), ended(a_push(2, 1), PushState::silenced, noon, "read")});
  CHECK(value(ledger->next_due()) == std::nullopt);
}

inline void p6_what_is_dead_or_silenced_can_be_revived(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  owe(ledger, {a_push(1, 1), a_push(2, 1), a_push(3, 1), a_push(4, 1)});
  REQUIRE(value(ledger->lease(1, noon, noon + 10, 3)).size() == 3);
  auto dead = ended(a_push(1, 1), PushState::dead, noon + 1, "expired");
  dead.attempts = 7;
  dead.plan = "{}";
  settle(ledger, 1,
         {dead, ended(a_push(2, 1), PushState::silenced, noon + 1, "read"),
          ended(a_push(3, 1), PushState::delivered, noon + 1)});
  CHECK(value(ledger->revive({mid(1), uid(1)}, noon + 20, noon + 99)));
  CHECK(value(ledger->revive({mid(2), uid(1)}, noon + 30, noon + 99, R"({"by":"é\"'"})")));
  CHECK_FALSE(value(ledger->revive({mid(3), uid(1)}, noon + 20, noon + 99)));
  CHECK_FALSE(value(ledger->revive({mid(4), uid(1)}, noon + 20, noon + 99)));
  CHECK_FALSE(value(ledger->revive({mid(1), uid(2)}, noon + 20, noon + 99)));
  CHECK_FALSE(value(ledger->revive({mid(1), uid(1)}, noon + 40, noon + 99)));
  const auto revived = value(ledger->push({mid(1), uid(1)}));
  REQUIRE(revived);
  CHECK(revived->state == PushState::owed);
  CHECK(revived->attempts == 0);
  CHECK(revived->plan.empty());
  CHECK(revived->reason.empty());
  CHECK(revived->conversation == dead.conversation);
  CHECK(revived->finished == 0);
  CHECK(revived->due == noon + 20);
  CHECK(revived->expires == noon + 99);
  CHECK(revived->created == dead.created);
  CHECK(value(ledger->push({mid(2), uid(1)}))->plan == R"({"by":"é\"'"})");
  CHECK(value(ledger->push({mid(3), uid(1)}))->state == PushState::delivered);
  CHECK(value(ledger->push({mid(4), uid(1)}))->due == noon);
  CHECK(keys_of(value(ledger->lease(2, noon + 30, noon + 40, 10))) ==
        keys_of({a_push(4, 1), a_push(1, 1), a_push(2, 1)}));
}

inline void p7_the_old_is_forgotten(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  std::vector<OwedPush> owed, finished;
  std::vector<PushAttempt> attempts;
  for (std::uint64_t n = 1; n <= 6; ++n) {
    owed.push_back(a_push(n, 1));
    const auto state = n % 3 == 0 ? PushState::delivered : n % 3 == 1 ? PushState::silenced : PushState::dead;
    finished.push_back(ended(a_push(n, 1), state, noon + static_cast<Millis>(n)));
    attempts.push_back(an_attempt(n, "user1", noon + static_cast<Millis>(n)));
  }
  owed.push_back(a_push(7, 1, noon + 50));
  owe(ledger, owed);
  REQUIRE(value(ledger->lease(1, noon, noon + 10, 10)).size() == 6);
  settle(ledger, 1, finished, attempts);
  CHECK(value(ledger->forget_pushes(noon, 10)) == 0);
  CHECK(value(ledger->forget_pushes(noon + 6, 2)) == 4);
  CHECK(value(ledger->forget_pushes(noon + 6, 2)) == 4);
  CHECK(value(ledger->forget_pushes(noon + 6, 2)) == 2);
  CHECK(value(ledger->forget_pushes(noon + 6, 2)) == 0);
  CHECK(keys_of(all_pushes(ledger)) == keys_of({a_push(6, 1), a_push(7, 1)}));
  REQUIRE(all_attempts(ledger).size() == 1);
  CHECK(all_attempts(ledger)[0].message == mid(6));
  CHECK(value(ledger->forget_pushes(std::numeric_limits<std::int32_t>::max() * Millis{1000}, 10)) == 2);
  CHECK(keys_of(all_pushes(ledger)) == keys_of({a_push(7, 1)}));  // what is owed stays
  // Ids go on, also behind rows that are gone.
  settle(ledger, 1, {}, {an_attempt(8, "user1")});
  CHECK(owe(ledger, {a_push(1, 1)}) == 1);
}

}  // namespace loft::testing::storage
