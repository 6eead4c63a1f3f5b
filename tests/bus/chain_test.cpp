#include <catch2/catch.hpp>

#include <loft/push.hpp>

#include "bus_fixture.hpp"
#include "thrown.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

auto append(std::string word) {
  return [word](Rename& event) {
    event.name += word;
    return Verdict::pass();
  };
}

}  // namespace

TEST_CASE("interceptors run by stage, then YAML order, then registration order") {
  BusFixture t;
  t.impl.begin_setup("late", 2);
  t.bus.intercept<Rename>(Stage::policy, append("F"));
  t.bus.intercept<Rename>(Stage::check, append("C"));
  t.bus.intercept<Rename>(Stage::rewrite, append("E"));
  t.impl.begin_setup("early", 1);
  t.bus.intercept<Rename>(Stage::check, append("A"));
  t.bus.intercept<Rename>(Stage::check, append("B"));
  t.bus.intercept<Rename>(Stage::rewrite, append("D"));
  t.impl.freeze();

  Rename event;
  CHECK(Proposer<Rename>(t.bus).now(event).passed());
  CHECK(event.name == "ABCDEF");
}

TEST_CASE("a push can be rewritten, rerouted and silenced by plugins, and its end is heard by them") {
  BusFixture t;
  t.impl.begin_setup("quiet_hours", 0);
  t.bus.intercept<SendPush>(Stage::rewrite, [](SendPush& push) {
    push.channel = "smtp";
    push.notification.body = "new message";
    return Verdict::pass();
  });
  t.bus.intercept<SendPush>(Stage::policy, [](SendPush& push) {
    return push.notification.user == UserId{7} ? Verdict::refuse(Code::forbidden, "push.quiet_hours", {})
                                               : Verdict::pass();
  });
  std::vector<std::string> ends;
  t.bus.observe<PushSucceeded>([&](const PushSucceeded& fact) { ends.push_back(fact.channel + " took it"); });
  t.bus.observe<PushDead>([&](const PushDead& fact) { ends.push_back(fact.error.reason); });
  t.impl.freeze();

  SendPush push;
  push.channel = "apns";
  push.notification.user = UserId{6};
  CHECK(Proposer<SendPush>(t.bus).now(push).passed());
  CHECK(push.notification.body == "new message");
  Publisher<PushSucceeded>(t.bus)(PushSucceeded{{}, push.channel, push.notification});

  push.notification.user = UserId{7};
  const auto verdict = Proposer<SendPush>(t.bus).now(push);
  REQUIRE_FALSE(verdict.passed());
  Publisher<PushDead>(t.bus)(PushDead{{}, push.channel, push.notification, verdict.refusal()});
  CHECK(ends == std::vector<std::string>{"smtp took it", "push.quiet_hours"});
}

TEST_CASE("a refusal ends the chain and its reason reaches the proposer") {
  BusFixture t;
  t.impl.begin_setup("moderation", 0);
  bool later_ran = false;
  t.bus.intercept<Rename>(Stage::check, [](Rename& event) {
    return event.name == "admin" ? Verdict::refuse(Code::forbidden, "name.reserved", "choose another")
                                 : Verdict::pass();
  });
  t.bus.intercept<Rename>(Stage::policy, [&](Rename&) {
    later_ran = true;
    return Verdict::pass();
  });
  t.impl.freeze();
  const Proposer<Rename> propose(t.bus);

  Rename event{{}, "admin"};
  const auto verdict = propose.now(event);
  REQUIRE_FALSE(verdict.passed());
  CHECK(verdict.refusal().code == Code::forbidden);
  CHECK(verdict.refusal().reason == "name.reserved");
  CHECK(verdict.refusal().detail == "choose another");
  CHECK_FALSE(later_ran);

  Rename other{{}, "ada"};
  CHECK(propose.now(other).passed());
  CHECK(later_ran);
}

TEST_CASE("a rewrite is seen by later stages and by the proposer") {
  BusFixture t;
  t.impl.begin_setup("p", 0);
  std::string seen;
  t.bus.intercept<Rename>(Stage::policy, [&](Rename& event) {
    seen = event.name;
    return Verdict::pass();
  });
  t.bus.intercept<Rename>(Stage::rewrite, append("!"));
  std::string result;
  Proposer<Rename>(t.bus).propose(Rename{{}, "ada"}, [&](Rename& event, Verdict verdict) {
    CHECK(verdict.passed());
    result = event.name;
  });
  CHECK(seen == "ada!");
  CHECK(result == "ada!");
}

