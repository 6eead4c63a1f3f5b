// Storages that fail or know better, and the moments at which two meet.
#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

TEST_CASE("a head that the storage knows better is learnt, and counts stay exact") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  send(world, a, b);
  CHECK(*world.unread(a) == 0);
  CHECK(*world.unread(b) == 1);
  world.storage.answers_to_lose = 1;
  const auto lost = world.submit(world.http(a), World::to_user(b, "lost", "k"));
  CHECK(lost.error().code == Code::unavailable);
  CHECK_FALSE(world.core->health().empty());
  const auto again = world.submit(world.http(a), World::to_user(b, "lost", "k"));
  REQUIRE(reason_of(again) == "ok");
  CHECK(again->repeated);
  CHECK(again->record->message->seq == 2);
  const auto next = world.submit(world.http(a), World::to_user(b, "next"));
  REQUIRE(next);
  CHECK(next->record->message->seq == 3);
  CHECK(world.core->health().empty());
  CHECK(*world.unread(a) == 0);
  CHECK(*world.unread(b) == 3);
}

TEST_CASE("learning a head again and again does not use up the memory for recent messages") {
  CoreOptions options;
  options.recent_bytes = 10'000;
  World world(options);
  const auto a = world.user("a"), b = world.user("b");
  for (int i = 0; i < 100; ++i) {
    send(world, a, b);
    world.storage.answers_to_lose = 1;
    static_cast<void>(world.submit(world.http(a), World::to_user(b, "lost")));
  }
  const auto last = send(world, a, b);
  // What is in memory is answered without the storage.
  world.storage.reads_fail = true;
  const auto found =
      world.ask<MessageRecord>([&](auto done) { world.core->message(world.http(b), last, std::move(done)); });
  world.storage.reads_fail = false;
  CHECK(found.error().reason != "message.unknown");
  CHECK(world.storage.all_messages().size() == 201);
  REQUIRE(recall(world, a, last));
}

TEST_CASE("a count that the storage could not make is made again later") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto first = send(world, a, b);
  send(world, a, b);
  world.restart();
  CHECK(*world.unread(b) == 2);
  world.storage.counts_to_fail = 1;
  REQUIRE(world.read(b, {first}));
  CHECK(*world.unread(b) == 1);
}

TEST_CASE("failed rounds are told to everybody in them and leave no trace") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(b);
  world.storage.commits_to_fail = 1;
  Later<Accepted> sent;
  Later<ConversationRecord> made;
  world.core->submit(world.http(a), World::to_user(b, "x", "k"), sent.done());
  world.core->create(world.http(a), {}, made.done());
  world.settle();
  CHECK(sent->error().code == Code::unavailable);
  CHECK(made->error().code == Code::unavailable);
  CHECK(client.received.empty());
  CHECK(world.storage.all_messages().empty());
  const auto again = world.submit(world.http(a), World::to_user(b, "x", "k"));
  REQUIRE(again);
  CHECK_FALSE(again->repeated);
  CHECK(client.received.size() == 1);
}

TEST_CASE("sessions come and go while the storage takes nothing") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  send(world, a, b);
  auto& late = world.connect();
  Later<Accepted> sent;
  world.storage.commits_to_fail = 1;
  world.core->submit(world.http(a), World::to_user(b, "x"), sent.done());
  late.login(UserRef::of(b), World::delivering());
  world.settle();
  CHECK(late.open());
  CHECK(world.core->online().users == 1);
  const auto id = send(world, a, b);
  CHECK(late.received == std::vector<std::string>{line("m", id)});
}

TEST_CASE("after the stop everything is refused and nobody waits for ever") {
  const bool instant = GENERATE(true, false);
  World world({}, 2, instant);
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(b);
  Later<Accepted> before;
  world.core->submit(world.http(a), World::to_user(b, "x"), before.done());
  world.core->turn_end(0);
  world.core->stop();
  world.settle();
  REQUIRE(before.came());
  CHECK(reason_of(*before) == "ok");
  CHECK(client.received.size() == 1);
  const auto after = world.submit(world.http(a), World::to_user(b, "x"));
  CHECK(reason_of(after) == "host.stopping");
  User user;
  user.handle = "late";
  CHECK(reason_of(world.core->add_user(user)) == "host.stopping");
  client.logout();
  world.settle();
  CHECK(world.core->online().sessions == 0);
}

TEST_CASE("a conversation in flight does not exist for readers, and both its makers and they find it afterwards") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  int looks = 0;
  world.storage.after_commit = [&] {
    if (looks++ != 0) return;
    // On other threads, these would be pool jobs between the commit and the moment it is handed back.
    Later<Page> page;
    HistoryQuery query;
    query.in = ConversationRef::direct(UserRef::of(a));
    world.core->history(world.http(b, 1), query, page.done());
    REQUIRE(page.came());
    CHECK(reason_of(*page) == "conversation.unknown");
  };
  send(world, a, b);
  REQUIRE(looks == 1);
  send(world, a, b);
  CHECK(*world.unread(b) == 2);
  CHECK(world.inbox(b, MarkId::read)->messages.size() == 2);
}

