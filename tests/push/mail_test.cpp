#include "bench.hpp"

using namespace loft;
using namespace loft::tests;
using Kind = PushVerdict::Kind;

namespace {

class MailBench : public Bench {
 public:
  MailBench() {
    settings.email_interval = 600'000;
    world.profiles[user(2)] = R"({"name":"Bob","email":"bob@example.org"})";
    open_lanes(true);
  }
};

}  // namespace

TEST_CASE("a mail goes out when no app took the push, and only then") {
  MailBench t;
  auto worker = t.worker();
  const auto& first = t.owe({user(2)});  // no device at all
  t.turn(*worker);
  REQUIRE(t.mail.sent.size() == 1);
  CHECK(t.mail.sent.front().device.token == "bob@example.org");
  CHECK(t.row(first, user(2)).state == PushState::delivered);
  CHECK((*t.ledger.attempts(first.id, "u2")).front().type == "email");

  t.clock.advance(3'600'000);
  t.device(user(2), "a");
  t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.apns.sent.size() == 1);
  CHECK(t.mail.sent.size() == 1);

  t.clock.advance(3'600'000);
  t.apns.verdict = {Kind::dead_token, "Unregistered", 0, 0};
  const auto& third = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.mail.sent.size() == 2);
  CHECK(t.row(third, user(2)).state == PushState::delivered);
}

