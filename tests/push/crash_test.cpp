// What a host that dies leaves behind, and hosts beside each other.
#include <map>

#include "bench.hpp"

using namespace loft;
using namespace loft::tests;
using Kind = PushVerdict::Kind;

TEST_CASE("what was under way when a host died is sent again when its lease ends, and not before") {
  Bench t;
  t.device(user(2), "a");
  const auto& message = t.owe({user(2)});
  {
    auto dying = t.worker(1);
    t.apns.hold = true;
    t.turn(*dying);
    CHECK(t.apns.sent.size() == 1);
  }
  t.apns.answer_all({});  // nobody hears it any more
  t.apns.hold = false;
  for (auto& lane : t.lanes) {
    while (lane->state().in_flight > 0) lane->release();  // a new host has new lanes
  }
  auto next = t.worker(2);
  t.clock.advance(t.settings.lease / 2);
  t.turn(*next);
  CHECK(t.apns.sent.size() == 1);
  t.clock.advance(t.settings.lease);
  t.turn(*next);
  REQUIRE(t.apns.sent.size() == 2);
  CHECK(t.apns.sent[0].id == t.apns.sent[1].id);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("a host that dies between two devices' answers repeats neither what was settled nor loses the rest") {
  Bench t;
  t.device(user(2), "a");
  t.device(user(2), "b", "fcm");
  const auto& message = t.owe({user(2)});
  t.fcm.verdict = {Kind::retry, "UNAVAILABLE", 0, 0};
  {
    auto dying = t.worker(1);
    t.turn(*dying);
  }
  CHECK(t.row(message, user(2)).state == PushState::owed);
  t.fcm.verdict = {};
  auto next = t.worker(2);
  t.clock.advance(600'000);
  t.turn(*next);
  CHECK(t.apns.sent.size() == 1);
  CHECK(t.fcm.sent.size() == 2);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("hosts that share a ledger send each push once") {
  Bench t;
  const auto readers = t.crowd(500);
  const auto& message = t.owe(readers);
  auto first = t.worker(1), second = t.worker(2), third = t.worker(3);
  for (int round = 0; round < 100; ++round) {
    for (auto* const worker : {first.get(), second.get(), third.get()}) worker->step();
    t.clock.advance(100);
  }
  std::map<std::string, int> sent;
  for (const auto& one : t.apns.sent) ++sent[one.device.token];
  CHECK(sent.size() == 500);
  CHECK(t.apns.sent.size() == 500);
  for (const auto reader : readers) CHECK(t.row(message, reader).state == PushState::delivered);
}

TEST_CASE("a thread that stood still for longer than its lease hands over nothing") {
  Bench t;
  t.device(user(2), "a");
  t.device(user(3), "b");
  t.owe({user(2), user(3)});
  // The first preparation takes so long that both rows' leases are others' by then.
  t.bus.intercept<SendPush>(Stage::check, [&](SendPush&) {
    t.clock.advance(t.settings.lease + 60'000);
    return Verdict::pass();
  });
  auto worker = t.worker(1);
  worker->step();
  CHECK(t.apns.sent.empty());
}

TEST_CASE("a host that dies again and again loses nothing, and repeats only what was under way") {
  Bench t;
  t.settings.attempts = 50;
  const auto readers = t.crowd(200);
  const auto& message = t.owe(readers);
  std::size_t under_way = 0;
  for (std::uint64_t life = 1; life <= 10; ++life) {
    auto worker = t.worker(life);
    t.apns.hold = true;
    worker->step();
    // Some are answered and settled, the rest is what the crash takes.
    for (std::size_t i = 0; i < t.apns.pending.size() / 2; ++i) t.apns.pending[i]({});
    worker->finish();
    worker->step();
    under_way += worker->held();
    t.apns.pending.clear();
    worker.reset();
    t.lanes.clear();
    t.open_lanes();
    t.clock.advance(2 * t.settings.lease);
  }
  t.apns.hold = false;
  auto worker = t.worker(100);
  for (int round = 0; round < 20; ++round) {
    t.turn(*worker);
    t.clock.advance(10'000);
  }
  for (const auto reader : readers) CHECK(t.row(message, reader).state == PushState::delivered);
  CHECK(t.apns.sent.size() == 200 + under_way);
}

TEST_CASE(
    "what a host knows of a push is stored when the ledger is back, however long that took, and nothing is sent "
    "again") {
  Bench t;
  t.device(user(2), "a");
  t.device(user(2), "b", "fcm");
  const auto& message = t.owe({user(2)});
  auto first = t.worker(1), second = t.worker(2);
  t.apns.hold = t.fcm.hold = true;
  first->step();
  REQUIRE(t.apns.sent.size() == 1);
  const bool answered_before = GENERATE(true, false);
  if (answered_before) {
    t.apns.answer_all({});
    t.fcm.answer_all({});
  }
  t.ledger.fail(Error{Code::unavailable, "storage.unavailable", {}});
  for (int round = 0; round < 10; ++round) {
    first->step();
    second->step();
    t.clock.advance(t.settings.lease);
  }
  t.ledger.fail(std::nullopt);
  second->step();  // leases what the first one has
  t.apns.answer_all({});
  t.fcm.answer_all({});
  for (int round = 0; round < 5; ++round) {
    t.clock.advance(2 * t.settings.lease);
    t.turn(*second);
    t.turn(*first);
  }
  CHECK(t.apns.sent.size() == 1);
  CHECK(t.fcm.sent.size() == 1);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("what a channel has, and what the ledger does not know of it yet, is together no more than its window") {
  Bench t;
  const auto readers = t.crowd(400);
  const auto& message = t.owe(readers);
  auto first = t.worker(1), second = t.worker(2);
  const auto settled = [&] {
    return static_cast<std::size_t>(std::count_if(readers.begin(), readers.end(), [&](UserId reader) {
      return t.row(message, reader).state == PushState::delivered;
    }));
  };
  // While one stores what it was answered, the other one works on.
  std::size_t most = 0;
  bool is_beside = false;
  t.ledger.on_call([&](std::string_view call) {
    if (call != "settle" || std::exchange(is_beside, true)) return;
    second->step();
    most = std::max(most, t.apns.sent.size() - settled());
    is_beside = false;
  });
  for (int round = 0; round < 100; ++round) {
    first->step();
    is_beside = true;
    second->step();
    is_beside = false;
    t.clock.advance(5'000);
  }
  CHECK(settled() == 400);
  CHECK(t.apns.sent.size() == 400);
  CHECK(most == 100);
}
