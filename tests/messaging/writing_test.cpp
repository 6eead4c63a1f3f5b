// What writes do, and the moments at which two of them meet.
#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "world.hpp"

namespace loft::tests {
namespace {

using Kind = MembershipAct::Kind;

std::string line(const char* what, MessageId id) { return std::string(what) + ":" + std::to_string(raw(id)); }

/// An answer that a test looks at later.
template <class T>
struct Later {
  std::shared_ptr<std::optional<Result<T>>> slot = std::make_shared<std::optional<Result<T>>>();
  Done<T> done() {
    return [slot = slot](Result<T> result) { *slot = std::move(result); };
  }
  bool came() const { return slot->has_value(); }
  Result<T>& operator*() const { return **slot; }
  Result<T>* operator->() const { return &**slot; }
};

MessageId send(World& world, UserId from, UserId to, std::string content = "x") {
  auto sent = world.submit(world.http(from), World::to_user(to, std::move(content)));
  REQUIRE(reason_of(sent) == "ok");
  return sent->record->message->id;
}

MessageId send(World& world, UserId from, ConversationId to, std::string content = "x") {
  auto sent = world.submit(world.http(from), World::to(to, std::move(content)));
  REQUIRE(reason_of(sent) == "ok");
  return sent->record->message->id;
}

ConversationId pair_of(World& world, UserId a, UserId b) {
  const auto record = world.ask<ConversationRecord>([&](auto done) {
    world.core->conversation(world.http(a), ConversationRef::direct(UserRef::of(b)), true, std::move(done));
  });
  REQUIRE(reason_of(record) == "ok");
  return record->conversation->id;
}

Result<Recalled> recall(World& world, UserId user, MessageId id) {
  return world.ask<Recalled>([&](auto done) { world.core->recall(world.http(user), {id, 0, false}, std::move(done)); });
}

TEST_CASE("a message is acknowledged, stored, pushed and counted") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(b);
  const auto id = send(world, a, b);
  CHECK(client.received == std::vector<std::string>{line("m", id)});
  CHECK(*world.unread(b) == 1);
  CHECK(*world.unread(a) == 0);
  CHECK(world.read(b, {id})->newly == 1);
  CHECK(*world.unread(b) == 0);
  CHECK(world.no_holds());
}

TEST_CASE("marking up to a message leaves alone what is committed while the act is on its way") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto first = send(world, a, b);
  const auto in = pair_of(world, a, b);
  CHECK(*world.unread(b) == 1);
  const bool by_time = GENERATE(false, true);
  MarkAct act;
  act.in = ConversationRef::of(in);
  if (by_time)
    act.up_to_time = world.host.clock().now();
  else
    act.up_to = first;
  Later<Marked> marked;
  world.core->mark(world.http(b, 0), std::move(act), marked.done());
  world.host.clock().advance(5);
  Later<Accepted> sent;
  world.core->submit(world.http(a, 1), World::to_user(b, "later"), sent.done());
  world.core->turn_end(1);
  world.settle();
  REQUIRE(marked.came());
  CHECK(marked->ok());
  CHECK((*marked)->newly == 1);
  CHECK((*marked)->newest == first);
  CHECK(*world.unread(b) == 1);
}

TEST_CASE("a time before the first message, or beyond all time, is no trap") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  send(world, a, b);
  const auto in = pair_of(world, a, b);
  const auto up_to = [&](Millis time) {
    MarkAct act;
    act.in = ConversationRef::of(in);
    act.up_to_time = time;
    return world.ask<Marked>([&](auto done) { world.core->mark(world.http(b), std::move(act), std::move(done)); });
  };
  const auto history = [&](Millis until) {
    HistoryQuery query;
    query.in = ConversationRef::of(in);
    query.until = until;
    const auto page = world.ask<Page>([&](auto done) { world.core->history(world.http(b), query, std::move(done)); });
    REQUIRE(reason_of(page) == "ok");
    return page->messages.size();
  };
  const auto since = [&](Millis time) {
    UnreadQuery query;
    query.in = ConversationRef::of(in);
    query.since = time;
    return *world.ask<std::uint64_t>([&](auto done) { world.core->unread(world.http(b), query, std::move(done)); });
  };
  CHECK(history(1) == 0);
  CHECK(history(INT64_MAX) == 1);
  CHECK(since(1) == 1);
  CHECK(since(INT64_MAX) == 0);
  CHECK(up_to(1)->newly == 0);
  CHECK(*world.unread(b) == 1);
  CHECK(up_to(INT64_MAX)->newly == 1);
  CHECK(*world.unread(b) == 0);
}

