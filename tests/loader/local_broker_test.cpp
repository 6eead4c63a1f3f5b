#include <catch2/catch.hpp>

#include <loft/broker.hpp>

#include "set_fixture.hpp"

using namespace loft;
using namespace loft::tests;

TEST_CASE("broker.local counts what it is told and says that nobody else has the users") {
  SetFixture t;
  PluginSet set({LOFT_PLUGIN_DIR}, t.bus, t.log, t.fake.clock());
  set.load("broker.local");
  CHECK(set.configure().empty());
  set.setup([&](PluginInstance& instance) { return std::make_unique<BusHost>(instance.name(), t.bus, t.log, t.fake); });
  set.start();
  auto& broker = set.as<Broker>("broker.local", "a broker");
  const UserId users[] = {UserId{1}, UserId{2}, UserId{3}};
  broker.announce(users);
  broker.withdraw(UserIds(users).first(1));
  std::vector<Reached> answers;
  broker.deliver(UserIds(users).first(2), "envelope", [&](Reached reached) { answers.push_back(reached); });
  broker.deliver(users, "envelope", nullptr);
  broker.broadcast("topic", "message");
  CHECK(answers == std::vector{Reached::none});
  CHECK(t.fake.metrics().value("broker_announced_total") == 3);
  CHECK(t.fake.metrics().value("broker_withdrawn_total") == 1);
  CHECK(t.fake.metrics().value("broker_unreached_total") == 5);
  set.stop(1000);
}
