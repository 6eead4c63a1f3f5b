// Commits whose answers were lost: the storage has them, and nobody was told.
#include <chrono>
#include <thread>

#include <catch2/catch.hpp>

#include "shorthand.hpp"
#include "world.hpp"

namespace loft::tests {
namespace {

/// A world whose storage waits, so that the committer has a thread of its own.
struct Lossy : World {
  UserId a, b;
  Client& client;

  Lossy() : World({}, 2, false), a(user("a")), b(user("b")), client(login(b, hearing())) {}

  static SessionPolicy hearing() {
    auto policy = delivering();
    policy.interests.recalls = true;
    return policy;
  }
  /// The next commit is stored and its answer lost; then the storage is away for so many questions.
  void lose_next(int away) {
    storage.after_commit = [this, away] {
      if (storage.answers_to_lose != 0) storage.commits_to_fail = away;
    };
    storage.answers_to_lose = 1;
  }
  /// Turns the threads until it holds.
  template <class F>
  bool comes(F holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      settle();
      std::this_thread::yield();
    }
    return true;
  }
  bool hears(std::size_t received) {
    return comes([this, received] { return client.received.size() >= received; });
  }
};

}  // namespace

TEST_CASE("a commit whose answer was lost is acknowledged when the storage says at once that it has it") {
  Lossy world;
  world.lose_next(0);
  const auto sent = world.submit(world.http(world.a), World::to_user(world.b, "x", "k"));
  REQUIRE(sent);
  CHECK_FALSE(sent->repeated);
  CHECK(world.client.received == std::vector<std::string>{line("m", sent->record->message->id)});
  CHECK(*world.unread(world.b) == 1);
  CHECK(world.storage.all_messages().size() == 1);
}

TEST_CASE("a commit that failed, and of which nothing is stored, leaves nothing") {
  Lossy world;
  world.storage.commits_to_fail = 1;
  CHECK(reason_of(world.submit(world.http(world.a), World::to_user(world.b, "x"))) == "storage.unavailable");
  CHECK(reason_of(world.submit(world.http(world.a), World::to_user(world.b, "y"))) == "ok");
  CHECK(world.client.received.size() == 1);
  CHECK(world.storage.all_messages().size() == 1);
}

TEST_CASE("what was stored while the storage's answer was lost reaches who is online when the storage is back") {
  Lossy world;
  const bool known = GENERATE(false, true);  // the conversation
  std::size_t before = 0;
  if (known) {
    REQUIRE(world.submit(world.http(world.a), World::to_user(world.b, "first")));
    before = 1;
  }
  world.lose_next(2);
  CHECK(reason_of(world.submit(world.http(world.a), World::to_user(world.b, "x", "k"))) == "storage.unavailable");
  CHECK(world.client.received.size() == before);
  REQUIRE(world.hears(before + 1));
  CHECK(world.storage.all_messages().size() == before + 1);
  CHECK(*world.unread(world.b) == before + 1);
  CHECK(world.inbox(world.b, std::nullopt)->messages.size() == before + 1);

  const auto again = world.submit(world.http(world.a), World::to_user(world.b, "x", "k"));
  REQUIRE(again);
  CHECK(again->repeated);
  CHECK(world.client.received.size() == before + 1);
  const auto next = world.submit(world.http(world.a), World::to_user(world.b, "y"));
  REQUIRE(next);
  CHECK(next->record->message->seq == again->record->message->seq + 1);
  CHECK(world.client.received.size() == before + 2);
}

TEST_CASE("who logs in before it is known hears of it once") {
  Lossy world;
  world.lose_next(3);
  CHECK(reason_of(world.submit(world.http(world.a), World::to_user(world.b, "x"))) == "storage.unavailable");
  auto& late = world.login(world.b);
  REQUIRE(world.comes([&] { return late.received.size() + world.inbox(world.b, std::nullopt)->messages.size() >= 2; }));
  CHECK(late.received.size() == 1);
  CHECK(world.client.received.size() == 1);
  CHECK(*world.unread(world.b) == 1);
}

TEST_CASE("a recall and a mark whose answers were lost count, and done again change nothing") {
  Lossy world;
  const auto first = world.submit(world.http(world.a), World::to_user(world.b, "1"));
  const auto second = world.submit(world.http(world.a), World::to_user(world.b, "2"));
  REQUIRE((first && second));
  const auto recall = [&] {
    return world.ask<Recalled>([&](Done<Recalled> done) {
      Recall wanted;
      wanted.message = first->record->message->id;
      world.core->recall(world.http(world.a), std::move(wanted), std::move(done));
    });
  };
  world.lose_next(2);
  CHECK(reason_of(recall()) == "storage.unavailable");
  REQUIRE(world.hears(3));
  CHECK(*world.unread(world.b) == 1);
  const auto again = recall();
  REQUIRE(again);
  CHECK(again->repeated);

  world.lose_next(2);
  CHECK(reason_of(world.read(world.b, {second->record->message->id})) == "storage.unavailable");
  REQUIRE(world.comes([&] { return world.unread(world.b) && *world.unread(world.b) == 0; }));
  world.restart();
  CHECK(*world.unread(world.b) == 0);
}

TEST_CASE("a mark that writes no change is told from the round before it") {
  Lossy world;
  const auto sent = world.submit(world.http(world.a), World::to_user(world.b, "1"));
  REQUIRE(sent);
  world.storage.commits_to_fail = 1;
  CHECK(reason_of(world.read(world.b, {sent->record->message->id}, world.plain)) == "storage.unavailable");
  CHECK(world.inbox(world.b, world.plain)->messages.size() == 1);
}

TEST_CASE("a host stops before it knows, and the next start does") {
  Lossy world;
  world.lose_next(1'000'000);
  CHECK(reason_of(world.submit(world.http(world.a), World::to_user(world.b, "x"))) == "storage.unavailable");
  CHECK(reason_of(world.submit(world.http(world.a), World::to_user(world.b, "y"))) == "storage.unavailable");
  world.core->stop();
  world.storage.commits_to_fail = 0;
  world.restart();
  CHECK(*world.unread(world.b) == 1);
}

}  // namespace loft::tests
