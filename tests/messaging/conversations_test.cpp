// Conversations that are made and changed.
#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

Result<ConversationRecord> change(World& world, UserId actor, ConversationAct act) {
  return world.ask<ConversationRecord>(
      [&](auto done) { world.core->change_conversation(world.http(actor), std::move(act), std::move(done)); });
}

ConversationAct update(ConversationId in) {
  ConversationAct act;
  act.in = ConversationRef::of(in);
  return act;
}

ConversationAct dissolve(ConversationId in) {
  auto act = update(in);
  act.kind = ConversationAct::Kind::dissolve;
  return act;
}

Result<ConversationRecord> look(World& world, UserId user, ConversationId in) {
  return world.ask<ConversationRecord>(
      [&](auto done) { world.core->conversation(world.http(user), ConversationRef::of(in), false, std::move(done)); });
}

SessionPolicy hearing() {
  auto policy = World::delivering();
  policy.interests.membership = true;
  return policy;
}

std::string about(const char* what, ConversationId in) { return std::string(what) + ":" + std::to_string(raw(in)); }

TEST_CASE("a direct conversation is made before its first message, and found when it is there") {
  for (const bool instant : {true, false}) {
    World world({}, 2, instant);
    const auto a = world.user("a"), b = world.user("b");
    const auto pair = [&](UserId by, std::vector<UserRef> with) {
      NewConversation wanted;
      wanted.kind = ConversationKind::direct;
      wanted.members = std::move(with);
      return world.ask<ConversationRecord>(
          [&](auto done) { world.core->create(world.http(by), std::move(wanted), std::move(done)); });
    };
    const auto made = pair(a, {UserRef::of(b)});
    REQUIRE(reason_of(made) == "ok");
    CHECK_FALSE(made->existed);
    CHECK(made->peer->id == b);
    CHECK(made->member_count == 2);
    REQUIRE(made->me);
    CHECK(made->me->user == a);
    CHECK(made->conversation->kind == ConversationKind::direct);
    const auto again = pair(b, {UserRef::handle("a")});
    REQUIRE(reason_of(again) == "ok");
    CHECK(again->existed);
    CHECK(again->peer->id == a);
    CHECK(again->conversation->id == made->conversation->id);
    world.restart();
    CHECK(pair(a, {UserRef::of(b)})->existed);
    const auto sent = world.submit(world.http(b), World::to_user(a, "x"));
    CHECK(sent->record->conversation->id == made->conversation->id);
    CHECK(sent->record->message->seq == 1);
    const auto notes = pair(a, {UserRef::of(a)});
    REQUIRE(reason_of(notes) == "ok");
    CHECK(notes->member_count == 1);
    CHECK(reason_of(pair(a, {})) == "conversation.peer_missing");
    CHECK(reason_of(pair(a, {UserRef::of(a), UserRef::of(b)})) == "conversation.peer_missing");
    CHECK(reason_of(pair(a, {UserRef::handle("nobody")})) == "user.unknown");
  }
}

TEST_CASE("two that make one direct conversation in one round have one") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  NewConversation wanted;
  wanted.kind = ConversationKind::direct;
  Later<ConversationRecord> one, two;
  Later<Accepted> three;
  wanted.members = {UserRef::of(b)};
  world.core->create(world.http(a), wanted, one.done());
  wanted.members = {UserRef::of(a)};
  world.core->create(world.http(b), wanted, two.done());
  world.core->submit(world.http(a), World::to_user(b, "x"), three.done());
  world.settle();
  REQUIRE(reason_of(*one) == "ok");
  CHECK_FALSE((*one)->existed);
  CHECK((*two)->existed);
  CHECK((*three)->record->conversation->id == (*one)->conversation->id);
  CHECK((*two)->conversation->id == (*one)->conversation->id);
}

TEST_CASE("system and broadcast conversations are made by messages only") {
  World world;
  const auto a = world.user("a");
  NewConversation wanted;
  for (const auto kind : {ConversationKind::system, ConversationKind::broadcast}) {
    wanted.kind = kind;
    CHECK(reason_of(world.ask<ConversationRecord>([&](auto done) {
            world.core->create(world.http(a), wanted, std::move(done));
          })) == "conversation.kind_invalid");
  }
}