TEST_CASE("recalling and reading in one round leave the count exact, in either order") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto first = send(world, a, b), second = send(world, a, b), third = send(world, a, b);
  const bool recall_first = GENERATE(true, false), from_storage = GENERATE(true, false);
  if (from_storage) world.restart();
  CHECK(*world.unread(b) == 3);
  Later<Marked> marked;
  Later<Recalled> recalled;
  MarkAct act;
  act.messages = {first, second};
  if (recall_first) world.core->recall(world.http(a), {second, 0, false}, recalled.done());
  world.core->mark(world.http(b), act, marked.done());
  if (!recall_first) world.core->recall(world.http(a), {second, 0, false}, recalled.done());
  world.settle();
  REQUIRE(recalled->ok());
  CHECK((*marked)->newly == (recall_first ? 1 : 2));
  CHECK(*world.unread(b) == 1);
  world.restart();
  CHECK(*world.unread(b) == 1);
  static_cast<void>(third);
}

TEST_CASE("leaving and marking in one round is refused, not fatal") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto group = world.group(a, {b})->conversation->id;
  const auto id = send(world, a, group);
  CHECK(*world.unread(b) == 1);
  Later<MemberRecord> left;
  Later<Marked> by_id, up_to;
  MembershipAct leave;
  leave.kind = Kind::leave;
  leave.in = ConversationRef::of(group);
  MarkAct act;
  act.messages = {id};
  MarkAct all;
  all.in = ConversationRef::of(group);
  all.up_to = id;
  world.core->change_membership(world.http(b), leave, left.done());
  world.core->mark(world.http(b), act, by_id.done());
  world.core->mark(world.http(b), all, up_to.done());
  world.settle();
  CHECK(left->ok());
  CHECK((*by_id)->newly == 0);
  CHECK(reason_of(*up_to) == "member.none");
}

TEST_CASE("a member that comes back begins anew, before and after a restart") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto group = world.group(a, {b})->conversation->id;
  const auto state = [&] {
    const auto mark = world.ask<MarkState>([&](auto done) {
      world.core->mark_state(world.http(b), ConversationRef::of(group), MarkId::read, std::move(done));
    });
    REQUIRE(reason_of(mark) == "ok");
    return mark->newest;
  };
  const auto id = send(world, a, group);
  REQUIRE(world.read(b, {id}));
  CHECK(state() == id);
  REQUIRE(world.change(b, Kind::leave, group));
  REQUIRE(world.change(b, Kind::join, group));
  CHECK(state() == MessageId::none);
  world.restart();
  CHECK(state() == MessageId::none);
  const auto next = send(world, a, group);
  CHECK(*world.unread(b) == 1);
  REQUIRE(world.read(b, {next}));
  CHECK(*world.unread(b) == 0);
}

TEST_CASE("joins of one round respect the limit of members") {
  CoreOptions options;
  options.group_members = 3;
  World world(options);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c"), d = world.user("d");
  CHECK(reason_of(world.group(a, {b, c, d})) == "conversation.too_many_members");
  CHECK(reason_of(world.group(a, {b, c, d, d, d})) == "conversation.too_many_members");
  const auto group = world.group(a, {a, b, b})->conversation->id;
  MembershipAct join;
  join.in = ConversationRef::of(group);
  Later<MemberRecord> one, two;
  world.core->change_membership(world.http(c), join, one.done());
  world.core->change_membership(world.http(d), join, two.done());
  world.settle();
  CHECK(reason_of(*one) == "ok");
  CHECK(reason_of(*two) == "conversation.too_many_members");
  REQUIRE(world.change(b, Kind::leave, group));
  CHECK(reason_of(world.change(d, Kind::join, group)) == "ok");
}

