// When what a commit handed back is run: at once, or together with the round that is under way.
#include <catch2/catch.hpp>

#include "world.hpp"

namespace loft::tests {
namespace {

/// A group with one session for each member, all on one thread, over a storage with a writer of its own.
struct Hall {
  explicit Hall(std::size_t listeners) : world({}, 1, false) {
    speaker = world.user("speaker");
    std::vector<UserId> members;
    for (std::size_t i = 0; i < listeners; ++i) members.push_back(world.user("listener" + std::to_string(i)));
    group = world.group(speaker, members)->conversation->id;
    for (const auto member : members) audience.push_back(&world.login(member));
    microphone = &world.login(speaker);
  }

  /// Handed in with the end of the thread's next turn.
  void say(const char* text) {
    world.core->submit(microphone->caller(), World::to(group, text), [this, text](Result<Accepted> result) {
      REQUIRE(result.ok());
      answered.push_back(text);
    });
  }
  std::size_t heard() const { return audience.front()->received.size() + audience.back()->received.size(); }
  /// The writer has committed what was handed in; its post is not run yet.
  void commit() {
    world.core->turn_end(0);
    REQUIRE(world.threads.wait_for_post());
  }

  World world;
  UserId speaker{};
  ConversationId group{};
  std::vector<Client*> audience;
  Client* microphone = nullptr;
  std::vector<std::string> answered;
};

}  // namespace

TEST_CASE("a message to a large audience goes out together with those that are under way, in their order") {
  Hall hall(100);
  hall.say("one");
  hall.commit();
  hall.say("two");
  hall.world.threads.run(0);
  CHECK(hall.heard() == 0);
  CHECK(hall.answered.empty());  // an answer would overtake the message before it
  hall.commit();
  hall.world.threads.run(0);
  CHECK(hall.heard() == 4);
  CHECK(hall.answered == std::vector<std::string>{"one", "two"});
  const auto& received = hall.audience.front()->received;
  CHECK(received.front() < received.back());
}

TEST_CASE("a message to a large audience goes out at once when nothing is under way") {
  Hall hall(100);
  hall.say("one");
  hall.commit();
  hall.world.threads.run(0);
  CHECK(hall.heard() == 2);
}

TEST_CASE("a message to a small audience goes out at once") {
  Hall hall(10);
  hall.say("one");
  hall.commit();
  hall.say("two");
  hall.world.threads.run(0);
  CHECK(hall.heard() == 2);
  hall.world.settle();
}

TEST_CASE("a message to a large audience goes out at once when commits take longer than its writes") {
  Hall hall(100);
  hall.world.storage.before_commit = [&] { hall.world.host.clock().advance(2); };
  hall.say("one");
  hall.commit();
  hall.say("two");
  hall.world.threads.run(0);
  CHECK(hall.heard() == 2);
  hall.world.settle();
}

TEST_CASE("the wait for the round under way ends when the storage has come to a halt") {
  Hall hall(100);
  hall.say("one");
  hall.commit();
  hall.say("two");
  hall.world.threads.run(0);
  CHECK(hall.heard() == 0);
  hall.world.core->sweep(0);
  CHECK(hall.heard() == 2);
  hall.world.settle();
  CHECK(hall.heard() == 4);
}

}  // namespace loft::tests
