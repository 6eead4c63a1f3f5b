// Commits beside each other: who ends when, and who gives way.
#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <thread>

#include "gate.hpp"
#include "messaging/commit_lanes.hpp"
#include "world.hpp"

namespace loft::tests {
namespace {

/// A storage whose commits say what they do at the word of the test.
class TurnStorage {
 public:
  explicit TurnStorage(std::size_t writers, Millis patience = 30'000) {
    storage.writer_count = writers;
    storage.before_commit = [this] { ++begun; };
    lanes.emplace(
        storage, host.clock(), host.log(), [this] { ++ended; }, patience);
  }

  testing::FakeHost host;
  MemoryStorage storage;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::optional<CommitLanes> lanes;

  /// A batch that moves the position only.
  const Batch& batch(Position position) {
    auto& made = batches_[position];
    made.applied_upto = position;
    return made;
  }

 private:
  std::map<Position, Batch> batches_;
};

}  // namespace

TEST_CASE("commits end in the order in which they were begun") {
  TurnStorage world(3);
  Gate first;
  std::vector<Position> seen;
  world.storage.before_turn = [&](std::size_t writer) {
    if (writer == 2) first.wait();
  };
  world.storage.after_commit = [&] { seen.push_back(*world.storage.last_position()); };
  world.lanes->begin(2, world.batch(5));
  world.lanes->begin(0, world.batch(6));
  world.lanes->begin(1, world.batch(7));
  REQUIRE(first.has(1));
  CHECK_FALSE(world.lanes->has_oldest_ended());
  CHECK(*world.storage.last_position() == 0);
  first.open();
  for (int i = 0; i < 3; ++i) CHECK(world.lanes->end_oldest().stored());
  CHECK(seen == std::vector<Position>{5, 6, 7});
  CHECK_FALSE(world.lanes->has_oldest_ended());
}

TEST_CASE("nothing is stored that was begun behind a commit that is not") {
  TurnStorage world(2);
  Gate both;
  world.storage.before_turn = [&](std::size_t) { both.wait(); };
  world.lanes->begin(0, world.batch(5));
  world.lanes->begin(1, world.batch(6));
  REQUIRE(both.has(2));
  world.storage.answers_to_lose = 1;  // the first is stored, and nobody knows
  both.open();
  const auto first = world.lanes->end_oldest();
  CHECK(reason_of(first.result) == "storage.unavailable");
  CHECK(first.had_turn);
  CHECK_FALSE(first.stored());
  const auto second = world.lanes->end_oldest();
  CHECK_FALSE(second.had_turn);
  CHECK_FALSE(second.stored());
  CHECK(*world.storage.last_position() == 5);
  // What is begun when all have ended has nothing to do with it.
  world.lanes->begin(1, world.batch(7));
  CHECK(world.lanes->end_oldest().stored());
}

TEST_CASE("a commit that fails before its turn does not keep those before it from their end") {
  TurnStorage world(2);
  Gate first;
  world.storage.before_turn = [&](std::size_t) { first.wait(); };
  world.lanes->begin(0, world.batch(5));
  REQUIRE(first.has(1));
  world.storage.commits_to_fail = 1;
  world.lanes->begin(1, world.batch(6));
  while (world.ended == 0) std::this_thread::yield();
  CHECK_FALSE(world.lanes->has_oldest_ended());
  first.open();
  CHECK(world.lanes->end_oldest().stored());
  const auto second = world.lanes->end_oldest();
  CHECK_FALSE(second.had_turn);
  CHECK(reason_of(second.result) == "storage.unavailable");
}

TEST_CASE("who waits too long for its turn gives way") {
  TurnStorage world(2, 10);
  Gate first;
  world.storage.before_turn = [&](std::size_t writer) {
    if (writer == 0) first.wait();
  };
  world.lanes->begin(0, world.batch(5));
  world.lanes->begin(1, world.batch(6));
  while (world.ended == 0) std::this_thread::yield();
  first.open();
  CHECK(world.lanes->end_oldest().stored());
  const auto second = world.lanes->end_oldest();
  CHECK_FALSE(second.had_turn);
  CHECK(*world.storage.last_position() == 5);
}

TEST_CASE("a storage that does not wait for a turn is not believed") {
  TurnStorage world(2);
  world.storage.ignores_turns = true;
  world.lanes->begin(0, world.batch(5));
  const auto end = world.lanes->end_oldest();
  CHECK_FALSE(end.stored());
  CHECK(end.had_turn);  // so it is asked what it has
  CHECK(reason_of(end.result) == "storage.broken");
}

}  // namespace loft::tests