TEST_CASE("members are found or made however many they are, with one look at the storage and one round") {
  for (const bool instant : {true, false}) {
    CoreOptions options;
    options.auto_create_users = true;
    options.group_members = 20'000;
    World world(options, 2, instant);
    const auto a = world.user("a");
    auto members = std::vector<UserRef>(3, UserRef::handle_or_id("known").or_create());
    for (int i = 0; i < 10'000; ++i) members.push_back(UserRef::handle_or_id("n" + std::to_string(i)).or_create());
    NewConversation wanted;
    wanted.members = members;
    world.user("known");
    world.restart();
    const int before = world.storage.commits;
    const auto made =
        world.ask<ConversationRecord>([&](auto done) { world.core->create(world.http(a), wanted, std::move(done)); });
    REQUIRE(reason_of(made) == "ok");
    CHECK(world.storage.commits - before <= 3);
    CHECK(world.storage.members(made->conversation->id)->size() == 10'002);
    CHECK(world.no_holds());
  }
}

TEST_CASE("a name that cannot be leaves none of its neighbours behind as users") {
  CoreOptions options;
  options.auto_create_users = true;
  World world(options);
  const auto a = world.user("a");
  NewConversation wanted;
  wanted.members = {UserRef::handle("fresh").or_create(), UserRef::handle(" bad").or_create()};
  const auto create = [&] {
    return world.ask<ConversationRecord>(
        [&](auto done) { world.core->create(world.http(a), wanted, std::move(done)); });
  };
  CHECK(reason_of(create()) == "user.handle_invalid");
  CHECK_FALSE(world.storage.user_by_handle("fresh")->has_value());
  wanted.members.pop_back();
  world.storage.commits_to_fail = 1;
  CHECK_FALSE(create().ok());
  CHECK(reason_of(create()) == "ok");
  CHECK(world.no_holds());
}

TEST_CASE("a refused or repeated message makes no conversation") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto first = world.submit(world.http(a), World::to_user(b, "one", "key"));
  REQUIRE(first);
  const auto count = world.storage.conversation_count();
  CHECK(reason_of(world.submit(world.http(a), World::to_user(c, "two", "key"))) == "client_id.reused");
  CHECK(world.storage.conversation_count() == count);
  world.restart();
  CHECK(reason_of(world.submit(world.http(a), World::to_user(c, "two", "key"))) == "client_id.reused");
  CHECK(world.storage.conversation_count() == count);
  const auto again = world.submit(world.http(a), World::to_user(b, "one", "key"));
  REQUIRE(again);
  CHECK(again->repeated);
  CHECK(again->record->message->id == first->record->message->id);
  CHECK(world.storage.all_messages().size() == 1);
}

TEST_CASE("a handle that only the storage knows is taken, and a round with it harms nobody else") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  REQUIRE(world.group(a, {}, "club"));
  world.restart();
  NewConversation wanted;
  wanted.handle = "club";
  Later<ConversationRecord> made;
  Later<Accepted> sent;
  world.core->create(world.http(b), wanted, made.done());
  world.core->submit(world.http(a), World::to_user(b, "x"), sent.done());
  world.settle();
  CHECK(reason_of(*made) == "conversation.handle_taken");
  CHECK(reason_of(*sent) == "ok");
  CHECK(world.core->health().empty());
}

TEST_CASE("a direct message by the conversation's id knows the other user after a restart") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  send(world, a, b);
  const auto in = pair_of(world, a, b);
  world.restart();
  const auto sent = world.submit(world.http(a), World::to(in, "x"));
  REQUIRE(reason_of(sent) == "ok");
  REQUIRE(sent->record->peer != nullptr);
  CHECK(sent->record->peer->id == b);
  const auto c = world.user("c");
  CHECK(reason_of(world.submit(world.http(c), World::to(in, "x"))) == "member.none");
}

