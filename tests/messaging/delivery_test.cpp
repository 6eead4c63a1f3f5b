// What is pushed to sessions, what counts as delivered, and receipts.
#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

TEST_CASE("a message kept from one recipient reaches the others and stays in the inbox") {
  World world;
  UserId blocked{};
  world.host.bus().intercept<DeliverTo>(Stage::policy, [&](DeliverTo& event) -> Verdict {
    if (event.recipient == blocked) return Verdict::refuse(Code::forbidden, "blocked");
    return {};
  });
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  blocked = b;
  const auto group = world.group(a, {b, c})->conversation->id;
  auto& of_b = world.login(b);
  auto& of_c = world.login(c);
  REQUIRE(world.submit(world.http(a), World::to(group, "x")));
  CHECK(of_b.received.empty());
  CHECK(of_c.received.size() == 1);
  of_b.logout();
  world.settle();
  CHECK(world.inbox(b, MarkId::delivered)->messages.size() == 1);
}

TEST_CASE("one session of a contract where it asks for one; the old one is told") {
  World world;
  const auto a = world.user("a");
  auto policy = World::delivering();
  policy.single = true;
  auto& first = world.login(a, policy, 0);
  auto& other = world.connect(1, true);
  other.login(UserRef::of(a), policy);
  world.settle();
  CHECK_FALSE(first.was_replaced);
  auto& second = world.login(a, policy, 1);
  CHECK(first.was_replaced);
  CHECK_FALSE(other.was_replaced);
  CHECK_FALSE(second.was_replaced);
  CHECK(world.core->online().sessions == 3);
  first.logout();
  world.settle();
  CHECK(world.core->online().sessions == 2);
  CHECK(world.core->online().users == 1);
}

TEST_CASE("what a dead socket swallowed is offered again, what was proven is not") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  auto policy = World::delivering();
  policy.variant = 1;
  auto& client = world.login(b, policy, 1);
  std::vector<MessageId> ids;
  const auto send = [&] { ids.push_back(world.submit(world.http(a), World::to_user(b, "x"))->record->message->id); };
  const auto receipt = [&](MessageId id) {
    return world.ask<MessageRecord>([&](auto done) { world.core->message(world.http(a), id, std::move(done)); })
        ->receipt;
  };
  send(), send();
  world.core->sweep(1);
  send();
  REQUIRE(client.received.size() == 3);
  CHECK(client.received[0] == line("m", ids[0]) + "@" + std::to_string(raw(b)));
  for (const auto id : ids) CHECK(receipt(id) == Receipt::delivered);
  CHECK(world.inbox(b, MarkId::delivered)->messages.empty());
  client.proven_bytes = client.offsets[2] - 1;
  world.core->sweep(1);
  world.settle();
  client.logout();
  world.settle();
  CHECK(receipt(ids[1]) == Receipt::delivered);
  CHECK(receipt(ids[2]) == Receipt::sent);
  const auto page = world.inbox(b, MarkId::delivered);
  REQUIRE(page->messages.size() == 1);
  CHECK(page->messages[0].message->id == ids[2]);
  world.restart();
  CHECK(world.inbox(b, MarkId::delivered)->messages.size() == 1);
}

TEST_CASE("what was not proven when a session ended is offered again, for its client may not have read it") {
  World world({}, 2, GENERATE(true, false));
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(b, World::delivering(), 1);
  const auto sent = send(world, a, b);
  client.proven_bytes = client.offsets[0];
  client.logout();
  world.settle();
  CHECK(receipt(world, a, sent) == Receipt::sent);
  CHECK(ids_of(world.inbox(b, MarkId::delivered)) == std::vector{sent});
}

