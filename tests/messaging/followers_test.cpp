// Followers: consumers behind, each with a durable position.
#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>

#include <loft/events.hpp>

#include "messaging/followers.hpp"
#include "world.hpp"

namespace loft::tests {
namespace {

/// What a follower was given, from its thread.
struct Followed {
  std::mutex mutex;
  std::condition_variable more;
  std::vector<Position> positions;
  int failures = 0;
  bool throws = false;

  FollowerFn consume() {
    return [this](std::span<const Committed> entries) -> Result<void> {
      const std::lock_guard lock(mutex);
      if (failures > 0) {
        --failures;
        more.notify_all();
        if (throws) throw std::runtime_error("thrown by a consumer");
        return Error{Code::unavailable, "not.now", {}};
      }
      for (const auto& entry : entries) positions.push_back(entry.position);
      more.notify_all();
      return {};
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return more.wait_for(lock, std::chrono::seconds(20), [&] { return positions.size() >= count; });
  }
};

std::unique_ptr<Followers> follow(World& world, Followed& into, bool from_start, std::size_t batch = 3) {
  std::vector<Followers::Row> rows;
  rows.push_back({{"test.follower", batch, from_start}, into.consume()});
  auto followers = std::make_unique<Followers>(
      std::move(rows), world.storage, [&] { return world.core->stable(); }, world.host.log());
  followers->start();
  return followers;
}

TEST_CASE("a follower sees every entry in order, resumes after a restart and is asked again when it fails") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  std::vector<Position> expected;
  const auto send = [&] {
    expected.push_back(raw(world.submit(world.http(a), World::to_user(b, "x"))->record->message->id));
  };
  for (int i = 0; i < 7; ++i) send();
  Followed followed;
  followed.failures = 1;
  followed.throws = GENERATE(false, true);
  {
    auto followers = follow(world, followed, true);
    REQUIRE(followed.wait_for(7));
    send();
    REQUIRE(followed.wait_for(8));
    followers->stop();
  }
  CHECK(followed.positions == expected);
  world.restart();
  send(), send();
  {
    auto followers = follow(world, followed, true);
    REQUIRE(followed.wait_for(10));
  }
  CHECK(followed.positions == expected);
}

TEST_CASE("a new follower begins at the newest entry unless it asks for all") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  for (int i = 0; i < 5; ++i) REQUIRE(world.submit(world.http(a), World::to_user(b, "x")));
  Followed followed;
  world.storage.reads_fail = true;  // its position cannot be read at first
  auto followers = follow(world, followed, false);
  world.storage.reads_fail = false;
  // The follower's own first entry in the storage says that it has begun.
  while (!*world.storage.follower("test.follower")) std::this_thread::yield();
  const auto id = world.submit(world.http(a), World::to_user(b, "x"))->record->message->id;
  REQUIRE(followed.wait_for(1));
  followers->stop();
  CHECK(followed.positions == std::vector<Position>{raw(id)});
}

}  // namespace
}  // namespace loft::tests