TEST_CASE("a view read twice at once does not lose what is committed between") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  send(world, a, b);
  const auto group = world.group(c, {})->conversation->id;
  world.restart();
  int depth = 0;
  world.storage.after_memberships = [&] {
    if (depth == 0) {
      depth = 1;
      // The first reading has looked. Now b is added elsewhere, and a second reading begins and ends.
      MembershipAct add;
      add.kind = Kind::add;
      add.in = ConversationRef::of(group);
      add.subject = UserRef::of(b);
      Later<MemberRecord> added;
      world.core->change_membership(world.http(c, 1), add, added.done());
      world.core->turn_end(1);
    } else if (depth == 1) {
      depth = 2;
    }
  };
  const auto list = world.ask<std::vector<ConversationRecord>>(
      [&](auto done) { world.core->conversations(world.http(b), {}, std::move(done)); });
  REQUIRE(list);
  CHECK(list->size() == 2);
  CHECK(depth == 2);
}

TEST_CASE("a recall while the unread are being counted is neither missed nor counted twice") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto first = send(world, a, b);
  send(world, a, b);
  world.restart();
  const bool before_it_is_handed_back = GENERATE(false, true);
  int counts = 0;
  if (before_it_is_handed_back) {
    // The count runs between the recall's commit and its hand-back.
    world.storage.after_commit = [&] {
      Later<std::uint64_t> count;
      world.core->unread(world.http(b, 1), {}, count.done());
      REQUIRE(count.came());
      ++counts;
    };
    REQUIRE(recall(world, a, first));
    world.storage.after_commit = nullptr;
  } else {
    // The recall runs whole between the storage's counting and its answer.
    world.storage.in_count = [&] {
      if (counts++ != 0) return;
      Later<Recalled> recalled;
      world.core->recall(world.http(a, 1), {first, 0, false}, recalled.done());
      world.core->turn_end(1);
    };
    static_cast<void>(world.unread(b));
  }
  CHECK(counts >= 1);
  CHECK(*world.unread(b) == 1);
  world.restart();
  CHECK(*world.unread(b) == 1);
}

TEST_CASE("hiding a message hides that one only, not the own and recalled ones beside it") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  send(world, b, a), recall(world, b, send(world, b, a)).ok();
  const auto hidden = send(world, a, b);
  send(world, b, a);
  REQUIRE(world.read(b, {hidden}, MarkId::hidden));
  HistoryQuery query;
  query.in = ConversationRef::direct(UserRef::of(a));
  const auto page = world.ask<Page>([&](auto done) { world.core->history(world.http(b), query, std::move(done)); });
  REQUIRE(reason_of(page) == "ok");
  CHECK(page->messages.size() == 3);
}

TEST_CASE("housekeeping comes also while there is always something to commit") {
  World world;
  const auto a = world.user("a");
  auto nobody = world.http(a);
  nobody.thread = ~0u;  // so that what is sent is in the queue at once
  const int before = world.storage.forgotten_calls;
  int left = 10, done = 0;
  world.storage.before_commit = [&] {
    world.host.clock().advance(20'000);
    if (--left < 0) return;
    world.core->submit(nobody, World::to_user(a, "x"), [&](const Result<Accepted>&) { ++done; });
  };
  send(world, a, a);
  world.settle();
  CHECK(done == 10);
  CHECK(world.storage.forgotten_calls - before > 5);
}

TEST_CASE("a conversation that an act on its way names stays in memory, however late housekeeping comes") {
  CoreOptions options;
  options.cached_views = options.cached_conversations = 0;
  options.recent_bytes = 0;
  World world(options);
  const auto a = world.user("a"), b = world.user("b");
  const auto group = world.group(a, {}, "club")->conversation->id;
  world.host.clock().advance(10 * 60'000);
  MembershipAct join;
  join.in = ConversationRef::of(group);
  Later<MemberRecord> joined;
  world.core->change_membership(world.http(b, 1), join, joined.done());
  // The other thread's commit is followed by the housekeeping that is long due.
  Later<Accepted> other;
  world.core->submit(world.http(a, 0), World::to_user(a, "x"), other.done());
  world.core->turn_end(0);
  world.settle();
  REQUIRE(reason_of(*joined) == "ok");
  // Unused, it goes and comes back exact.
  for (int i = 0; i < 4; ++i) {
    world.host.clock().advance(60'000);
    send(world, a, a);
  }
  // Three were in memory; only the one that was used a moment ago may be left.
  CHECK(world.core->cached_conversations() <= 1);
  send(world, b, group);
  CHECK(*world.unread(a) == 1);
  CHECK(reason_of(world.group(b, {}, "club")) == "conversation.handle_taken");
}

TEST_CASE("the storage is not asked while the state is locked") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto first = send(world, a, b);
  send(world, a, b);
  world.restart();
  CHECK(*world.unread(b) == 2);
  std::size_t reads = 0;
  // Asks for the lock: with it held this would not come back.
  world.storage.in_read = [&] {
    static_cast<void>(world.core->online());
    ++reads;
  };
  world.storage.before_commit = world.storage.in_read;
  REQUIRE(world.read(b, {first}));
  world.user("new");
  REQUIRE(world.group(a, {b}, "h"));
  REQUIRE(recall(world, a, first));
  REQUIRE(world.inbox(b, MarkId::delivered));
  CHECK(reads > 5);
}

}  // namespace
}  // namespace loft::tests
