// What outsiders may learn of conversations, and what only services may write.
#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

/// Everything that somebody can do to a conversation, in words.
std::vector<std::string> tries(World& world, UserId user, ConversationId in) {
  std::vector<std::string> answers;
  const auto note = [&](const auto& result) {
    answers.push_back(result.ok() ? "ok"
                                  : std::to_string(static_cast<int>(result.error().code)) + " " +
                                        result.error().reason + " " + result.error().detail);
  };
  note(world.submit(world.http(user), World::to(in, "x")));
  note(world.submit(world.http(user), World::to(in, "x", "seen before")));
  note(world.submit(world.http(user), World::to(in, "x", "new")));
  note(world.submit_all(world.http(user), {World::to(in, "x")}));
  note(world.read_up_to(user, in, static_cast<MessageId>(id::limit - 1)));
  note(world.read_up_to(user, in, static_cast<MessageId>(1)));
  for (const auto kind : {Kind::join, Kind::leave, Kind::add, Kind::remove, Kind::set_role, Kind::mute}) {
    note(world.change(user, kind, in, user));
  }
  for (const auto kind : {ConversationAct::Kind::update, ConversationAct::Kind::dissolve}) {
    ConversationAct act;
    act.kind = kind;
    act.in = ConversationRef::of(in);
    note(world.ask<ConversationRecord>(
        [&](auto done) { world.core->change_conversation(world.http(user), act, std::move(done)); }));
  }
  note(world.unread(user, in));
  const auto ref = ConversationRef::of(in);
  note(world.ask<Page>([&](auto done) { world.core->history(world.http(user), {ref}, std::move(done)); }));
  note(world.ask<MarkState>(
      [&](auto done) { world.core->mark_state(world.http(user), ref, MarkId::read, std::move(done)); }));
  for (const bool member : {true, false}) {
    note(world.ask<ConversationRecord>(
        [&](auto done) { world.core->conversation(world.http(user), ref, member, std::move(done)); }));
    note(world.ask<std::vector<MemberRecord>>(
        [&](auto done) { world.core->members(world.http(user), ref, member, std::move(done)); }));
  }
  return answers;
}

TEST_CASE("to an outsider a private conversation answers exactly as one that does not exist, to everything") {
  World world({}, 2, GENERATE(true, false));
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c"), backend = world.user("backend");
  send(world, a, b);
  auto service = world.http(backend);
  service.service = true;
  auto notice = World::to_user(a, "notice");
  notice.to = ConversationRef::system("order", UserRef::of(a));
  const auto order = world.submit(service, notice)->record->conversation->id;
  const auto pair = pair_of(world, a, b);
  REQUIRE(world.submit(world.http(c), World::to_user(a, "x", "seen before")));
  const auto nothing = tries(world, c, static_cast<ConversationId>(12345));
  for (const auto& answer : nothing) CHECK(answer.find("conversation.unknown") != std::string::npos);
  for (int round = 0; round < 2; ++round) {
    CHECK(tries(world, c, pair) == nothing);
    CHECK(tries(world, c, order) == nothing);
    CHECK(tries(world, b, order).front() == nothing.front());
    world.restart();
  }
  auto& listener = world.login(b, [] {
    SessionPolicy policy;
    policy.interests.signals = true;
    return policy;
  }());
  world.core->signal(world.http(c), {ConversationRef::of(pair), "typing", {}});
  world.settle();
  CHECK(listener.received.empty());
  // Those whose it is hear what is wrong.
  CHECK(reason_of(world.change(a, Kind::leave, pair)) == "conversation.not_a_group");
  CHECK(reason_of(world.submit(world.http(a), World::to(order, "x"))) == "conversation.read_only");
  CHECK(reason_of(world.change(a, Kind::leave, order)) == "conversation.not_a_group");
}

TEST_CASE("a service writes to no private conversation of others") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), backend = world.user("backend");
  send(world, a, b);
  auto service = world.http(backend);
  service.service = true;
  CHECK(reason_of(world.submit(service, World::to(pair_of(world, a, b), "x"))) == "conversation.unknown");
}

TEST_CASE("a group's existence is no secret: who is no member hears so") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto in = world.group(a, {})->conversation->id;
  CHECK(reason_of(world.submit(world.http(b), World::to(in, "x"))) == "member.none");
  CHECK(reason_of(world.read_up_to(b, in, static_cast<MessageId>(1))) == "member.none");
  CHECK(reason_of(world.change(b, Kind::leave, in)) == "member.none");
}

Submission for_services(Submission submission) {
  submission.domain = "T:Service";
  return submission;
}

TEST_CASE("a domain for services only is refused to everybody else, alone and among several") {
  World world;
  std::vector<std::string> facts;
  world.host.bus().observe<MessageRefused>([&](const MessageRefused& fact) { facts.push_back(fact.error.reason); });
  const auto a = world.user("a"), b = world.user("b");
  const auto group = world.group(a, {b})->conversation->id;
  for (const auto& submission : {World::to_user(b, "x"), World::to(group, "x")}) {
    const auto refused = world.submit(world.http(a), for_services(submission));
    REQUIRE(reason_of(refused) == "domain.service_only");
    CHECK(refused.error().code == Code::forbidden);
    CHECK(refused.error().detail.find("T:Service") != std::string::npos);
  }
  CHECK(reason_of(world.submit_all(world.http(a), {World::to_user(b, "x"), for_services(World::to(group, "x"))})) ==
        "domain.service_only");
  CHECK(world.storage.all_messages().empty());
  CHECK(facts.size() == 4);
  auto service = world.http(a);
  service.service = true;
  CHECK(reason_of(world.submit(service, for_services(World::to_user(b, "x")))) == "ok");
  CHECK(reason_of(world.submit_all(service, {for_services(World::to(group, "x"))})) == "ok");
}

TEST_CASE("an interceptor that changes the domain makes nobody a service") {
  World world;
  world.host.bus().intercept<SubmitMessage>(Stage::rewrite, [](SubmitMessage& event) -> Verdict {
    if (event.submission.content == "to service") event.submission.domain = "T:Service";
    if (event.submission.content == "to any") event.submission.domain = "T:Any";
    return {};
  });
  const auto a = world.user("a"), b = world.user("b");
  CHECK(reason_of(world.submit(world.http(a), World::to_user(b, "to service"))) == "domain.service_only");
  CHECK(reason_of(world.submit_all(world.http(a), {World::to_user(b, "to service")})) == "domain.service_only");
  CHECK(world.storage.all_messages().empty());
  CHECK(reason_of(world.submit(world.http(a), for_services(World::to_user(b, "to any")))) == "ok");
  CHECK(world.storage.all_messages().front().domain == "T:Any");
}

}  // namespace
}  // namespace loft::tests
