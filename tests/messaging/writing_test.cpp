// What writes do, one by one, and all that reading the sources brought to light.
#include <catch2/catch.hpp>

#include "world.hpp"

namespace loft::tests {
namespace {

TEST_CASE("a message is acknowledged, stored, pushed and counted") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(b);
  const auto sent = world.submit(world.http(a), World::to_user(b, "hi"));
  REQUIRE(reason_of(sent) == "ok");
  const auto id = sent->record.message->id;
  CHECK(client.received == std::vector<std::string>{"m:" + std::to_string(raw(id))});
  CHECK(*world.unread(b) == 1);
  CHECK(*world.unread(a) == 0);
  CHECK(world.read(b, {id})->newly == 1);
  CHECK(*world.unread(b) == 0);
  CHECK(world.no_holds());
}

}  // namespace
}  // namespace loft::tests
