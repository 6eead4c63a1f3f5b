// What the host does by itself: old messages go, erasures are finished, and what stands in the way is said.
#include <catch2/catch.hpp>

#include "host/upkeep.hpp"
#include "shorthand.hpp"

namespace loft::tests {
namespace {

constexpr Millis day = 86'400'000;

config::Settings::Retention keeping(Millis time) {
  config::Settings::Retention retention;
  retention.keep = {time, time, time, time};
  retention.pause = 0;
  return retention;
}

struct Fixture {
  World world;
  std::optional<Eraser> eraser;
  std::optional<Upkeep> upkeep;

  explicit Fixture(Millis keep) {
    world.begin();
    eraser.emplace(*world.core, world.used_storage, world.host.bus(), world.host.log());
    upkeep.emplace(keeping(keep), *world.core, world.used_storage, *eraser, world.host.clock(), world.host.log(),
                   world.host.metrics());
  }

  std::size_t told(std::string_view words) {
    std::size_t count = 0;
    for (const auto& line : world.host.log().lines()) count += line.text.find(words) != std::string::npos ? 1 : 0;
    return count;
  }
  std::string last_field(std::string_view words, const std::string& field) {
    std::string value;
    for (const auto& line : world.host.log().lines()) {
      if (line.text.find(words) != std::string::npos) value = line.fields.at(field);
    }
    return value;
  }
};

std::vector<ConversationId> groups_with_a_message(World& world, UserId owner, int count) {
  std::vector<ConversationId> ids;
  for (int i = 0; i < count; ++i) {
    ids.push_back(world.group(owner, {})->conversation->id);
    send(world, owner, ids.back(), "old");
  }
  return ids;
}

TEST_CASE("a conversation that cannot be read keeps its messages, is told of once, and all others lose theirs") {
  Fixture f(day);
  const auto a = f.world.user("a");
  const auto ids = groups_with_a_message(f.world, a, 9);
  f.world.host.clock().advance(2 * day);
  send(f.world, a, ids[8], "new");
  f.world.storage.corrupt = {ids[0], ids[3], ids[4], ids[8]};
  f.world.storage.corrupt_logs = {ids[6]};
  const auto removed = f.upkeep->round();
  REQUIRE(reason_of(removed) == "ok");
  CHECK((*removed)[static_cast<std::size_t>(ConversationKind::group)] == 4);
  std::set<ConversationId> left;
  for (const auto& message : f.world.storage.all_messages()) left.insert(message.conversation);
  CHECK(left == std::set{ids[0], ids[3], ids[4], ids[6], ids[8]});
  CHECK(f.told("a conversation cannot be read") == 5);
  REQUIRE(reason_of(f.upkeep->round()) == "ok");
  CHECK(f.told("a conversation cannot be read") == 5);
  f.world.storage.corrupt.clear();
  f.world.storage.corrupt_logs.clear();
  CHECK((*f.upkeep->round())[static_cast<std::size_t>(ConversationKind::group)] == 5);
}

TEST_CASE("an erasure that the storage keeps from going on is told of, and tried again soon at first") {
  Fixture f(0);
  f.world.user("ann");
  REQUIRE(reason_of(f.eraser->erase("ann", 0)) == "ok");
  f.world.storage.reads_fail = true;
  std::vector<Millis> waits;
  for (int i = 0; i < 8; ++i) waits.push_back(f.upkeep->finish_erasures());
  CHECK(waits == std::vector<Millis>{1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000});
  CHECK(f.told("an erasure could not go on; it is tried again") == 8);
  CHECK(f.last_field("an erasure could not go on", "reason") == "storage.unavailable");
  CHECK(f.last_field("an erasure could not go on", "in_ms") == "60000");
  f.world.storage.reads_fail = false;
  CHECK(f.upkeep->finish_erasures() == 60'000);
  CHECK(f.world.used_storage.key_values("host.erasures", "", "", 10)->empty());
  f.world.storage.reads_fail = true;
  CHECK(f.upkeep->finish_erasures() == 1'000);
}

TEST_CASE("a round that the storage keeps from its end is told of, and tried again soon at first") {
  Fixture f(day);
  f.world.storage.reads_fail = true;
  CHECK(f.upkeep->retain() == 1'000);
  CHECK(f.upkeep->retain() == 2'000);
  CHECK(f.told("old messages could not be removed; it is tried again") == 2);
  CHECK(f.last_field("old messages could not be removed", "reason") == "storage.unavailable");
  f.world.storage.reads_fail = false;
  CHECK(f.upkeep->retain() == keeping(day).interval);
  f.world.storage.reads_fail = true;
  CHECK(f.upkeep->retain() == 1'000);
}

}  // namespace
}  // namespace loft::tests