TEST_CASE("a busy chat is one mail per push.email.interval, and the next one tells of all that came since") {
  MailBench t;
  auto worker = t.worker();
  std::vector<const Message*> messages;
  for (std::uint64_t number = 1; number <= 20; ++number) {
    messages.push_back(&t.world.say(number, user(1), {user(2)}));
    REQUIRE(t.follow(*messages.back()));
    t.turn(*worker);
    t.clock.advance(10'000);
  }
  CHECK(t.mail.sent.size() == 1);
  for (int round = 0; round < 30; ++round) {
    t.clock.advance(60'000);
    t.turn(*worker);
  }
  CHECK(t.mail.sent.size() == 2);
  std::size_t covered = 0;
  for (const auto* message : messages) {
    CHECK(t.row(*message, user(2)).state != PushState::owed);
    covered += t.row(*message, user(2)).reason == "push.mail_covers" ? 1 : 0;
  }
  CHECK(covered == 18);
}

TEST_CASE("a message that comes while a mail is under way is in the next one") {
  MailBench t;
  auto worker = t.worker();
  t.mail.hold = true;
  const auto& first = t.owe({user(2)});
  t.turn(*worker);
  REQUIRE(t.mail.sent.size() == 1);
  t.clock.advance(5'000);
  const auto& second = t.owe({user(2)});
  t.clock.advance(5'000);
  t.mail.answer_all({Kind::accepted, "", 0, 0});
  t.mail.hold = false;
  for (int round = 0; round < 15; ++round) {
    t.turn(*worker);
    t.clock.advance(60'000);
  }
  CHECK(t.mail.sent.size() == 2);
  for (const auto* message : {&first, &second}) {
    CHECK(t.row(*message, user(2)).state == PushState::delivered);
    CHECK(t.row(*message, user(2)).reason.empty());
  }
}

TEST_CASE("a mail that failed is tried again, however often the apps were before") {
  MailBench t;
  t.settings.attempts = 2;
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.apns.verdict = {Kind::retry, "InternalServerError", 0, 0};
  t.mail.verdict = {Kind::retry, "451", 0, 0};
  t.device(user(3), "fine");
  t.apns.by_token["fine"] = {};
  for (std::uint64_t round = 0; round < 10 && t.mail.sent.empty(); ++round) {
    t.owe({user(3)});
    t.turn(*worker);
    t.clock.advance(600'000);
  }
  CHECK(t.apns.sent_to("a") == 2);
  CHECK(t.row(message, user(2)).state == PushState::owed);
  t.mail.verdict = {};
  t.turn(*worker);
  CHECK(t.mail.sent.size() == 2);
  CHECK(t.apns.sent_to("a") == 2);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("without an address and without a device a push is silenced") {
  MailBench t;
  auto worker = t.worker();
  for (const auto* profile :
       {"", "{}", R"({"email":"no address"})", R"({"email":"a@b\nBcc: c@d"})", R"({"email":"Bob <bob@example.org>"})",
        R"({"email":"bob@example.org,eve@example.org"})", R"({"email":"<bob@example.org>"})"}) {
    t.world.profiles[user(2)] = profile;
    const auto& message = t.world.say(t.world.messages.size() + 1, user(1), {user(2)});
    REQUIRE(t.follow(message));
    t.turn(*worker);
    CHECK(t.row(message, user(2)).reason == "push.no_device");
  }
  CHECK(t.mail.sent.empty());
}

TEST_CASE("a mail that a plugin refuses holds up no later mail to the same user") {
  MailBench t;
  bool quiet = true;
  t.bus.intercept<SendPush>(Stage::policy, [&](SendPush&) {
    return quiet ? Verdict::refuse(Code::forbidden, "quiet.hours") : Verdict::pass();
  });
  auto worker = t.worker();
  const auto& first = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.row(first, user(2)).state == PushState::silenced);
  quiet = false;
  const auto& second = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.mail.sent.size() == 1);
  CHECK(t.row(second, user(2)).state == PushState::delivered);
}

TEST_CASE("a mail stands in for devices whose channels have failed for push.email.after") {
  MailBench t;
  t.device(user(2), "a");
  t.device(user(2), "b", "fcm");
  auto worker = t.worker();
  const auto& first = t.owe({user(2)});
  const auto kind = GENERATE(Kind::broken, Kind::retry);
  t.apns.verdict = {kind, "InvalidProviderToken", 0, 0};
  t.fcm.verdict = {Kind::retry, "push.timeout", 0, 0};
  const auto pass = [&](Millis time) {
    for (Millis at = 0; at < time; at += 5'000) {
      t.turn(*worker);
      t.clock.advance(5'000);
    }
  };
  pass(t.settings.email_after - 60'000);
  CHECK(t.mail.sent.empty());
  pass(1'200'000);
  REQUIRE(t.mail.sent.size() == 1);
  CHECK(t.row(first, user(2)).state == PushState::delivered);
  // By now a new message goes by mail at once.
  t.clock.advance(3'600'000);
  const auto& second = t.owe({user(2)});
  pass(60'000);
  CHECK(t.mail.sent.size() == 2);
  CHECK(t.row(second, user(2)).state == PushState::delivered);
}

TEST_CASE("a mail that may not go yet keeps no device from the push when its channel works again") {
  MailBench t;
  t.settings.email_after = 0;
  t.device(user(2), "a");
  auto worker = t.worker();
  const auto& message = t.world.say(1, user(1), {user(2)});
  t.world.mails[user(2)] = message.time() - 1;
  REQUIRE(t.follow(message));
  t.apns.verdict = {Kind::retry, "push.timeout", 0, 0};
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::owed);
  CHECK(t.mail.sent.empty());
  t.apns.verdict = {};
  t.clock.advance(60'000);
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
  CHECK(t.apns.sent.size() == 2);
  CHECK(t.mail.sent.empty());
}

TEST_CASE("while one of two channels works no mail is sent") {
  MailBench t;
  t.device(user(2), "a");
  t.device(user(2), "b", "fcm");
  auto worker = t.worker();
  t.apns.verdict = {Kind::broken, "InvalidProviderToken", 0, 0};
  for (std::uint64_t number = 1; number <= 60; ++number) {
    t.owe({user(2)});
    t.turn(*worker);
    t.clock.advance(60'000);
  }
  CHECK(t.fcm.sent.size() == 60);
  CHECK(t.mail.sent.empty());
}

TEST_CASE("an address that the mail server does not know is not used again until the user has another one") {
  MailBench t;
  t.settings.email_interval = 0;
  auto worker = t.worker();
  const auto& first = t.owe({user(2)});
  t.mail.verdict = {Kind::dead_token, "550", 0, 0};
  t.turn(*worker);
  CHECK(t.mail.sent.size() == 1);
  CHECK(t.row(first, user(2)).state == PushState::dead);
  CHECK(t.row(first, user(2)).reason == "550");
  t.mail.verdict = {};
  const auto& second = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.mail.sent.size() == 1);
  CHECK(t.row(second, user(2)).state == PushState::silenced);
  CHECK(t.row(second, user(2)).reason == "push.mail_dead");
  t.world.profiles[user(2)] = R"({"email":"bob@new.example.org"})";
  const auto& third = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.mail.sent.size() == 2);
  CHECK(t.row(third, user(2)).state == PushState::delivered);
}
