// Groups and their members.
#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

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

TEST_CASE(
    "who is muted stays so through leaving, coming back, removal and being added again, in one round and over a "
    "restart") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto group = world.group(a, {b})->conversation->id;
  MembershipAct mute;
  mute.kind = Kind::mute;
  mute.in = ConversationRef::of(group);
  mute.subject = UserRef::of(b);
  mute.mute_until = world.host.clock().now() + 1000;
  const auto change = [&](UserId actor, MembershipAct act) {
    return world.ask<MemberRecord>(
        [&](auto done) { world.core->change_membership(world.http(actor), std::move(act), std::move(done)); });
  };
  const auto sends = [&] { return reason_of(world.submit(world.http(b), World::to(group, "x"))); };
  REQUIRE(change(a, mute));
  CHECK(sends() == "member.muted");
  REQUIRE(world.change(b, Kind::leave, group));
  CHECK(sends() == "member.none");
  CHECK(world.change(b, Kind::join, group)->member.muted_until == mute.mute_until);
  CHECK(sends() == "member.muted");
  REQUIRE(world.change(a, Kind::remove, group, b));
  world.restart();
  REQUIRE(world.change(a, Kind::add, group, b));
  CHECK(sends() == "member.muted");
  // Muted, gone and back within one round.
  mute.mute_until += 1000;
  Later<MemberRecord> muted, left, joined;
  MembershipAct leave, join;
  leave.kind = Kind::leave;
  leave.in = join.in = mute.in;
  world.core->change_membership(world.http(a), mute, muted.done());
  world.core->change_membership(world.http(b), leave, left.done());
  world.core->change_membership(world.http(b), join, joined.done());
  world.settle();
  REQUIRE(joined->ok());
  CHECK((*joined)->member.muted_until == mute.mute_until);
  world.host.clock().advance(1500);
  CHECK(sends() == "member.muted");
  world.host.clock().advance(500);
  CHECK(sends() == "ok");
}

TEST_CASE(
    "a repeat is answered with its original also when its sender may not send any more, and memory has forgotten it") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  const auto first = world.submit(world.http(b), World::to(group, "one", "key"));
  const auto second = world.submit(world.http(c), World::to(group, "two", "key"));
  REQUIRE((first && second));
  const auto restarted = GENERATE(false, true);
  MembershipAct mute;
  mute.kind = Kind::mute;
  mute.in = ConversationRef::of(group);
  mute.subject = UserRef::of(c);
  mute.mute_until = INT64_MAX;
  REQUIRE(world.change(a, Kind::remove, group, b));
  REQUIRE(
      world.ask<MemberRecord>([&](auto done) { world.core->change_membership(world.http(a), mute, std::move(done)); }));
  if (restarted) world.restart();
  // The storage cannot be asked: that is no answer to whether it is a repeat.
  world.storage.commits_to_fail = restarted ? 1 : 0;
  if (restarted) {
    const auto unknown = world.submit(world.http(b), World::to(group, "one", "key"));
    REQUIRE_FALSE(unknown.ok());
    CHECK(unknown.error().code == Code::unavailable);
  }
  Later<Accepted> again, twice, of_c, other, fresh;
  world.core->submit(world.http(b), World::to(group, "one", "key"), again.done());
  world.core->submit(world.http(b), World::to(group, "one", "key"), twice.done());
  world.core->submit(world.http(c), World::to(group, "two", "key"), of_c.done());
  world.core->submit(world.http(b), World::to(group, "else", "key"), other.done());
  world.core->submit(world.http(b), World::to(group, "new", "new"), fresh.done());
  world.settle();
  for (const auto* answer : {&again, &twice}) {
    REQUIRE(reason_of(**answer) == "ok");
    CHECK((**answer)->repeated);
    CHECK((**answer)->record->message->id == first->record->message->id);
  }
  REQUIRE(reason_of(*of_c) == "ok");
  CHECK((*of_c)->record->message->id == second->record->message->id);
  CHECK(reason_of(*other) == "client_id.reused");
  CHECK(reason_of(*fresh) == "member.none");
  CHECK(world.storage.all_messages().size() == 2);
  CHECK(world.storage.key_count() == 2);
}

}  // namespace
}  // namespace loft::tests
