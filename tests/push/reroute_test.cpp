// Plugins that name another channel for a push.
#include "bench.hpp"
#include "push/plan.hpp"

using namespace loft;
using namespace loft::tests;
using Kind = PushVerdict::Kind;

namespace {

class RerouteBench : public Bench {
 public:
  RerouteBench() {
    world.profiles[user(2)] = R"({"email":"bob@example.org"})";
    device(user(2), "a");
    device(user(2), "b", "fcm");
    open_lanes(true);
    bus.intercept<SendPush>(Stage::policy, [this](SendPush& event) {
      if (const auto found = ways.find(event.channel); found != ways.end()) event.channel = found->second;
      return Verdict::pass();
    });
  }

  std::map<std::string, std::string> ways;
};

}  // namespace

TEST_CASE("a plugin sends a push to the user's devices of another channel") {
  RerouteBench t;
  t.ways = {{"apns", "fcm"}};
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.apns.sent.empty());
  CHECK(t.fcm.sent.size() == 1);
  CHECK(t.mail.sent.empty());
  CHECK(t.lanes.front()->state().in_flight == 0);
  const auto row = t.row(message, user(2));
  CHECK(row.state == PushState::delivered);
  const auto plan = push::Plan::decode(row.plan);
  CHECK(plan.outcomes.front().state == push::Outcome::State::rerouted);
  CHECK(plan.outcomes.front().reason == "fcm");
}

TEST_CASE("a plugin sends a push by mail, beside the devices that are left") {
  RerouteBench t;
  t.ways = {{"apns", "email"}};
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.apns.sent.empty());
  CHECK(t.fcm.sent.size() == 1);
  REQUIRE(t.mail.sent.size() == 1);
  CHECK(t.mail.sent.front().device.token == "bob@example.org");
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("a mail that a plugin asked for covers the device that it stands for, and no other") {
  RerouteBench t;
  t.ways = {{"apns", "email"}};
  t.fcm.verdict = {Kind::retry, "UNAVAILABLE", 0, 0};
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.mail.sent.size() == 1);
  CHECK(t.row(message, user(2)).state == PushState::owed);
  t.fcm.verdict = {};
  t.clock.advance(60'000);
  t.turn(*worker);
  CHECK(t.fcm.sent.size() == 2);
  CHECK(t.mail.sent.size() == 1);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("a push that is rerouted to what is no enabled channel goes its own way, and the log says so once") {
  RerouteBench t;
  t.ways = {{"apns", "pigeon"}, {"fcm", "pigeon"}};
  auto worker = t.worker();
  for (std::uint64_t number = 1; number <= 3; ++number) t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.apns.sent.size() == 3);
  CHECK(t.fcm.sent.size() == 3);
  const auto lines = t.log.lines();
  CHECK(std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.level == LogLevel::warn; }) == 1);
}

TEST_CASE("a push that is rerouted to where the user has nothing goes its own way") {
  RerouteBench t;
  REQUIRE(t.ledger.remove_device(user(2), "fcm", "b"));
  t.world.profiles.clear();
  t.ways = {{"apns", GENERATE("fcm", "email")}};
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.apns.sent.size() == 1);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("two channels that are rerouted to each other lose no push") {
  RerouteBench t;
  t.ways = {{"apns", "fcm"}, {"fcm", "apns"}};
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.apns.sent.size() + t.fcm.sent.size() == 1);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
}

TEST_CASE("a rerouted push waits for its new channel, whatever became of the old one") {
  RerouteBench t;
  t.ways = {{"apns", "fcm"}};
  t.fcm.verdict = {Kind::retry, "UNAVAILABLE", 0, 0};
  auto worker = t.worker();
  const auto& message = t.owe({user(2)});
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::owed);
  t.fcm.verdict = {};
  t.clock.advance(60'000);
  t.turn(*worker);
  CHECK(t.row(message, user(2)).state == PushState::delivered);
  CHECK(t.apns.sent.empty());
}