TEST_CASE("a group has a limit of its own, below the host's") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  NewConversation wanted;
  wanted.max_members = 2;
  wanted.members = {UserRef::of(b), UserRef::of(c)};
  const auto make = [&] {
    return world.ask<ConversationRecord>(
        [&](auto done) { world.core->create(world.http(a), wanted, std::move(done)); });
  };
  CHECK(reason_of(make()) == "conversation.too_many_members");
  wanted.members = {UserRef::of(b)};
  const auto made = make();
  REQUIRE(reason_of(made) == "ok");
  REQUIRE(made->me);
  CHECK(made->me->role == Role::owner);
  const auto in = made->conversation->id;
  CHECK(made->conversation->max_members == 2);
  CHECK(reason_of(world.change(c, Kind::join, in)) == "conversation.too_many_members");
  auto act = update(in);
  act.max_members = 1;
  CHECK(reason_of(change(world, a, act)) == "conversation.too_few");
  act.max_members = 3;
  CHECK(reason_of(change(world, a, act)) == "ok");
  CHECK(reason_of(world.change(c, Kind::join, in)) == "ok");
  act.max_members = 0;
  CHECK(reason_of(change(world, a, act)) == "ok");
  world.restart();
  CHECK(look(world, a, in)->conversation->max_members == 0);
}

TEST_CASE("a group is changed by those who may, and its members hear of it") {
  World world;
  std::vector<std::string> facts;
  world.host.bus().observe<ConversationChanged>(
      [&](const ConversationChanged& fact) { facts.push_back(fact.conversation->name); });
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto in = world.group(a, {b})->conversation->id;
  const auto before = send(world, b, in);
  auto& member = world.login(b, hearing(), 1);
  auto& stranger = world.login(c, hearing());
  auto act = update(in);
  act.name = "new name";
  CHECK(reason_of(change(world, b, act)) == "role.required");
  CHECK(reason_of(change(world, c, act)) == "member.none");
  act.at_least = Role::member;
  const auto changed = change(world, b, act);
  REQUIRE(reason_of(changed) == "ok");
  CHECK(changed->conversation->name == "new name");
  CHECK(changed->owner->id == a);
  CHECK(changed->member_count == 2);
  REQUIRE(changed->me);
  CHECK(changed->me->user == b);
  CHECK(changed->conversation->updated >= changed->conversation->created);
  CHECK(member.received == std::vector{about("u", in)});
  CHECK(stranger.received.empty());
  CHECK(facts == std::vector<std::string>{"new name"});

  auto rest = update(in);
  rest.description = "d", rest.avatar = "v", rest.join = JoinRule::invite_only;
  REQUIRE(reason_of(change(world, a, rest)) == "ok");
  CHECK(reason_of(world.change(c, Kind::join, in)) == "join.not_free");
  const auto message =
      world.ask<MessageRecord>([&](auto done) { world.core->message(world.http(b), before, std::move(done)); });
  REQUIRE(reason_of(message) == "ok");
  CHECK(message->conversation->name == "new name");
  for (int round = 0; round < 2; ++round) {
    const auto& info = *look(world, a, in)->conversation;
    CHECK(info.name == "new name");
    CHECK(info.description == "d");
    CHECK(info.avatar == "v");
    CHECK(info.join == JoinRule::invite_only);
    world.restart();
  }
  const auto changes = world.storage.all_changes();
  CHECK(std::count_if(changes.begin(), changes.end(),
                      [](const Change& entry) { return entry.kind == ChangeKind::updated; }) == 2);
  const auto pair = world.submit(world.http(a), World::to_user(b, "x"))->record->conversation->id;
  CHECK(reason_of(change(world, a, update(pair))) == "conversation.not_a_group");
  CHECK(reason_of(change(world, a, update(static_cast<ConversationId>(77)))) == "conversation.unknown");
}

TEST_CASE("changes of one round build on each other") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto in = world.group(a, {b})->conversation->id;
  std::vector<Later<ConversationRecord>> answers(3);
  auto act = update(in);
  act.name = "n";
  world.core->change_conversation(world.http(a), act, answers[0].done());
  act = update(in);
  act.join = JoinRule::approval;
  world.core->change_conversation(world.http(a), act, answers[1].done());
  MembershipAct join;
  join.in = ConversationRef::of(in);
  Later<MemberRecord> joined, late;
  world.core->change_membership(world.http(c), join, joined.done());
  world.settle();
  CHECK(reason_of(*joined) == "join.not_free");
  CHECK((*answers[1])->conversation->name == "n");
  act.join = JoinRule::free;
  REQUIRE(reason_of(change(world, a, act)) == "ok");
  world.core->change_membership(world.http(c), join, joined.done());
  world.core->change_conversation(world.http(a), dissolve(in), answers[2].done());
  Later<Accepted> said;
  world.core->submit(world.http(b), World::to(in, "x"), said.done());
  world.core->change_membership(world.http(c), join, late.done());
  world.settle();
  CHECK(reason_of(*joined) == "ok");
  CHECK(reason_of(*answers[2]) == "ok");
  CHECK(reason_of(*said) == "member.none");
  CHECK(reason_of(*late) == "join.not_free");
  world.restart();
  CHECK(reason_of(world.unread(c, in)) == "member.none");
}

