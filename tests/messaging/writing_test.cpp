// What writes do, and what two of one round make of each other.
#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

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
  CHECK(reason_of(world.submit(world.http(c), World::to(in, "x"))) == "conversation.unknown");
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

}  // namespace
}  // namespace loft::tests
