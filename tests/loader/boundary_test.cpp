#include <catch2/catch.hpp>

#include "set_fixture.hpp"
#include "zoo/poll.hpp"

using namespace loft;
using namespace loft::tests;

TEST_CASE("events of a third party cross the boundary of a library in both directions") {
  SetFixture t;
  const Proposer<acme::ClosePoll> propose(t.bus);
  std::string told;
  t.bus.begin_setup("host", 0);
  static_cast<Bus&>(t.bus).observe<acme::PollClosed>([&](const acme::PollClosed& fact) { told = fact.question; });
  t.set.load("zoo.poll");
  t.setup();

  acme::ClosePoll poll{{}, "tea", 3};
  CHECK(propose.now(poll).passed());
  CHECK(poll.question == "tea?");
  CHECK(told == "tea?");

  acme::ClosePoll empty{{}, "none", 0};
  const auto refused = propose.now(empty);
  REQUIRE_FALSE(refused.passed());
  CHECK(refused.refusal().reason == "poll.empty");

  // An exception of the plugin's is caught by type on this side.
  acme::ClosePoll bad{{}, "bad", -1};
  CHECK(propose.now(bad).refusal().reason == "interceptor.failed");
  REQUIRE(t.log.lines().size() == 1);
  CHECK(t.log.lines()[0].fields.at("what") == "votes below zero");
  CHECK(t.log.lines()[0].fields.at("plugin") == "zoo.poll");

  const auto chain = t.bus.chain();
  REQUIRE(chain.size() == 3);
  CHECK(chain[0].event == "acme::ClosePoll");
  CHECK(chain[2].event == "acme::PollClosed");
}
