#include <set>

#include "bench.hpp"
#include "push/plan.hpp"

using namespace loft;
using namespace loft::tests;
using Kind = PushVerdict::Kind;

TEST_CASE("a push goes to every device of its user, is logged, and is delivered") {
  Bench t;
  const auto first = t.device(user(2), "a");
  t.device(user(2), "b", "fcm");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  REQUIRE(t.apns.sent.size() == 1);
  REQUIRE(t.fcm.sent.size() == 1);
  const auto& sent = t.apns.sent.front();
  CHECK(sent.title == "u1 · Doves");
  CHECK(sent.body == "preview");
  CHECK(sent.badge == 3);
  CHECK(sent.expires == message.time() + t.settings.ttl);
  CHECK(sent.collapse_key == "m" + std::to_string(raw(message.id)));
  CHECK(sent.id.size() == 36);
  CHECK(sent.id != t.fcm.sent.front().id);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
  const auto attempts = *t.ledger.attempts(message.id, "u2");
  REQUIRE(attempts.size() == 2);
  CHECK(attempts.front().status == "success");
  CHECK((*t.ledger.devices(user(2))).front().id == first);
  CHECK((*t.ledger.devices(user(2))).front().last_success == t.clock.now());
}

TEST_CASE("what is not needed any more when it is due is silenced with the reason") {
  Bench t;
  t.settings.delay = 2'000;
  auto worker = t.worker();
  std::string expected;
  const auto act = GENERATE(0, 1, 2, 3, 4, 5);
  t.device(user(2), "a");
  auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.apns.sent.empty());  // not before push.delay
  if (act == 0) t.world.receipts[{message.id, user(2)}] = Receipt::read, expected = "push.read";
  if (act == 1) t.world.receipts[{message.id, user(2)}] = Receipt::delivered, expected = "push.seen";
  if (act == 2) message.recalled = raw(message.id) + 1, expected = "push.recalled";
  if (act == 3) t.world.online = {user(2)}, expected = "push.online";
  if (act == 4) t.world.mutes = {user(2)}, expected = "push.muted";
  if (act == 5) expected = t.ledger.remove_device(user(2), "apns", "a") ? "push.no_device" : "";
  t.clock.advance(2'000);
  t.turn(*worker);
  CHECK(t.apns.sent.empty());
  CHECK(t.row(message, user(2)).state == PushState::silenced);
  CHECK(t.row(message, user(2)).reason == expected);
}