TEST_CASE("a second recall of an old message is answered with the first") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto id = send(world, a, b);
  send(world, a, b);
  world.restart();
  CHECK(*world.unread(b) == 2);
  Later<Recalled> one, two;
  world.core->recall(world.http(a, 0), {id, 0, false}, one.done());
  world.core->recall(world.http(a, 1), {id, 0, false}, two.done());
  world.settle();
  REQUIRE(one->ok());
  REQUIRE(two->ok());
  CHECK_FALSE((*one)->repeated);
  CHECK((*two)->repeated);
  CHECK((*two)->record.message->recalled == (*one)->record.message->recalled);
  CHECK(world.storage.all_changes().size() == 1);
  CHECK(*world.unread(b) == 1);
}

TEST_CASE("users without a session act however small the directory is") {
  CoreOptions options;
  options.cached_users = 1;
  World world(options);
  const auto a = world.user("a"), b = world.user("b");
  for (int i = 0; i < 5; ++i) world.user("other" + std::to_string(i));
  const auto id = send(world, a, b);
  for (int i = 5; i < 10; ++i) world.user("other" + std::to_string(i));
  CHECK(reason_of(recall(world, a, id)) == "ok");
  for (int i = 10; i < 15; ++i) world.user("other" + std::to_string(i));
  const auto group = world.group(a, {b});
  REQUIRE(reason_of(group) == "ok");
  for (int i = 15; i < 20; ++i) world.user("other" + std::to_string(i));
  CHECK(reason_of(world.change(a, Kind::remove, group->conversation->id, b)) == "ok");
  CHECK(reason_of(world.submit(world.http(static_cast<UserId>(77)), World::to_user(b, "x"))) == "user.unknown");
}

TEST_CASE("reading messages of several conversations at once is heard of in each") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto one = send(world, a, c), two = send(world, b, c);
  auto policy = World::delivering();
  policy.interests.reads = true;
  auto& client = world.login(c, policy);
  std::vector<ConversationId> told;
  REQUIRE(world.read(c, {one, two})->newly == 2);
  REQUIRE(client.received.size() == 2);
  CHECK(client.received[0] == "r:" + std::to_string(raw(pair_of(world, a, c))) + ":" + std::to_string(raw(one)));
  CHECK(client.received[1] == "r:" + std::to_string(raw(pair_of(world, b, c))) + ":" + std::to_string(raw(two)));
}

TEST_CASE("writes answer after they have returned, also when they are refused at once") {
  World world;
  const auto a = world.user("a");
  const auto nobody = ConversationRef::of(static_cast<ConversationId>(5));
  Later<Recalled> recalled;
  Later<Marked> by_id, up_to;
  Later<MemberRecord> joined;
  Later<ConversationRecord> made;
  Later<Accepted> sent;
  world.core->recall(world.http(a), {static_cast<MessageId>(9), 0, false}, recalled.done());
  MarkAct act;
  act.messages = {static_cast<MessageId>(9)};
  act.strict = true;
  world.core->mark(world.http(a), act, by_id.done());
  MarkAct all;
  all.in = nobody;
  world.core->mark(world.http(a), all, up_to.done());
  MembershipAct join;
  join.in = nobody;
  world.core->change_membership(world.http(a), join, joined.done());
  NewConversation wanted;
  wanted.members = {UserRef::handle("nobody")};
  world.core->create(world.http(a), wanted, made.done());
  world.core->submit(world.http(a), World::to_user(static_cast<UserId>(8), "x"), sent.done());
  CHECK_FALSE((recalled.came() || by_id.came() || up_to.came() || joined.came() || made.came() || sent.came()));
  world.settle();
  CHECK(reason_of(*recalled) == "message.unknown");
  CHECK(reason_of(*by_id) == "message.unknown");
  CHECK(reason_of(*up_to) == "conversation.unknown");
  CHECK(reason_of(*joined) == "conversation.unknown");
  CHECK(reason_of(*made) == "user.unknown");
  CHECK(reason_of(*sent) == "user.unknown");
}

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
