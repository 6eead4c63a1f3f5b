// P8 to P12: what is listed, devices, and a copy of it all.
#pragma once

#include <loft/testing/storage/push_fixture.hpp>

namespace loft::testing::storage {

inline void p8_pushes_are_listed_in_order(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  owe(ledger, {a_push(2, 9), a_push(1, 3), a_push(2, 1), a_push(3, 9), a_push(1, 9)});
  REQUIRE(value(ledger->lease(1, noon, noon + 10, 2)).size() == 2);  // of message 1
  settle(ledger, 1, {ended(a_push(1, 3), PushState::dead, noon, "x"), ended(a_push(1, 9), PushState::silenced, noon)});
  CHECK(keys_of(all_pushes(ledger)) == keys_of({a_push(1, 3), a_push(1, 9), a_push(2, 1), a_push(2, 9), a_push(3, 9)}));
  CHECK(keys_of(value(ledger->pushes(std::nullopt, {mid(1), uid(3)}, 2))) == keys_of({a_push(1, 9), a_push(2, 1)}));
  CHECK(keys_of(value(ledger->pushes(PushState::owed, {mid(2), uid(1)}, 10))) == keys_of({a_push(2, 9), a_push(3, 9)}));
  CHECK(keys_of(value(ledger->pushes(PushState::dead, {}, 10))) == keys_of({a_push(1, 3)}));
  CHECK(value(ledger->pushes(PushState::delivered, {}, 10)).empty());
  CHECK(value(ledger->pushes(PushState::dead, {mid(1), uid(3)}, 10)).empty());
  CHECK(keys_of(value(ledger->pushes_of(uid(9), MessageId::none, 2))) == keys_of({a_push(1, 9), a_push(2, 9)}));
  CHECK(keys_of(value(ledger->pushes_of(uid(9), mid(2), 2))) == keys_of({a_push(3, 9)}));
  CHECK(value(ledger->pushes_of(uid(4), MessageId::none, 2)).empty());
  CHECK_FALSE(value(ledger->push({mid(1), uid(4)})));
  CHECK(value(ledger->push({mid(2), uid(9)})));
}

inline void p9_attempts_are_listed_in_order(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  const std::string longest(80, 'h');  // longer than contract 000 says
  settle(ledger, 1, {},
         {an_attempt(1, "bob", noon), an_attempt(1, "bob ", noon + 1), an_attempt(1, "Bob", noon + 2),
          an_attempt(2, "bob", noon + 3), an_attempt(1, longest, noon + 4)});
  settle(ledger, 1, {}, {an_attempt(1, "bob", noon - 1'000, "Shutdown")});
  const auto all = all_attempts(ledger);
  REQUIRE(all.size() == 6);
  const auto ids = ids_of(all);
  for (std::size_t i = 1; i < ids.size(); ++i) CHECK(ids[i - 1] < ids[i]);
  CHECK(alike(value(ledger->attempts_of(mid(1), "bob", 0, 9)), {all[0], all[5]}));
  CHECK(alike(value(ledger->attempts_of(mid(1), "bob", 0, 1)), {all[0]}));
  CHECK(alike(value(ledger->attempts_of(mid(1), "bob", ids[0], 1)), {all[5]}));
  CHECK(value(ledger->attempts_of(mid(1), "bob", ids[5], 9)).empty());
  CHECK(alike(value(ledger->attempts_of(mid(1), "bob ", 0, 9)), {all[1]}));
  CHECK(alike(value(ledger->attempts_of(mid(1), longest, 0, 9)), {all[4]}));
  CHECK(value(ledger->attempts_of(mid(3), "bob", 0, 9)).empty());
  CHECK(alike(value(ledger->attempts(ids[1], 2)), {all[2], all[3]}));
  CHECK(all[5].time == noon - 1'000);
  CHECK(all[5].status == "failed");
  CHECK(all[5].error == "Shutdown");
}

inline void what_is_stored_of_a_user_is_erased(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  owe(ledger, {a_push(1, 1), a_push(2, 1), a_push(1, 2)});
  REQUIRE(value(ledger->lease(1, noon, noon + 10, 1)).size() == 1);
  settle(ledger, 1, {ended(a_push(1, 1), PushState::delivered, noon)},
         {an_attempt(1, "bob"), an_attempt(1, "bob "), an_attempt(1, "alice")});
  REQUIRE(value(ledger->register_device(a_device(1, "a"))) != 0);
  REQUIRE(value(ledger->register_device(a_device(2, "b"))) != 0);
  CHECK(value(ledger->erase_pushes(uid(1), "bob")) == 4);
  CHECK(value(ledger->erase_pushes(uid(1), "bob")) == 0);
  CHECK(keys_of(all_pushes(ledger)) == keys_of({a_push(1, 2)}));
  CHECK(all_attempts(ledger).size() == 2);
  CHECK(all_devices(ledger).size() == 1);
}

inline void p10_a_device_is_there_once(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  const std::string longest(5000, 't');
  auto device = a_device(1, longest);
  device.client = "Bob's phone";
  device.app = "org.example";
  device.locale = "de-CH";
  device.id = 4711;  // passed over
  const auto id = value(ledger->register_device(device));
  device.id = id;
  REQUIRE(alike(all_devices(ledger), {device}));
  settle(ledger, 1, {}, {},
         {{id, DeviceNews::Kind::success, noon + 1, {}, 0}, {id, DeviceNews::Kind::failure, noon + 2, "x", 0}});
  // Of somebody else now, and as good as new.
  auto taken = a_device(2, longest, noon + 5);
  taken.last_success = 1;
  taken.failed = 1;
  taken.failure = "x";
  const auto again = value(ledger->register_device(taken));
  CHECK(again == id);
  auto stored = a_device(2, longest, noon + 5);
  stored.id = again;
  CHECK(alike(all_devices(ledger), {stored}));
  CHECK(value(ledger->devices(uid(1))).empty());
  // Another channel's, and tokens that differ little.
  auto other = a_device(1, longest);
  other.channel = "fcm";
  REQUIRE(value(ledger->register_device(other)) != again);
  REQUIRE(value(ledger->register_device(a_device(1, longest + " "))) != again);
  REQUIRE(value(ledger->register_device(a_device(1, "T"))) != value(ledger->register_device(a_device(1, "t"))));
  REQUIRE(all_devices(ledger).size() == 5);
  CHECK_FALSE(value(ledger->remove_device(uid(1), "apns", longest)));
  CHECK_FALSE(value(ledger->remove_device(uid(2), "apns", "nobody's")));
  CHECK(value(ledger->remove_device(uid(2), "apns", longest)));
  CHECK_FALSE(value(ledger->remove_device(uid(2), "apns", longest)));
  CHECK(value(ledger->remove_device(UserId::none, "fcm", longest)));
  CHECK(value(ledger->remove_device(uid(1), "apns", "T")));
  REQUIRE(all_devices(ledger).size() == 2);
}

inline void p10_the_id_of_a_device_is_never_another_ones(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  const auto first = value(ledger->register_device(a_device(1, "a")));
  REQUIRE(value(ledger->remove_device(uid(1), "apns", "a")));
  ledger.reopen();
  const auto second = value(ledger->register_device(a_device(1, "b")));
  CHECK(second > first);
  // Whoever took it away: a provider's word, an erasure, and another one that goes on beside.
  settle(ledger, 1, {}, {}, {{second, DeviceNews::Kind::dead, noon, "Unregistered", 0}});
  ledger.reopen();
  const auto third = value(ledger->register_device(a_device(1, "b")));
  CHECK(third > second);
  REQUIRE(value(ledger->register_device(a_device(2, "c"))) > third);
  REQUIRE(value(ledger->erase_pushes(uid(2), "user2")) == 1);
  CHECK(value(ledger->register_device(a_device(2, "c"))) > third + 1);
}

inline void p11_devices_are_listed_in_order(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  std::vector<std::uint64_t> ids;
  for (std::uint64_t n = 0; n < 6; ++n)
    ids.push_back(value(ledger->register_device(a_device(n % 3 + 1, std::to_string(n)))));
  REQUIRE(ids_of(all_devices(ledger)) == ids);
  CHECK(ids_of(value(ledger->devices(uid(2)))) == std::vector{ids[1], ids[4]});
  CHECK(value(ledger->devices(uid(9))).empty());
  CHECK(value(ledger->devices(std::span<const UserId>())).empty());
  const std::vector users{uid(3), uid(9), uid(1), uid(3)};
  CHECK(ids_of(value(ledger->devices(users))) == std::vector{ids[0], ids[2], ids[3], ids[5]});
  CHECK(ids_of(value(ledger->devices(ids[1], 2))) == std::vector{ids[2], ids[3]});
}

/// What is finished and kept is not looked at, which the tests of plans say.
inline void p13_what_is_owed_and_what_is_dead_is_counted(LedgerFactory factory) {
  PushFixture ledger(std::move(factory));
  if (!ledger) return;
  CHECK(value(ledger->push_counts(10)) == PushCounts{0, 0});
  std::vector<OwedPush> owed, finished;
  for (std::uint64_t n = 1; n <= 9; ++n) {
    owed.push_back(a_push(n, 1));
    if (n > 3) finished.push_back(ended(a_push(n, 1), static_cast<PushState>(1 + n % 3), noon));
  }
  owe(ledger, owed);
  CHECK(value(ledger->push_counts(10)) == PushCounts{9, 0});
  CHECK(value(ledger->push_counts(5)) == PushCounts{5, 0});
  REQUIRE(value(ledger->lease(1, noon, noon + 10, 10)).size() == 9);
  CHECK(value(ledger->push_counts(10)) == PushCounts{9, 0});  // also those that are under way
  REQUIRE(settle(ledger, 1, finished) == 6);
  CHECK(value(ledger->push_counts(10)) == PushCounts{3, 2});
  CHECK(value(ledger->push_counts(2)) == PushCounts{2, 2});
  CHECK(value(ledger->push_counts(1)) == PushCounts{1, 1});
  CHECK(value(ledger->push_counts(0)) == PushCounts{0, 0});
}

inline void p12_a_copy_has_the_same_rows(LedgerFactory factory) {
  PushFixture source(factory);
  if (!source) return;
  owe(source, {a_push(1, 1), a_push(2, 1), a_push(3, 1)});
  REQUIRE(value(source->lease(1, noon, noon + 1'000'000, 2)).size() == 2);
  auto finished = ended(a_push(1, 1), PushState::dead, noon, "expired");
  finished.plan = "{}";
  settle(source, 1, {finished},
         {an_attempt(1, "bob"), an_attempt(1, "bob", noon + 1, "Shutdown"), an_attempt(1, "alice")});
  const auto dropped = value(source->register_device(a_device(1, "a")));
  const auto kept = value(source->register_device(a_device(1, "b")));
  REQUIRE(value(source->remove_device(uid(1), "apns", "a")));
  REQUIRE(value(source->erase_pushes(UserId::none, "bob")) == 2);
  settle(source, 1, {}, {}, {{kept, DeviceNews::Kind::failure, noon + 9, "x", 0}});
  const auto pushes = all_pushes(source);
  const auto attempts = all_attempts(source);
  const auto devices = all_devices(source);
  PushFixture target(std::move(factory));
  for (int time = 0; time < 2; ++time) {  // a copy that was cut short comes again
    REQUIRE(target->restore(pushes, attempts, devices).ok());
    CHECK(alike(all_pushes(target), pushes));
    CHECK(alike(all_attempts(target), attempts));
    CHECK(alike(all_devices(target), devices));
  }
  auto changed = pushes;
  changed[2].reason = "otherwise";
  REQUIRE(target->restore(changed, {}, {}).ok());
  CHECK(alike(all_pushes(target), changed));
  CHECK(alike(all_attempts(target), attempts));
  // Nobody's lease came along, and what is new has ids of its own.
  CHECK(value(target->lease(2, noon, noon + 5, 10)).size() == 2);
  CHECK(value(target->register_device(a_device(1, "c"))) > std::max(dropped, kept));
  settle(target, 2, {}, {an_attempt(2, "bob")});
  CHECK(all_attempts(target).back().id > attempts.back().id);
}

}  // namespace loft::testing::storage