TEST_CASE("a throwing interceptor counts as a refusal and is logged once a minute") {
  BusFixture t;
  t.impl.begin_setup("broken", 0);
  t.bus.intercept<Rename>(Stage::check, [](Rename&) -> Verdict { throw std::runtime_error("out of cheese"); });
  t.impl.freeze();
  const Proposer<Rename> propose(t.bus);
  const auto once = [&] {
    Rename event;
    return propose.now(event);
  };

  const auto verdict = once();
  REQUIRE_FALSE(verdict.passed());
  CHECK(verdict.refusal().code == Code::internal);
  CHECK(verdict.refusal().reason == "interceptor.failed");
  CHECK_FALSE(once().passed());
  REQUIRE(t.log.lines().size() == 1);
  CHECK(t.log.lines()[0].fields.at("plugin") == "broken");
  CHECK(t.log.lines()[0].fields.at("event") == "loft::tests::Rename");
  CHECK(t.log.lines()[0].fields.at("what") == "out of cheese");
  t.clock.advance(BusImpl::quiet);
  CHECK_FALSE(once().passed());
  CHECK(t.log.lines().size() == 2);
  CHECK(t.metrics.value("handler_failures_total", R"(plugin="broken",event="loft::tests::Rename")") == 3);
}

TEST_CASE("a throwing observer does not keep the others from being told") {
  BusFixture t;
  int told = 0;
  t.impl.begin_setup("a", 0);
  t.bus.observe<Renamed>([&](const Renamed& event) { told += event.number; });
  t.bus.observe<Renamed>([](const Renamed&) { throw 42; });
  t.impl.begin_setup("b", 1);
  t.bus.observe<Renamed>([&](const Renamed& event) { told += 10 * event.number; });
  t.impl.freeze();

  Publisher<Renamed> publish(t.bus);
  CHECK(publish.has_observers());
  publish(Renamed{{}, 3});
  CHECK(told == 33);
  REQUIRE(t.log.lines().size() == 1);
  CHECK(t.log.lines()[0].fields.at("what") == "unknown exception");
}

TEST_CASE("after the freeze nothing registers, and the late plugin is named") {
  BusFixture t;
  t.impl.begin_setup("one", 0);
  t.bus.observe<Renamed>([](const Renamed&) {});
  t.impl.freeze();
  t.impl.begin_setup("tardy", 1);
  const auto late = [](auto step, const char* what) {
    check_says(thrown(step), {"plugin 'tardy'", "do it in Plugin::setup", what});
  };
  late([&] { t.bus.observe<Renamed>([](const Renamed&) {}); }, "loft::tests::Renamed");
  late([&] { static_cast<void>(Proposer<Rename>(t.bus)); }, "loft::tests::Rename");
  late([&] { t.bus.follow({"x.y"}, [](auto) { return Result<void>(); }); }, "x.y");
  CHECK_THROWS_AS(t.bus.observe<Renamed>([](const Renamed&) {}), std::logic_error);
  CHECK_NOTHROW(Publisher<Renamed>(t.bus));
  CHECK(t.impl.chain().size() == 1);
}

TEST_CASE("a follower needs a name of its own and a batch") {
  BusFixture t;
  const auto consume = [](std::span<const Committed>) { return Result<void>(); };
  t.impl.begin_setup("push.fcm", 0);
  t.bus.follow({"push.fcm"}, consume);
  t.impl.begin_setup("push.other", 1);
  check_says(thrown([&] { t.bus.follow({"push.fcm"}, consume); }), {"'push.other'", "'push.fcm'"});
  CHECK_THROWS_WITH(t.bus.follow({""}, consume), Catch::Contains("without a name"));
  CHECK_THROWS_WITH(t.bus.follow({"a", 0}, consume), Catch::Contains("batch 0"));
  CHECK_THROWS_WITH(t.bus.follow({"a"}, nullptr), Catch::Contains("without a function"));
  REQUIRE(t.impl.followers().size() == 1);
  CHECK(t.impl.followers()[0].plugin == "push.fcm");
  CHECK(t.impl.followers()[0].spec.batch == 256);
}

TEST_CASE("the chain lists every handler in the order of running") {
  BusFixture t;
  t.impl.begin_setup("b", 2);
  t.bus.intercept_waiting<Rename>(Stage::check, 500, [](Rename&, Resume resume) { resume(Verdict::pass()); });
  t.bus.observe<Renamed>([](const Renamed&) {});
  t.impl.begin_setup("a", 1);
  t.bus.intercept<Rename>(Stage::policy, append("x"));
  const auto chain = t.impl.chain();
  REQUIRE(chain.size() == 3);
  CHECK(chain[0].event == "loft::tests::Rename");
  CHECK(chain[0].plugin == "b");
  CHECK(chain[0].is_proposal);
  CHECK(chain[0].timeout == 500);
  CHECK(chain[1].plugin == "a");
  CHECK(chain[1].stage == Stage::policy);
  CHECK(chain[2].event == "loft::tests::Renamed");
  CHECK_FALSE(chain[2].is_proposal);
}
