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
    begin(keep);
  }
  void begin(Millis keep) {
    upkeep.reset();
    eraser.emplace(*world.core, world.used_storage, world.host.bus(), world.host.log());
    upkeep.emplace(keeping(keep), *world.core, world.used_storage, *eraser, world.host.clock(), world.host.log(),
                   world.host.metrics());
  }
  /// Another process, on the same store.
  void restart(Millis keep) {
    upkeep.reset();
    eraser.reset();
    world.restart();
    begin(keep);
  }
  std::uint64_t round() {
    const auto removed = upkeep->round();
    REQUIRE(reason_of(removed) == "ok");
    return (*removed)[0] + (*removed)[1];
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

TEST_CASE("a clock that jumps years ahead has nothing removed that is young, and costs a day in an hour") {
  Fixture f(30 * day);
  auto& clock = f.world.host.clock();
  const auto a = f.world.user("a"), b = f.world.user("b");
  // One message a day.
  for (int i = 0; i < 40; ++i) {
    send(f.world, a, b);
    clock.advance(day);
  }
  send(f.world, a, b);
  CHECK(f.round() == 10);
  const auto right = clock.now();
  clock.jump_to(right + 3'650 * day);
  CHECK(f.round() == 0);
  CHECK(f.told("the clock is far ahead") == 1);
  SECTION("also when messages are written by it, and after restarts") {
    send(f.world, a, b);
    CHECK(f.round() == 0);
    for (int i = 0; i < 5; ++i) {
      f.restart(30 * day);
      CHECK(f.round() == 0);
    }
  }
  clock.advance(3'600'000);
  CHECK(f.round() == 1);
  clock.advance(3'600'000);
  CHECK(f.round() == 1);
  // It is set right again.
  clock.jump_to(right + 2 * 3'600'000);
  CHECK(f.round() == 0);
  const auto told = f.told("the clock is far ahead");
  clock.advance(3 * day);
  CHECK(f.round() == 2);
  CHECK(f.told("the clock is far ahead") == told);
  CHECK(f.told("old messages are removed by the clock again") == 1);
}

TEST_CASE("after a long rest messages grow old by a day in an hour, until that is made up") {
  Fixture f(10 * day);
  auto& clock = f.world.host.clock();
  const auto a = f.world.user("a"), b = f.world.user("b");
  for (int i = 0; i < 10; ++i) {
    send(f.world, a, b);
    clock.advance(day);
  }
  const bool was_used = GENERATE(true, false);  // whether retention has been there before
  if (was_used) CHECK(f.round() == 0);
  f.upkeep.reset();
  clock.jump_to(clock.now() + 100 * day);
  f.restart(10 * day);
  CHECK(f.round() <= 1);
  std::uint64_t removed = 0;
  for (int hour = 0; hour < 4; ++hour) {
    clock.advance(3'600'000);
    removed += f.round();
  }
  CHECK((removed == 3 || removed == 4));
  for (int hour = 0; hour < 100; ++hour) {
    clock.advance(3'600'000);
    removed += f.round();
  }
  CHECK(f.world.storage.all_messages().empty());
}

TEST_CASE("a clock that is behind, or back again, removes nothing before its time") {
  Fixture f(5 * day);
  auto& clock = f.world.host.clock();
  const auto a = f.world.user("a"), b = f.world.user("b");
  const auto begin = clock.now();
  send(f.world, a, b);
  CHECK(f.round() == 0);
  clock.advance(4 * day);
  CHECK(f.round() == 0);
  clock.jump_to(begin - 100 * day);
  CHECK(f.round() == 0);
  f.restart(5 * day);
  CHECK(f.round() == 0);
  clock.jump_to(begin + 6 * day);
  // Two days ahead of where it was, and not a hundred.
  CHECK(f.round() == 0);
  clock.advance(2 * 3'600'000);
  CHECK(f.round() == 1);
}

TEST_CASE("where the store does not take how far retention has come, nothing is removed") {
  Fixture f(day);
  const auto a = f.world.user("a");
  groups_with_a_message(f.world, a, 2);
  f.world.host.clock().advance(2 * day);
  send(f.world, a, a);
  f.world.storage.commits_to_fail = 1'000;
  CHECK(reason_of(f.upkeep->round()) == "storage.unavailable");
  f.world.storage.commits_to_fail = 0;
  CHECK(f.world.storage.all_messages().size() == 3);
  CHECK(f.round() == 2);
}

}  // namespace
}  // namespace loft::tests
