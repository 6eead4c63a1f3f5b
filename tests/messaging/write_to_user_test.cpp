// The proposal that knows who writes to whom.
#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

using All = std::vector<Submission>;
using Pair = std::pair<UserId, UserId>;

/// Asks down every question, and refuses what is from `from` to `to`.
struct Door {
  UserId from{}, to{};
  std::vector<Pair> asked;
  std::vector<std::string> told;

  explicit Door(World& world) {
    auto& bus = world.host.bus();
    bus.intercept<WriteToUser>(Stage::policy, [this](WriteToUser& event) -> Verdict {
      asked.emplace_back(event.caller.user, event.receiver);
      if (event.caller.user != from || event.receiver != to) return {};
      return Verdict::refuse(Code::forbidden, "user.blocked", "not from you");
    });
    bus.observe<MessageRefused>(
        [this](const MessageRefused& fact) { told.push_back(std::to_string(raw(fact.sender)) + fact.error.reason); });
  }
  void shut(UserId sender, UserId receiver) { from = sender, to = receiver; }
};

Submission with(ConversationRef to, std::string content = "x", std::string client_id = {}) {
  return {std::move(to), "T:Any", std::move(content), std::move(client_id), false};
}

/// Every name by which `a` may call the conversation that it has with `b`.
std::vector<ConversationRef> names_of(World& world, UserId a, UserId b) {
  const auto peer = *world.core->directory().load(b);
  const auto in = pair_of(world, a, b);
  return {ConversationRef::direct(UserRef::of(b)),
          ConversationRef::direct(UserRef::handle(peer->handle)),
          ConversationRef::direct(UserRef::handle_or_id(peer->handle)),
          ConversationRef::direct(UserRef::uuid(peer->uuid)),
          ConversationRef::of(in),
          ConversationRef::handle_or_id(std::to_string(raw(in))),
          ConversationRef::uuid(world.used_storage.conversation(in)->value().conversation.uuid)};
}

TEST_CASE("who writes to whom is asked whatever the conversation is called by, also right after a restart") {
  World world({}, 2, GENERATE(true, false));
  Door door(world);
  const auto a = world.user("a"), b = world.user("b");
  send(world, a, b);
  const auto names = names_of(world, a, b);
  door.asked.clear();
  door.shut(a, b);
  for (const auto& name : names) {
    world.restart();
    const auto refused = world.submit(world.http(a), with(name));
    REQUIRE(reason_of(refused) == "user.blocked");
    CHECK(refused.error().code == Code::forbidden);
    CHECK(refused.error().detail == "not from you");
    CHECK(door.asked == std::vector{Pair(a, b)});
    CHECK(door.told == std::vector{std::to_string(raw(a)) + "user.blocked"});
    door.asked.clear();
    door.told.clear();
  }
  CHECK(world.storage.all_messages().size() == 1);
  CHECK(*world.unread(b) == 1);
  // The other one may go on, and so may both once nothing keeps them.
  CHECK(reason_of(world.submit(world.http(b), with(names_of(world, b, a)[4]))) == "ok");
  CHECK(door.asked == std::vector{Pair(b, a)});
  door.shut({}, {});
  for (const auto& name : names) CHECK(reason_of(world.submit(world.http(a), with(name))) == "ok");
}

TEST_CASE("a refused first message makes no conversation") {
  World world({}, 2, GENERATE(true, false));
  Door door(world);
  int made = 0;
  world.host.bus().observe<ConversationCreated>([&](const ConversationCreated&) { ++made; });
  const auto a = world.user("a"), b = world.user("b");
  door.shut(a, b);
  CHECK(reason_of(world.submit(world.http(a), World::to_user(b, "x", "k"))) == "user.blocked");
  CHECK(reason_of(world.submit(world.http(a), World::to_user(b, "x"))) == "user.blocked");
  CHECK(made == 0);
  CHECK_FALSE(world.storage.conversation_by_pair(std::min(a, b), std::max(a, b))->has_value());
  CHECK(world.storage.all_messages().empty());
  // What was refused was not sent: its client id is as good as new.
  door.shut({}, {});
  const auto sent = world.submit(world.http(a), World::to_user(b, "x", "k"));
  REQUIRE(reason_of(sent) == "ok");
  CHECK_FALSE(sent->repeated);
}

TEST_CASE("the refusal has its place among the answers of its session, and reaches nobody else") {
  World world({}, 2, GENERATE(true, false));
  Door door(world);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  auto& of_a = world.login(a);
  auto& of_b = world.login(b);
  door.shut(a, b);
  Answers answers;
  for (const auto& [name, to] : std::vector<std::pair<std::string, UserId>>{{"1", c}, {"2", b}, {"3", c}, {"4", b}}) {
    world.core->submit(of_a.caller(), World::to_user(to, name), answers.done(name));
  }
  world.settle();
  CHECK(*answers.list == std::vector<std::string>{"1=ok", "2=user.blocked", "3=ok", "4=user.blocked"});
  CHECK(of_b.received.empty());
  CHECK(world.no_holds());
}

