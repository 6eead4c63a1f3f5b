// What is said of a push at its end, and what is kept of whom.
#include <thread>

#include "bench.hpp"
#include "push/plan.hpp"

using namespace loft;
using namespace loft::tests;
using Kind = PushVerdict::Kind;

namespace {

const PushVerdict failing{Kind::retry, "ServiceUnavailable", 0, 0};

const push::Outcome& outcome(const push::Plan& plan, std::string_view channel) {
  for (const auto& each : plan.outcomes) {
    if (each.channel == channel) return each;
  }
  FAIL("nothing is known of " << channel);
  return plan.outcomes.front();
}

}  // namespace

TEST_CASE("what one device took stays delivered, whatever keeps the others from it") {
  Bench t;
  t.device(user(2), "a");
  t.device(user(2), "b", "fcm");
  auto worker = t.worker();
  auto& message = t.owe({user(2)});
  t.fcm.verdict = failing;
  t.turn(*worker);
  REQUIRE(t.row(message, user(2)).state == PushState::owed);
  const int act = GENERATE(0, 1, 2, 3);
  std::string reason;
  if (act == 0) t.world.mutes = {user(2)}, reason = "push.muted";
  if (act == 1) t.world.receipts[{message.id, user(2)}] = Receipt::read, reason = "push.read";
  if (act == 2) reason = *t.ledger.remove_device(user(2), "fcm", "b") ? "push.device_removed" : "";
  if (act == 3) t.only({&t.apns}), reason = "push.channel_off";
  t.clock.advance(60'000);
  t.turn(*worker);
  const auto row = t.row(message, user(2));
  CHECK(row.state == PushState::delivered);
  CHECK(row.reason.empty());
  const auto plan = push::Plan::decode(row.plan);
  CHECK(outcome(plan, "apns").state == push::Outcome::State::accepted);
  CHECK_FALSE(outcome(plan, "fcm").is_open());
  CHECK(outcome(plan, "fcm").reason == reason);
}

TEST_CASE("a push whose devices are removed before any could be told is silenced, and says so") {
  Bench t;
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.verdict = failing;
  t.turn(*worker);
  REQUIRE(t.ledger.remove_device(user(2), "apns", "a"));
  t.clock.advance(60'000);
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::silenced);
  CHECK(t.row(message, user(2)).reason == "push.device_removed");
}

TEST_CASE("a push for a channel that is off says so, and goes out when that is on again in time") {
  Bench t;
  t.device(user(2), "a");
  t.device(user(2), "b", "fcm");
  t.open_lanes();
  t.only({&t.apns});
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.verdict = failing;
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::owed);
  const bool on_again = GENERATE(true, false);
  if (on_again) t.only({&t.apns, &t.fcm});
  REQUIRE(t.ledger.remove_device(user(2), "apns", "a"));
  t.clock.advance(60'000);
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == (on_again ? PushState::delivered : PushState::silenced));
  CHECK(t.fcm.sent.size() == (on_again ? 1 : 0));

  t.only({&t.fcm});
  t.device(user(3), "c");
  const auto& second = t.owe({user(3)});
  t.turn(*worker);
  CHECK(t.row(second, user(3)).state == PushState::silenced);
  CHECK(t.row(second, user(3)).reason == "push.channel_off");
}

TEST_CASE("what a provider said goes before what kept others from being asked") {
  Bench t;
  t.device(user(2), "a");
  t.device(user(2), "b", "fcm");
  t.open_lanes();
  t.only({&t.apns});
  t.apns.verdict = {Kind::refused, "PayloadTooLarge", 0, 0};
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::dead);
  CHECK(t.row(message, user(2)).reason == "PayloadTooLarge");
}

TEST_CASE("of a user who was erased while a push was under way nothing is stored") {
  Bench t;
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.hold = true;
  t.turn(*worker);
  t.erase(user(2));
  t.apns.answer_all({});
  t.turn(*worker);
  CHECK(t.ledger.attempts(message.id, "u2")->empty());
  CHECK_FALSE(t.has_row(message, user(2)));
  CHECK(worker->held() == 0);
  t.owe({user(2)});  // the follower was behind
  CHECK(t.ledger.pushes_of(user(2), MessageId::none, 10)->empty());
}

TEST_CASE("what is owed to a user who was erased before the host began is removed") {
  Bench t;
  t.settings.email = true;
  const auto& message = t.owe({user(2)});
  t.world.erased = {user(2)};
  auto worker = t.worker();
  t.turn(*worker);
  CHECK_FALSE(t.has_row(message, user(2)));
}

TEST_CASE("an erasure waits for what is being stored of the user") {
  Bench t;
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  std::thread eraser;
  std::size_t stored_before = 0;
  t.ledger.on_call([&](std::string_view call) {
    if (call != "settle" || eraser.joinable()) return;
    eraser = std::thread([&] {
      t.shared.erased.add(user(2));
      stored_before = t.ledger.attempts(message.id, "u2")->size();
    });
  });
  t.turn(*worker);
  REQUIRE(eraser.joinable());
  eraser.join();
  CHECK(stored_before == 1);  // so that removing comes behind it
}
