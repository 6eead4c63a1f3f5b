// What plugins keep: through the commit queue, compared in its order.
#include <catch2/catch.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

using Text = std::optional<std::string>;

struct Values {
  explicit Values(World& in, std::string space = "contract.a")
      : world(in), values((in.begin(), in.core->key_values(std::move(space)))) {}

  Result<bool> put(std::vector<KeyChange> changes) {
    return world.ask<bool>([&](auto done) { values->put(caller, std::move(changes), std::move(done)); });
  }
  Text get(std::string key) {
    const auto found = world.ask<Text>([&](auto done) { values->get(caller, std::move(key), std::move(done)); });
    REQUIRE(reason_of(found) == "ok");
    return *found;
  }
  std::string keys(std::string prefix, std::string after = {}, std::size_t limit = 100) {
    const auto found = world.ask<std::vector<KeyValue>>(
        [&](auto done) { values->list(caller, std::move(prefix), std::move(after), limit, std::move(done)); });
    REQUIRE(reason_of(found) == "ok");
    std::string line;
    for (const auto& row : *found) line += row.key + "=" + row.value + " ";
    return line;
  }

  World& world;
  std::unique_ptr<KeyValues> values;
  Caller caller = world.http(UserId::none);
};

TEST_CASE("values are kept by space and key, listed by prefix, and outlive a restart") {
  for (const bool instant : {true, false}) {
    World world({}, 2, instant);
    {
      Values mine(world), other(world, "contract.b");
      CHECK(reason_of(mine.put({{"a/1", "one", {}}, {"a/2", "two", {}}, {"b", "", {}}})) == "ok");
      CHECK(reason_of(other.put({{"a/1", "other", {}}})) == "ok");
      CHECK(reason_of(mine.put({{"a/2", std::nullopt, {}}, {"gone", std::nullopt, {}}, {"a/3", "three", {}}})) == "ok");
      CHECK(reason_of(mine.put({})) == "ok");
    }
    for (int round = 0; round < 2; ++round) {
      Values mine(world), other(world, "contract.b");
      CHECK(mine.get("a/1") == "one");
      CHECK(mine.get("b") == "");
      CHECK_FALSE(mine.get("a/2"));
      CHECK(mine.keys("a/") == "a/1=one a/3=three ");
      CHECK(mine.keys("", "a/1", 1) == "a/3=three ");
      CHECK(other.keys("") == "a/1=other ");
      const auto read = mine.values->read("a/", "a/1", 9);
      REQUIRE(reason_of(read) == "ok");
      REQUIRE(read->size() == 1);
      CHECK(read->front().value == "three");
      world.restart();
    }
  }
}

TEST_CASE("a change applies only where the value is the expected one, in the order of commits") {
  World world;
  Values mine(world), other(world, "contract.b");
  CHECK(reason_of(mine.put({{"k", "1", Text()}})) == "ok");
  CHECK(reason_of(mine.put({{"k", "2", Text()}})) == "key.changed");
  CHECK(reason_of(mine.put({{"k", "2", Text("1")}})) == "ok");
  CHECK(reason_of(mine.put({{"x", "y", {}}, {"k", "3", Text("1")}})) == "key.changed");
  CHECK_FALSE(mine.get("x"));
  CHECK(mine.get("k") == "2");
  CHECK(reason_of(mine.put(
            {{"k", "3", {}}, {"k", "4", Text("3")}, {"k", std::nullopt, Text("4")}, {"k", "5", Text()}})) == "ok");
  CHECK(mine.get("k") == "5");
  CHECK(reason_of(other.put({{"k", "theirs", Text()}})) == "ok");

  // In one round, from two threads: one of each pair wins.
  std::vector<Later<bool>> answers(6);
  const auto put = [&](std::size_t i, KeyChange change) {
    mine.values->put(world.http(UserId::none, static_cast<unsigned>(i % 2)), {std::move(change)}, answers[i].done());
  };
  put(0, {"k", "6", Text("5")});
  put(2, {"k", "7", Text("5")});
  put(4, {"k", std::nullopt, Text("6")});
  put(1, {"k", "8", Text("5")});
  world.settle();
  CHECK(reason_of(*answers[0]) == "ok");
  CHECK(reason_of(*answers[2]) == "key.changed");
  CHECK(reason_of(*answers[4]) == "ok");
  CHECK(reason_of(*answers[1]) == "key.changed");
  CHECK_FALSE(mine.get("k"));
}

TEST_CASE("keys and values outside of the limits are refused, and nothing is stored") {
  World world;
  Values mine(world);
  const std::string longest(250, 'k'), largest(64 << 10, 'v');
  CHECK(reason_of(mine.put({{longest, largest, {}}})) == "ok");
  CHECK(mine.get(longest) == largest);
  const KeyChange wrong[] = {
      {"", "v", {}}, {longest + "k", "v", {}}, {"bad \xFF", "v", {}}, {"k", largest + "v", {}}, {"k", "bad \xFF", {}}};
  for (const auto& change : wrong) CHECK(reason_of(mine.put({{"fine", "v", {}}, change})) == "key.invalid");
  CHECK_FALSE(mine.get("fine"));
}

TEST_CASE("values that cannot be stored, read or compared are answered so") {
  World world;
  Values mine(world);
  REQUIRE(reason_of(mine.put({{"k", "1", {}}})) == "ok");
  world.storage.commits_to_fail = 1;
  CHECK(reason_of(mine.put({{"k", "2", {}}})) == "storage.unavailable");
  CHECK(mine.get("k") == "1");
  world.storage.reads_fail = true;
  CHECK(reason_of(mine.put({{"k", "2", Text("1")}})) == "storage.unavailable");
  CHECK(reason_of(mine.values->read("", "", 9)) == "storage.unavailable");
  world.storage.reads_fail = false;
  CHECK(reason_of(mine.put({{"k", "2", Text("1")}})) == "ok");
  world.core->stop();
  CHECK(reason_of(mine.put({{"k", "3", {}}})) == "host.stopping");
}

TEST_CASE("values are put from the control thread too") {
  World world({}, 2, false);
  Values mine(world);
  mine.caller.thread = ~0u;
  CHECK(reason_of(mine.put({{"k", "1", Text()}})) == "ok");
  CHECK(reason_of(mine.put({{"", "1", Text()}})) == "key.invalid");
  const auto read = mine.values->read("", "", 9);
  REQUIRE(reason_of(read) == "ok");
  CHECK(read->size() == 1);
}

}  // namespace
}  // namespace loft::tests