TEST_CASE("what a session was not given is neither delivered by it nor missing from the inbox") {
  World world;
  UserId blocked{};
  std::string kept = "kept";
  world.host.bus().intercept<DeliverTo>(Stage::policy, [&](DeliverTo& event) -> Verdict {
    if (event.recipient == blocked && event.record->message->content == kept)
      return Verdict::refuse(Code::forbidden, "blocked");
    return {};
  });
  const auto a = world.user("a"), b = world.user("b");
  blocked = b;
  auto& client = world.login(b);
  const bool throws = GENERATE(false, true);
  const auto before = send(world, a, b, "before");
  world.line.throws = throws;
  const auto lost = send(world, a, b, throws ? "thrown" : GENERATE(as<std::string>{}, "kept", "silent"));
  world.line.throws = false;
  const auto own = send(world, b, a, "own");
  const auto after = send(world, a, b, "after");
  const auto check = [&] {
    CHECK(receipt(world, a, before) == Receipt::delivered);
    CHECK(receipt(world, a, lost) == Receipt::sent);
    CHECK(receipt(world, b, lost) == Receipt::sent);
    CHECK(receipt(world, a, after) == Receipt::delivered);
    CHECK(ids_of(world.inbox(b, MarkId::delivered)) == std::vector{lost});
  };
  CHECK(client.received == std::vector<std::string>{line("m", before), line("m", after)});
  check();
  client.prove_all();
  world.core->sweep(0);
  world.settle();
  check();
  // Another session that was given it: it did arrive.
  SECTION("a session of another contract has words for it") {
    auto& other = world.connect(1, true);
    other.login(UserRef::of(b), World::delivering());
    world.settle();
    world.line.throws = true;
    const auto third = send(world, a, b, "third");
    world.line.throws = false;
    CHECK(other.received.size() == 1);
    CHECK(receipt(world, a, third) == Receipt::delivered);
    CHECK(ids_of(world.inbox(b, MarkId::delivered)) == std::vector{lost});
  }
  SECTION("the session ends") {
    client.logout();
    world.settle();
    check();
  }
  SECTION("the host starts again") {
    world.restart();
    check();
  }
  static_cast<void>(own);
}

TEST_CASE("a session that is withheld very much forgets the oldest of it, and nothing is lost by that") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(b);
  std::vector<MessageId> lost;
  const auto pushed = send(world, a, b);
  client.prove_all();
  world.core->sweep(0);
  for (std::size_t i = 0; i < SessionInfo::max_withheld + 10; ++i) lost.push_back(send(world, a, b, "silent"));
  InboxQuery query;
  query.lacking = MarkId::delivered;
  query.limit = 2 * SessionInfo::max_withheld;
  const auto page = world.ask<Page>([&](auto done) { world.core->inbox(world.http(b), query, std::move(done)); });
  CHECK(ids_of(page) == lost);
  CHECK(receipt(world, a, pushed) == Receipt::delivered);
  CHECK(receipt(world, a, lost.front()) == Receipt::sent);
}

TEST_CASE(
    "in a large group a message is delivered once another member has got it or a later one, also after a restart") {
  CoreOptions options;
  options.receipts_max = 2;
  World world(options);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c, world.user("d")})->conversation->id;
  const auto first = send(world, a, group), second = send(world, a, group), third = send(world, a, group);
  const auto check = [&](std::vector<Receipt> expected) {
    for (const bool restarted : {false, true}) {
      INFO("restarted " << restarted);
      if (restarted) world.restart();
      CHECK(std::vector{receipt(world, a, first), receipt(world, a, second), receipt(world, a, third)} == expected);
    }
  };
  const auto sent = Receipt::sent, delivered = Receipt::delivered;
  check({sent, sent, sent});
  // What its sender has read says nothing.
  REQUIRE(world.read_up_to(a, group, third));
  check({sent, sent, sent});
  REQUIRE(world.read(b, {second}));
  check({delivered, delivered, sent});
  // `delivered` counts as well, and comes when it is proven.
  auto& client = world.login(c);
  const auto fourth = send(world, b, group);
  CHECK(receipt(world, b, fourth) == sent);
  client.prove_all();
  world.core->sweep(0);
  world.settle();
  CHECK(receipt(world, b, fourth) == delivered);
  check({delivered, delivered, delivered});
  // c and b come back without their marks: nobody is known to have got anything.
  REQUIRE(world.change(c, MembershipAct::Kind::leave, group));
  check({delivered, delivered, delivered});
  REQUIRE(world.change(c, MembershipAct::Kind::join, group));
  check({delivered, delivered, sent});
  REQUIRE(world.change(b, MembershipAct::Kind::leave, group));
  REQUIRE(world.change(b, MembershipAct::Kind::join, group));
  check({sent, sent, sent});
}

TEST_CASE("a session may read what it is given, once that is proven") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  send(world, a, b);
  SessionPolicy policy;
  policy.mark_on_push = {MarkId::read};
  auto& client = world.login(b, policy);
  send(world, a, b);
  CHECK(*world.unread(b) == 2);
  client.prove_all();
  world.core->sweep(0);
  world.settle();
  CHECK(*world.unread(b) == 1);
}

TEST_CASE("a recalled message has no receipt") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto id = send(world, a, b);
  REQUIRE(world.read(b, {id}));
  CHECK(receipt(world, a, id) == Receipt::read);
  REQUIRE(recall(world, a, id));
  CHECK(receipt(world, a, id) == Receipt::sent);
  CHECK(receipt(world, b, id) == Receipt::sent);
}

}  // namespace
}  // namespace loft::tests