TEST_CASE("what users write to themselves, groups, notices and others' conversations are no questions") {
  World world({}, 2, GENERATE(true, false));
  Door door(world);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b})->conversation->id;
  send(world, b, c);
  const auto others = pair_of(world, b, c);
  door.asked.clear();
  CHECK(reason_of(world.submit(world.http(a), World::to_user(a, "x"))) == "ok");
  CHECK(reason_of(world.submit(world.http(a), World::to(pair_of(world, a, a), "x"))) == "ok");
  CHECK(reason_of(world.submit(world.http(a), World::to(group, "x"))) == "ok");
  auto service = world.http(a);
  service.service = true;
  CHECK(reason_of(world.submit(service, with(ConversationRef::system("news", UserRef::of(b))))) == "ok");
  CHECK(reason_of(world.submit(service, with(ConversationRef::broadcast("news")))) == "ok");
  CHECK(reason_of(world.submit(world.http(a), World::to(others, "x"))) == "conversation.unknown");
  CHECK(reason_of(world.submit(service, World::to(others, "x"))) == "conversation.unknown");
  CHECK(door.asked.empty());
}

TEST_CASE("of several that are sent together one that is refused keeps all from being stored") {
  World world({}, 2, GENERATE(true, false));
  Door door(world);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  send(world, a, b);
  const auto in = pair_of(world, a, b);
  door.shut(a, b);
  world.restart();
  door.asked.clear();
  for (const auto& to_b : {World::to(in, "x"), World::to_user(b, "x")}) {
    const auto refused = world.submit_all(world.http(a), All{World::to_user(c, "x"), to_b});
    CHECK(reason_of(refused) == "user.blocked");
    CHECK(door.asked == std::vector{Pair(a, c), Pair(a, b)});
    door.asked.clear();
  }
  CHECK(door.told.size() == 4);
  CHECK(world.storage.all_messages().size() == 1);
  CHECK_FALSE(world.storage.conversation_by_pair(std::min(a, c), std::max(a, c))->has_value());
  CHECK(reason_of(world.submit_all(world.http(a), All{World::to_user(c, "x"), World::to_user(a, "x")})) == "ok");
}

TEST_CASE("a repeat is answered with its original also where its sender may not write any more, and asked about once") {
  World world({}, 2, GENERATE(true, false));
  Door door(world);
  const auto a = world.user("a"), b = world.user("b");
  const auto original = world.submit(world.http(a), World::to_user(b, "x", "k"));
  REQUIRE(reason_of(original) == "ok");
  const auto in = pair_of(world, a, b);
  door.shut(a, b);
  if (GENERATE(true, false)) world.restart();  // then only the storage knows the client id
  for (const auto& repeat : {World::to_user(b, "x", "k"), World::to(in, "x", "k")}) {
    door.asked.clear();
    const auto again = world.submit(world.http(a), repeat);
    REQUIRE(reason_of(again) == "ok");
    CHECK(again->repeated);
    CHECK(again->record->message->id == original->record->message->id);
    CHECK(door.asked.size() == 1);
  }
  CHECK(reason_of(world.submit_all(world.http(a), All{World::to(in, "x", "k")})) == "ok");
  CHECK(reason_of(world.submit(world.http(a), World::to_user(b, "y", "k"))) == "client_id.reused");
  CHECK(reason_of(world.submit(world.http(a), World::to_user(b, "x", "k2"))) == "user.blocked");
  CHECK(reason_of(world.submit_all(world.http(a), All{World::to(in, "x", "k"), World::to_user(b, "x", "k2")})) ==
        "user.blocked");
  CHECK(world.storage.all_messages().size() == 1);
}

TEST_CASE("what could not be looked up is not stored unasked when its round is drafted again") {
  World world;
  Door door(world);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  send(world, a, b);
  REQUIRE(reason_of(world.submit(world.http(c), World::to_user(b, "x", "k"))) == "ok");
  door.shut(a, b);
  world.restart();
  for (const auto user : {a, b, c}) REQUIRE(world.core->directory().load(user));
  door.asked.clear();
  // One round: the pair of the first cannot be read, and the second is a repeat that only the storage knows.
  Later<Accepted> lost, repeat;
  int reads = 0;
  world.storage.in_read = [&] { world.storage.reads_fail = ++reads == 1; };
  world.core->submit(world.http(a), World::to_user(b, "y"), lost.done());
  world.core->submit(world.http(c), World::to_user(b, "x", "k"), repeat.done());
  CHECK(reads == 0);
  world.settle();
  world.storage.in_read = {};
  REQUIRE((lost.came() && repeat.came()));
  CHECK(reason_of(*lost) == "storage.unavailable");
  CHECK(reason_of(*repeat) == "ok");
  CHECK((*repeat)->repeated);
  CHECK(door.asked == std::vector{Pair(c, b)});
  CHECK(world.storage.all_messages().size() == 2);
}

TEST_CASE("an interceptor that throws refuses the message") {
  World world;
  world.host.bus().intercept<WriteToUser>(
      Stage::check, [](WriteToUser&) -> Verdict { throw std::runtime_error("thrown by an interceptor"); });
  const auto a = world.user("a"), b = world.user("b");
  CHECK(reason_of(world.submit(world.http(a), World::to_user(b, "x"))) == "interceptor.failed");
  CHECK(world.storage.all_messages().empty());
  CHECK(reason_of(world.submit(world.http(a), World::to_user(a, "x"))) == "ok");
}

}  // namespace
}  // namespace loft::tests
