// Providers that fail, hang or refuse us, and what waits for them.
#include "bench.hpp"

using namespace loft;
using namespace loft::tests;
using Kind = PushVerdict::Kind;

TEST_CASE("an hour in which the provider fails for all uses up no push's attempts, and asks it little") {
  Bench t;
  const PushVerdict verdict =
      GENERATE(PushVerdict{Kind::retry, "ServiceUnavailable", 0, 0}, PushVerdict{Kind::retry, "push.timeout", 0, 0});
  const auto readers = t.crowd(GENERATE(1, 40));
  auto worker = t.worker();
  const auto& message = t.owe(readers);
  t.apns.verdict = verdict;
  for (int second = 0; second < 3'600; ++second) {
    t.turn(*worker);
    t.clock.advance(1'000);
  }
  for (const auto reader : readers) CHECK(t.row(message, reader).state == PushState::owed);
  CHECK(t.apns.sent.size() <= (readers.size() == 1 ? 20u : 200u));
  t.apns.verdict = {};
  for (int round = 0; round < 60; ++round) {
    t.clock.advance(60'000);
    t.turn(*worker);
  }
  for (const auto reader : readers) CHECK(t.row(message, reader).state == PushState::delivered);
}

TEST_CASE("a channel whose credentials are refused rests, tells the operator once, and costs no attempts") {
  Bench t;
  t.settings.rest = 30'000;
  const auto readers = t.crowd(10);
  auto worker = t.worker();
  const auto& message = t.owe(readers);
  t.apns.verdict = {Kind::broken, "InvalidProviderToken", 0, 0};
  t.turn(*worker);
  const auto asked = t.apns.sent.size();
  t.clock.advance(20'000);
  t.turn(*worker);
  CHECK(t.apns.sent.size() == asked);
  CHECK(t.lanes.front()->state().broken);
  const auto lines = t.log.lines();
  CHECK(std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.level == LogLevel::error; }) == 1);
  for (const auto reader : readers) {
    CHECK(t.row(message, reader).state == PushState::owed);
    CHECK(t.row(message, reader).attempts == 0);
  }
  t.apns.verdict = {};
  for (int round = 0; round < 20; ++round) {
    t.clock.advance(20'000);
    t.turn(*worker);
  }
  for (const auto reader : readers) CHECK(t.row(message, reader).state == PushState::delivered);
  CHECK(t.lanes.front()->state().reason.empty());
}

TEST_CASE("a provider that does not answer delays nobody else's pushes, and its own are sent when it is back") {
  Bench t;
  t.settings.attempts = 100;
  t.settings.ttl = 86'400'000;
  auto worker = t.worker();
  std::vector<UserId> readers;
  for (std::uint64_t number = 2; number < 302; ++number) {
    readers.push_back(user(number));
    t.device(user(number), "t" + std::to_string(number), number % 3 == 0 ? "fcm" : "apns");
  }
  const auto& message = t.owe(readers);
  t.apns.hold = true;
  for (int round = 0; round < 60; ++round) {
    t.turn(*worker);
    t.clock.advance(1'000);
  }
  CHECK(t.fcm.sent.size() == 100);
  CHECK(t.apns.pending.size() == 100);  // its window
  CHECK(t.apns.most_at_once <= 100);
  t.apns.answer_all({Kind::retry, "push.unreachable", 0, 0});
  t.turn(*worker);
  CHECK(t.lanes.front()->state().rests > 0);
  const auto before = t.apns.sent.size();
  t.turn(*worker);
  CHECK(t.apns.sent.size() == before);
  t.apns.hold = false;
  for (int round = 0; round < 300; ++round) {
    t.clock.advance(10'000);
    t.turn(*worker);
  }
  for (const auto reader : readers) CHECK(t.row(message, reader).state == PushState::delivered);
}

TEST_CASE("a channel that holds more than a batch leaves the others their work") {
  Bench t;
  t.settings.batch = 16;
  auto worker = t.worker();
  const auto readers = t.crowd(100);
  t.owe(readers);
  t.apns.hold = true;
  for (int round = 0; round < 20; ++round) t.turn(*worker);
  REQUIRE(t.apns.pending.size() == 100);  // its whole window
  t.device(user(200), "other", "fcm");
  const auto& message = t.owe({user(200)});
  t.turn(*worker);
  CHECK(t.row(message, user(200)).state == PushState::delivered);
}

TEST_CASE("what waits beside a channel that stands still is looked at now and then, and not all the time") {
  Bench t;
  auto worker = t.worker();
  const auto readers = t.crowd(400);
  t.owe(readers);
  t.apns.hold = true;
  for (int second = 0; second < 1'800; ++second) {
    t.turn(*worker);
    t.clock.advance(1'000);
  }
  // 300 rows for half an hour: some more than one look in two minutes, and the first ones of each.
  CHECK(t.metrics.value("push_put_off_total", R"(reason="push.busy")") < 300 * 30);
  CHECK(t.world.looks < 300 * 3);
  t.apns.hold = false;
  t.apns.answer_all({});
  for (int second = 0; second < 240; ++second) {
    t.turn(*worker);
    t.clock.advance(1'000);
  }
  CHECK(t.apns.sent.size() == 400);
}

TEST_CASE("a device that has to wait holds up no other device of its user") {
  Bench t;
  t.settings.retry_first = 1'000;
  t.device(user(2), "a");
  t.device(user(2), "b", "fcm");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.verdict = {Kind::retry, "TooManyRequests", 600'000, 0};
  t.fcm.verdict = {Kind::retry, "UNAVAILABLE", 0, 0};
  t.turn(*worker);
  t.fcm.verdict = {};
  t.clock.advance(2'000);
  t.turn(*worker);
  CHECK(t.fcm.sent.size() == 2);
  CHECK(t.apns.sent.size() == 1);
  CHECK(t.row(message, user(2)).due >= message.time() + 600'000);
}