TEST_CASE("a group is dissolved by its owner: all leave, all hear of it, nobody joins") {
  for (const bool instant : {true, false}) {
    World world({}, 2, instant);
    const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
    const auto in = world.group(a, {b, c}, "town")->conversation->id;
    send(world, b, in);
    auto& member = world.login(b, hearing(), 1);
    CHECK(reason_of(change(world, b, dissolve(in))) == "role.required");
    const auto gone = change(world, a, dissolve(in));
    REQUIRE(reason_of(gone) == "ok");
    CHECK(gone->conversation->dissolved);
    CHECK(gone->member_count == 0);
    CHECK_FALSE(gone->me);
    CHECK(member.received == std::vector{about("u", in)});
    const auto changes = world.storage.all_changes();
    CHECK(changes.back().kind == ChangeKind::updated);
    for (int round = 0; round < 2; ++round) {
      for (const auto user : {a, b, c}) {
        CHECK(reason_of(world.unread(user, in)) == "member.none");
        CHECK(reason_of(world.submit(world.http(user), World::to(in, "x"))) == "member.none");
        CHECK(reason_of(world.change(user, Kind::join, in)) == "join.not_free");
      }
      CHECK(*world.unread(b) == 0);
      CHECK(look(world, a, in)->conversation->dissolved);
      CHECK(reason_of(change(world, a, dissolve(in))) == "member.none");
      CHECK(reason_of(world.change(a, Kind::add, in, b)) == "member.none");
      CHECK(reason_of(world.group(a, {}, "town")) == "conversation.handle_taken");
      if (round == 0) CHECK(member.received.size() == 1);
      world.restart();
    }
  }
}

TEST_CASE("an owner gives a group to another member, and stays as an admin") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto in = world.group(a, {b})->conversation->id;
  auto act = update(in);
  act.at_least = Role::member;
  act.owner = UserRef::of(b);
  CHECK(reason_of(change(world, b, act)) == "role.required");
  act.owner = UserRef::of(c);
  CHECK(reason_of(change(world, a, act)) == "member.unknown");
  act.owner = UserRef::handle("nobody");
  CHECK(reason_of(change(world, a, act)) == "user.unknown");
  act.owner = UserRef::of(b);
  const auto given = change(world, a, act);
  REQUIRE(reason_of(given) == "ok");
  CHECK(given->owner->id == b);
  REQUIRE(given->me);
  CHECK(given->me->role == Role::admin);
  for (int round = 0; round < 2; ++round) {
    CHECK(look(world, b, in)->conversation->owner == b);
    CHECK(reason_of(world.change(b, Kind::leave, in)) == "member.owner_stays");
    CHECK(reason_of(change(world, a, dissolve(in))) == "role.required");
    world.restart();
  }
  CHECK(reason_of(world.change(a, Kind::leave, in)) == "ok");
  act.owner = UserRef::of(b);
  CHECK(reason_of(change(world, b, act)) == "ok");  // to oneself: nothing happens
  CHECK(look(world, b, in)->me->role == Role::owner);
}

TEST_CASE("an interceptor refuses a change of a conversation") {
  World world;
  world.host.bus().intercept<ChangeConversation>(Stage::policy, [](ChangeConversation& asked) {
    return asked.act.name ? Verdict::refuse(Code::forbidden, "name.forbidden") : Verdict::pass();
  });
  const auto a = world.user("a");
  const auto in = world.group(a, {})->conversation->id;
  auto act = update(in);
  act.name = "x";
  CHECK(reason_of(change(world, a, act)) == "name.forbidden");
  CHECK(reason_of(change(world, a, dissolve(in))) == "ok");
}

TEST_CASE("who muted a member, and when, is kept until it is lifted") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto in = world.group(a, {b})->conversation->id;
  MembershipAct act;
  act.kind = Kind::mute;
  act.in = ConversationRef::of(in);
  act.subject = UserRef::of(b);
  act.mute_until = world.host.clock().now() + 1000;
  const auto mute = [&] {
    return world.ask<MemberRecord>(
        [&](auto done) { world.core->change_membership(world.http(a), act, std::move(done)); });
  };
  REQUIRE(reason_of(mute()) == "ok");
  const auto self = [&] { return *look(world, b, in)->me; };
  for (int round = 0; round < 2; ++round) {
    CHECK(self().muted_by == a);
    CHECK(self().muted_at == world.host.clock().now());
    REQUIRE(world.change(b, Kind::leave, in));
    REQUIRE(world.change(b, Kind::join, in));
    CHECK(self().muted_by == a);
    world.restart();
  }
  act.mute_until = 0;
  REQUIRE(reason_of(mute()) == "ok");
  CHECK(self().muted_by == UserId::none);
  CHECK(self().muted_at == 0);
}

}  // namespace
}  // namespace loft::tests