TEST_CASE("what failed is tried again with doubling, jittered pauses, up to push.attempts, and can be replayed") {
  Bench t;
  t.settings.retry_first = 1'000;
  t.settings.retry_longest = 3'000;
  t.device(user(2), "a");
  t.device(user(3), "fine");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.by_token["a"] = {Kind::retry, "InternalServerError", 0, 0};
  std::set<std::string> ids;
  for (std::size_t attempt = 1; attempt < 4; ++attempt) {
    t.turn(*worker);
    REQUIRE(t.apns.sent_to("a") == attempt);
    const auto row = t.row(message, user(2));
    CHECK(row.state == PushState::owed);
    CHECK(row.reason == "InternalServerError");
    const Millis pause = std::min<Millis>(1'000 << (attempt - 1), 3'000);
    CHECK(row.due - t.clock.now() >= pause / 2);
    CHECK(row.due - t.clock.now() <= pause * 3 / 2);
    // The provider works, for others.
    t.owe({user(3)});
    t.turn(*worker);
    t.clock.advance(row.due - t.clock.now());
  }
  t.turn(*worker);
  auto row = t.row(message, user(2));
  CHECK(row.state == PushState::dead);
  CHECK(row.reason == "push.attempts");
  CHECK(row.attempts == 4);
  for (const auto& one : t.apns.sent) {
    if (one.device.token == "a") ids.insert(one.id);
  }
  CHECK(ids.size() == 1);  // a repeat can be told from another push
  t.clock.advance(86'400'000);
  t.turn(*worker);
  CHECK(t.apns.sent_to("a") == 4);

  t.apns.by_token.clear();
  REQUIRE(*t.ledger.revive({message.id, user(2)}, t.clock.now(), t.clock.now() + 60'000));
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("a provider that says when is not asked before") {
  Bench t;
  t.settings.retry_first = 1'000;
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.verdict = {Kind::retry, "TooManyRequests", 120'000, 0};
  t.turn(*worker);
  CHECK(t.row(message, user(2)).due >= t.clock.now() + 120'000);
  CHECK(t.row(message, user(2)).due <= t.clock.now() + 132'000);
}

TEST_CASE("what nobody could deliver in its time is a dead letter") {
  Bench t;
  t.settings.ttl = 10'000;
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.verdict = {Kind::retry, "ServiceUnavailable", 60'000, 0};
  t.turn(*worker);
  t.clock.advance(10'000);
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::dead);
  CHECK(t.row(message, user(2)).reason == "push.expired");
  CHECK(t.apns.sent.size() == 1);
}

TEST_CASE("a dead token is removed and asked no more; the user's other devices are tried on") {
  Bench t;
  t.device(user(2), "gone");
  t.device(user(2), "slow", "fcm");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.verdict = {Kind::dead_token, "Unregistered", 0, 0};
  t.fcm.verdict = {Kind::retry, "UNAVAILABLE", 0, 0};
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::owed);
  const auto left = *t.ledger.devices(user(2));
  REQUIRE(left.size() == 1);
  CHECK(left.front().token == "slow");
  CHECK(left.front().failure == "UNAVAILABLE");
  t.fcm.verdict = {};
  t.clock.advance(600'000);
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
  CHECK(t.apns.sent.size() == 1);
}

TEST_CASE("a token that was registered again after its provider gave it up stays") {
  Bench t;
  t.device(user(2), "back");
  t.device(user(3), "old");
  auto worker = t.worker();
  const auto& message = t.owe({user(2), user(3)});
  t.apns.by_token["back"] = {Kind::dead_token, "Unregistered", 0, t.clock.now() - 1};
  t.apns.by_token["old"] = {Kind::dead_token, "Unregistered", 0, t.clock.now() + 1};
  t.turn(*worker);
  CHECK((*t.ledger.devices(user(2))).size() == 1);
  CHECK((*t.ledger.devices(user(3))).empty());
  CHECK(t.row(message, user(3)).state == PushState::dead);
  CHECK(t.row(message, user(3)).reason == "Unregistered");
}

TEST_CASE("plugins rewrite and silence what is about to be sent, and are told what came of it") {
  Bench t;
  std::vector<std::string> told;
  t.bus.intercept<SendPush>(Stage::rewrite, [](SendPush& event) {
    event.notification.title = "rewritten";
    return Verdict::pass();
  });
  t.bus.intercept<SendPush>(Stage::policy, [](SendPush& event) {
    return event.channel == "fcm" ? Verdict::refuse(Code::forbidden, "quiet.hours") : Verdict::pass();
  });
  t.bus.observe<PushSucceeded>([&](const PushSucceeded& fact) { told.push_back("good " + fact.channel); });
  t.bus.observe<PushDead>(
      [&](const PushDead& fact) { told.push_back("dead " + fact.channel + " " + fact.error.reason); });
  t.device(user(2), "a");
  t.device(user(3), "b", "fcm");
  t.device(user(4), "c");
  t.apns.by_token["c"] = {Kind::refused, "PayloadTooLarge", 0, 0};
  auto worker = t.worker();
  const auto& message = t.owe({user(2), user(3), user(4)});
  t.turn(*worker);
  CHECK(t.apns.sent.front().title == "rewritten");
  CHECK(t.fcm.sent.empty());
  CHECK(t.row(message, user(3)).state == PushState::silenced);
  CHECK(t.row(message, user(3)).reason == "quiet.hours");
  CHECK(t.row(message, user(4)).state == PushState::dead);
  CHECK(told == std::vector<std::string>{"good apns", "dead apns PayloadTooLarge"});
}

TEST_CASE("an interceptor of SendPush may wait") {
  Bench t;
  Resume waiting;
  t.bus.intercept_waiting<SendPush>(Stage::policy, 1'000,
                                    [&](SendPush&, Resume resume) { waiting = std::move(resume); });
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.apns.sent.empty());
  REQUIRE(waiting);
  waiting(Verdict::pass());
  t.turn(*worker);
  CHECK(t.apns.sent.size() == 1);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("privacy decides what a notification says") {
  Bench t;
  using Privacy = push::Settings::Privacy;
  const auto mode = GENERATE(Privacy::full, Privacy::sender, Privacy::id_only);
  t.settings.privacy = mode;
  t.device(user(2), "a");
  auto worker = t.worker();
  t.owe({user(2)});
  t.turn(*worker);
  REQUIRE(t.apns.sent.size() == 1);
  CHECK(t.apns.sent.front().title.empty() == (mode == Privacy::id_only));
  CHECK(t.apns.sent.front().body.empty() == (mode != Privacy::full));
}

TEST_CASE("while messages cannot be read pushes wait, and none is lost") {
  Bench t;
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.world.fails = true;
  for (int round = 0; round < 20; ++round) {
    t.turn(*worker);
    t.clock.advance(5'000);
  }
  CHECK(t.row(message, user(2)).state == PushState::owed);
  CHECK(t.row(message, user(2)).attempts == 0);
  t.world.fails = false;
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("an interceptor that throws silences nothing: the push is tried again") {
  Bench t;
  bool throws = true;
  t.bus.intercept<SendPush>(Stage::check, [&](SendPush&) -> Verdict {
    if (throws) throw std::runtime_error("a bug");
    return Verdict::pass();
  });
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::owed);
  CHECK(t.row(message, user(2)).reason == "interceptor.failed");
  CHECK(t.lanes.front()->state().in_flight == 0);
  throws = false;
  t.clock.advance(600'000);
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("a channel that drops a notification, or answers twice, costs an attempt and no more") {
  Bench t;
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.hold = true;
  t.turn(*worker);
  t.apns.pending.clear();
  t.turn(*worker);
  CHECK(t.row(message, user(2)).reason == "push.dropped");
  CHECK(t.row(message, user(2)).attempts == 1);
  t.clock.advance(600'000);
  t.turn(*worker);
  REQUIRE(t.apns.pending.size() == 1);
  t.apns.pending.front()({});
  t.apns.pending.front()({});
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
  CHECK(t.lanes.front()->state().in_flight == 0);
}
