// Conversations dealt out over several writers of the storage: what is promised with one holds with several.
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <stdexcept>
#include <thread>
#include <utility>

#include "gate.hpp"
#include "shorthand.hpp"

namespace loft::tests {
namespace {

CoreOptions lanes_at_once() {
  CoreOptions options;
  options.lane_entries = 1;
  return options;
}

/// `a` writes to `left` in lane 0 and to `right` in lane 1. What goes into lane 0 can be held before its turn.
struct Laned : World {
  UserId a, b, left{}, right{};
  std::atomic<std::size_t> latest{99};  ///< the writer of the latest round
  std::atomic<int> written[2]{};        ///< rounds of each lane that came to their turn
  std::atomic<Gate*> held = nullptr;    ///< for lane 0
  Answers answers;

  Laned() : World(lanes_at_once(), 2, false) {
    storage.writer_count = 2;
    a = user("a");
    b = user("b");
    storage.before_turn = [this](std::size_t writer) {
      latest = writer;
      ++written[writer];
      if (auto* gate = held.load(); gate != nullptr && writer == 0) gate->wait();
    };
    for (int i = 0; left == UserId::none || right == UserId::none; ++i) {
      const auto peer = user("peer" + std::to_string(i));
      send(*this, a, peer);
      send(*this, a, peer);  // the first made the conversation, which no lane can do
      (latest == 0 ? left : right) = peer;
    }
    written[0] = written[1] = 0;
    before = storage.all_messages().size();
  }

  std::size_t before = 0;  ///< messages of the set-up
  std::size_t stored() const { return storage.all_messages().size() - before; }

