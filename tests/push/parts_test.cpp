#include "bench.hpp"
#include "push/plan.hpp"

using namespace loft;
using namespace loft::tests;

TEST_CASE("a plan comes back from its text; a text that is none is an empty plan") {
  push::Plan plan;
  plan.of(7, "apns").state = push::Outcome::State::accepted;
  auto& other = plan.of(8, "fcm");
  other.tries = 3;
  other.last = 1'700'000'000'000;
  other.reason = "a \"quoted\" reason";
  const auto read = push::Plan::decode(plan.encode());
  REQUIRE(read.outcomes.size() == 2);
  CHECK(read.outcomes[0].device == 7);
  CHECK(read.outcomes[0].state == push::Outcome::State::accepted);
  CHECK(read.outcomes[1].tries == 3);
  CHECK(read.outcomes[1].last == other.last);
  CHECK(read.outcomes[1].reason == other.reason);
  CHECK(push::Plan().encode().empty());
  for (const auto* text : {"", "{", "[1,{}]", R"([{"device":1,"state":"unheard"}])"})
    CHECK(push::Plan::decode(text).outcomes.empty());
}

TEST_CASE("what befell a push comes back from its text, what comes again is one, and there is a limit to it") {
  push::Plan plan;
  plan.note("put off", "push.busy", 10);
  plan.note("replayed", "by \"ann\"", 20);
  plan.note("put off", "push.busy", 30);
  const auto alone = push::Plan::decode(plan.encode());
  REQUIRE(alone.history.size() == 2);
  CHECK(alone.outcomes.empty());
  plan.of(7, "apns").tries = 2;
  auto read = push::Plan::decode(plan.encode());
  REQUIRE(read.outcomes.size() == 1);
  CHECK(read.outcomes[0].tries == 2);
  REQUIRE(read.history.size() == 2);
  CHECK(read.history[0].first == 10);
  CHECK(read.history[0].last == 30);
  CHECK(read.history[0].times == 2);
  CHECK(read.history[1].detail == "by \"ann\"");
  for (int i = 0; i < 1000; ++i) read.note("put off", "Reason" + std::to_string(i), 100 + i);
  CHECK(read.history.size() == push::Plan::most_happenings);
  CHECK(read.history.back().detail == "Reason999");
  CHECK(read.history.front().last > 900);
  CHECK(push::Plan::decode(read.encode()).history.size() == push::Plan::most_happenings);
}

TEST_CASE("no token is shown whole") {
  CHECK(push::shortened("0123456789abcdef") == "…abcdef");
  CHECK(push::shortened("short") == "…");
}

TEST_CASE("reasons beyond what a metric may hold are counted as other") {
  Bench t;
  for (int i = 0; i < 300; ++i) t.meters.answered("apns", PushVerdict::Kind::refused, "Reason" + std::to_string(i));
  t.meters.answered("apns", PushVerdict::Kind::refused, "with a space or a token");
  CHECK(t.metrics.value("push_answers_total", R"(channel="apns",result="refused",reason="Reason5")") == 1);
  CHECK(t.metrics.value("push_answers_total", R"(channel="apns",result="refused",reason="other")") > 200);
}