  void give(const Caller& caller, UserId to, std::string name, std::string client_id = {}) {
    core->submit(caller, to_user(to, name, std::move(client_id)), answers.done(name));
  }
  void give(UserId to, std::string name, std::string client_id = {}) { give(http(a), to, name, std::move(client_id)); }
  /// Hands in what was given on both threads.
  void hand_in() {
    turn(0);
    turn(1);
  }
  bool comes_to_turn(std::size_t writer, int rounds = 1) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (written[writer] < rounds) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  /// In lane 0 something is held, named `held`.
  void hold(Gate& gate) {
    held = &gate;
    give(left, "held");
    hand_in();
    REQUIRE(gate.has(1));
  }
  std::vector<std::string> end(Gate& gate) {
    held = nullptr;
    gate.open();
    settle();
    return *answers.list;
  }
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("messages of two conversations are written beside each other and acknowledged in their order") {
  Laned world;
  Gate gate;
  world.hold(gate);
  world.give(world.right, "beside");
  world.hand_in();
  REQUIRE(world.comes_to_turn(1));
  CHECK(world.stored() == 0);
  CHECK(world.answers.list->empty());
  CHECK(world.end(gate) == Strings{"held=ok", "beside=ok"});
  CHECK(world.stored() == 2);
  const auto all = world.storage.all_messages();
  CHECK(std::is_sorted(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.id < y.id; }));
}

TEST_CASE("of one session nothing is taken behind a message that waits for its lane") {
  Laned world;
  auto& client = world.login(world.a);
  Gate gate;
  world.hold(gate);
  world.give(client.caller(), world.left, "first");
  world.give(client.caller(), world.right, "second");
  world.give(world.http(world.a), world.right, "of nobody's session");
  world.hand_in();
  REQUIRE(world.comes_to_turn(1));
  CHECK(world.end(gate) == Strings{"held=ok", "of nobody's session=ok", "first=ok", "second=ok"});
}

TEST_CASE("a client id that is under way in one lane waits in the other") {
  Laned world;
  Gate gate;
  world.held = &gate;
  world.give(world.left, "held", "k");
  world.hand_in();
  REQUIRE(gate.has(1));
  world.give(world.right, "other", "k");
  world.give(world.right, "free");
  world.hand_in();
  REQUIRE(world.comes_to_turn(1));
  const int commits = world.storage.commits;
  CHECK(world.end(gate) == Strings{"held=ok", "free=ok", "other=client_id.reused"});
  CHECK(world.stored() == 2);
  CHECK(world.storage.commits == commits);  // nobody had to find out
}

TEST_CASE("what needs a round of all waits for the lanes, and what came after it waits with it") {
  Laned world;
  Gate gate;
  world.hold(gate);
  NewConversation wanted;
  wanted.name = "g";
  wanted.members.push_back(UserRef::of(world.b));
  world.core->create(world.http(world.a), wanted, world.answers.done<ConversationRecord>("group"));
  world.give(world.right, "behind it");
  world.hand_in();
  const auto rounds = [&](const char* way) { return world.host.metrics().value("commit_rounds_total", way); };
  const auto whole = rounds("way=\"whole\""), lanes = rounds("way=\"lane\"");
  CHECK(world.end(gate) == Strings{"held=ok", "group=ok", "behind it=ok"});
  CHECK(rounds("way=\"lane\"") > lanes);
  CHECK(rounds("way=\"whole\"") > whole);
}

TEST_CASE("when the answer of one lane is lost, what is behind it is done again and stored once") {
  Laned world;
  auto& left = world.login(world.left);
  auto& right = world.login(world.right);
  Gate gate;
  world.hold(gate);
  world.give(world.right, "beside");
  world.hand_in();
  REQUIRE(world.comes_to_turn(1));
  world.storage.answers_to_lose = 1;
  CHECK(world.end(gate) == Strings{"held=ok", "beside=ok"});
  CHECK(world.stored() == 2);
  CHECK(left.received.size() == 1);
  CHECK(right.received.size() == 1);
  CHECK(*world.unread(world.right) == 3);
}

TEST_CASE("while nobody knows what became of a lane's round, those who wait hear that the storage is away") {
  Laned world;
  auto& left = world.login(world.left);
  Gate gate;
  world.hold(gate);
  world.give(world.right, "beside");
  world.hand_in();
  REQUIRE(world.comes_to_turn(1));
  world.storage.after_commit = [&] {
    if (world.storage.answers_to_lose != 0) world.storage.commits_to_fail = 3;
  };
  world.storage.answers_to_lose = 1;
  CHECK(world.end(gate) == Strings{"held=storage.unavailable", "beside=storage.unavailable"});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (left.received.empty() && std::chrono::steady_clock::now() < end) world.settle();
  CHECK(left.received.size() == 1);
  CHECK(world.stored() == 1);
}

TEST_CASE("a lane that fails before its turn is done again with all others") {
  Laned world;
  Gate gate;
  world.hold(gate);
  world.storage.commits_to_fail = 1;
  world.give(world.right, "beside");
  world.hand_in();
  CHECK(world.end(gate) == Strings{"held=ok", "beside=ok"});
  CHECK(world.stored() == 2);
}

TEST_CASE("a repeat that only the storage remembers is answered with its original from a lane too") {
  Laned world;
  const auto first = world.submit(world.http(world.a), World::to_user(world.left, "x", "k"));
  REQUIRE(first);
  world.restart();
  send(world, world.a, world.left);  // brings the conversation into memory
  const int before = world.storage.commits_in_turn;
  const auto again = world.submit(world.http(world.a), World::to_user(world.left, "x", "k"));
  REQUIRE(again);
  CHECK(again->repeated);
  CHECK(again->record->message->id == first->record->message->id);
  CHECK(world.storage.commits_in_turn == before + 1);
  CHECK(world.stored() == 2);
}

TEST_CASE("a repeat of one who may not send any more is answered with its original while lanes are at work") {
  Laned world;
  ConversationId group{};
  world.latest = 0;
  while (world.latest != 1) {
    const auto made = world.group(world.b, {world.a});
    REQUIRE(made);
    group = made->conversation->id;
    REQUIRE(world.submit(world.http(world.b), World::to(group, "x")));
  }
  REQUIRE(world.submit(world.http(world.a), World::to(group, "x", "k")));
  REQUIRE(world.change(world.b, Kind::remove, group, world.a));
  world.restart();
  send(world, world.a, world.left);
  CHECK(reason_of(world.submit(world.http(world.a), World::to(group, "new"))) == "member.none");
  Gate gate;
  world.hold(gate);
  world.core->submit(world.http(world.a), World::to(group, "x", "k"), world.answers.done("repeat"));
  world.hand_in();
  CHECK(world.end(gate) == Strings{"held=ok", "repeat=ok"});
}

TEST_CASE("a conflict behind a round under way leaves that alone and is learnt") {
  Laned world;
  REQUIRE(world.submit(world.http(world.a), World::to_user(world.right, "x", "k")));
  world.restart();
  send(world, world.a, world.left);  // bring the conversations into memory
  send(world, world.a, world.right);
  const auto before = world.stored();
  Gate gate;
  world.hold(gate);
  const int begun = world.storage.commits;
  world.core->submit(world.http(world.a), World::to_user(world.right, "x", "k"), world.answers.done("repeat"));
  world.hand_in();
  while (world.storage.commits == begun) std::this_thread::yield();
  CHECK(world.end(gate) == Strings{"held=ok", "repeat=ok"});
  CHECK(world.stored() == before + 1);
}

TEST_CASE("what is read and recalled in one lane counts beside messages of the other") {
  Laned world;
  const auto first = send(world, world.a, world.right), second = send(world, world.a, world.right);
  CHECK(*world.unread(world.right) == 4);
  Gate gate;
  world.hold(gate);
  MarkAct act;
  act.messages = {first};
  world.core->mark(world.http(world.right), act, world.answers.done<Marked>("read"));
  Recall recall;
  recall.message = second;
  world.core->recall(world.http(world.a), recall, world.answers.done<Recalled>("recall"));
  world.hand_in();
  REQUIRE(world.comes_to_turn(1));
  CHECK(world.end(gate) == Strings{"held=ok", "read=ok", "recall=ok"});
  CHECK(*world.unread(world.right) == 2);
  CHECK(*world.unread(world.left) == 3);
  world.restart();
  CHECK(*world.unread(world.right) == 2);
}

TEST_CASE("a lane that throws is done again, and one writer works alone for a while") {
  Laned world;
  const auto before_turn =
      std::exchange(world.storage.before_turn, [](std::size_t) { throw std::runtime_error("no connection"); });
  REQUIRE(world.submit(world.http(world.a), World::to_user(world.left, "x")));
  CHECK(world.stored() == 1);
  world.storage.before_turn = before_turn;
  const int in_turn = world.storage.commits_in_turn;
  send(world, world.a, world.right);
  CHECK(world.storage.commits_in_turn == in_turn);
  world.host.clock().advance(10'000);
  send(world, world.a, world.right);  // housekeeping is due, which a round of all precedes
  send(world, world.a, world.right);
  CHECK(world.storage.commits_in_turn == in_turn + 1);
}

TEST_CASE("a stop waits for the rounds under way and what is behind them") {
  Laned world;
  Gate gate;
  world.hold(gate);
  world.give(world.left, "behind it");
  world.give(world.right, "beside");
  world.hand_in();
  std::thread stop([&] { world.core->stop(); });
  gate.open();
  stop.join();
  world.settle();
  CHECK(world.answers.list->size() == 3);
  CHECK(world.stored() == 3);
}

TEST_CASE("much is dealt out, and each log keeps its order") {
  World world({}, 2, false);
  world.storage.writer_count = 3;
  const auto a = world.user("a");
  std::vector<UserId> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(world.user("peer" + std::to_string(i)));
    send(world, a, peers.back());
  }
  Answers answers;
  for (int i = 0; i < 1000; ++i) {
    const auto content = std::to_string(i);
    world.core->submit(world.http(a), World::to_user(peers[static_cast<std::size_t>(i) % 20], content),
                       answers.done(content));
  }
  world.settle();
  CHECK(world.storage.commits_in_turn >= 3);
  CHECK(answers.list->size() == 1000);
  std::map<ConversationId, int> latest;
  for (const auto& message : world.storage.all_messages()) {
    if (message.content == "x") continue;
    const auto number = std::stoi(message.content);
    const auto [it, is_first] = latest.try_emplace(message.conversation, number);
    CHECK((is_first || std::exchange(it->second, number) == number - 20));
  }
  CHECK(latest.size() == 20);
}

TEST_CASE("with few entries nothing is dealt out") {
  World world({}, 2, false);
  world.storage.writer_count = 2;
  const auto a = world.user("a"), b = world.user("b");
  for (int i = 0; i < 3; ++i) send(world, a, b);
  CHECK(world.storage.commits_in_turn == 0);
}

}  // namespace loft::tests
