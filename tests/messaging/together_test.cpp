// Several submissions that are sent together or not at all.
#include <map>
#include <set>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

using All = std::vector<Submission>;

std::size_t stored(World& world) { return world.storage.all_messages().size(); }

/// A group of `a` in which it is muted by its owner.
ConversationId muted_in(World& world, UserId owner, UserId a) {
  const auto group = world.group(owner, {a})->conversation->id;
  MembershipAct mute;
  mute.kind = Kind::mute;
  mute.in = ConversationRef::of(group);
  mute.subject = UserRef::of(a);
  mute.mute_until = world.host.clock().now() + 60'000;
  REQUIRE(world.ask<MemberRecord>(
      [&](auto done) { world.core->change_membership(world.http(owner), mute, std::move(done)); }));
  return group;
}

TEST_CASE("several messages are stored in one commit, answered in their order, pushed, counted and told of") {
  const bool instant = GENERATE(true, false);
  World world({}, 2, instant);
  std::vector<std::string> facts;
  world.host.bus().observe<MessageStored>(
      [&](const MessageStored& fact) { facts.push_back(fact.record.message->content); });
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  auto& of_b = world.login(b);
  auto& of_a = world.login(a);
  const int commits = world.storage.commits;
  const auto sent = world.submit_all(of_a.caller(), {World::to_user(b, "one"), World::to(group, "two"),
                                                     World::to_user(c, "three"), World::to_user(b, "four")});
  REQUIRE(reason_of(sent) == "ok");
  CHECK(world.storage.commits == commits + 1);
  REQUIRE(sent->size() == 4);
  std::vector<std::string> contents, lines;
  for (const auto& accepted : *sent) {
    contents.push_back(accepted.record->message->content);
    CHECK_FALSE(accepted.repeated);
    CHECK(accepted.record->sender->id == a);
    if (accepted.record->message->content != "three") lines.push_back(line("m", accepted.record->message->id));
  }
  CHECK(contents == std::vector<std::string>{"one", "two", "three", "four"});
  CHECK(facts == contents);
  CHECK(of_b.received == lines);
  CHECK((*sent)[0].record->conversation->id == (*sent)[3].record->conversation->id);
  CHECK((*sent)[3].record->message->seq == 2);
  CHECK((*sent)[0].record->peer->id == b);
  CHECK(*world.unread(b) == 3);
  CHECK(*world.unread(c) == 2);
  CHECK(*world.unread(a) == 0);
  CHECK(receipt(world, a, (*sent)[0].record->message->id) == Receipt::delivered);
  CHECK(receipt(world, a, (*sent)[2].record->message->id) == Receipt::sent);
  CHECK(of_a.session().in_flight == 0);
  CHECK(world.no_holds());
  world.restart();
  CHECK(*world.unread(b) == 3);
}

TEST_CASE("no submissions at all are answered with none") {
  World world;
  const auto a = world.user("a");
  const auto sent = world.submit_all(world.http(a), {});
  REQUIRE(reason_of(sent) == "ok");
  CHECK(sent->empty());
}

TEST_CASE("an interceptor that refuses one in the middle refuses all, and is asked about no later ones") {
  World world;
  int asked = 0;
  std::vector<std::string> refused;
  auto& bus = world.host.bus();
  bus.intercept<SubmitMessage>(Stage::policy, [&](SubmitMessage& event) -> Verdict {
    event.submission.content += "!";
    if (++asked > 30) return Verdict::refuse(Code::overloaded, "rate.limited");
    return {};
  });
  bus.observe<MessageRefused>([&](const MessageRefused& fact) { refused.push_back(fact.error.reason); });
  const auto a = world.user("a"), b = world.user("b");
  All all;
  for (int i = 0; i < 60; ++i) all.push_back(World::to(world.group(a, {b})->conversation->id, "x"));
  CHECK(reason_of(world.submit_all(world.http(a), all)) == "rate.limited");
  CHECK(asked == 31);
  CHECK(stored(world) == 0);
  CHECK(*world.unread(b) == 0);
  CHECK(refused == std::vector<std::string>(60, "rate.limited"));
  asked = 0;
  all.resize(30);
  const auto sent = world.submit_all(world.http(a), all);
  REQUIRE(reason_of(sent) == "ok");
  CHECK(sent->back().record->message->content == "x!");
  CHECK(stored(world) == 30);
}

TEST_CASE("interceptors that wait are asked about all, and the first in order decides, whoever answers first") {
  World world;
  std::map<std::string, Resume> waiting;
  world.host.bus().intercept_waiting<SubmitMessage>(Stage::policy, 1000, [&](SubmitMessage& event, Resume resume) {
    waiting.emplace(event.submission.content, std::move(resume));
  });
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  Later<std::vector<Accepted>> sent;
  const All all{World::to_user(b, "1"), World::to_user(b, "2"), World::to_user(b, "3")};
  world.core->submit_all(client.caller(), all, sent.done());
  world.settle();
  REQUIRE(waiting.size() == 3);
  CHECK(client.holds > 0);
  const bool refuses = GENERATE(true, false);
  const auto verdict = [&](const char* reason) {
    return refuses ? Verdict::refuse(Code::forbidden, reason) : Verdict::pass();
  };
  waiting["3"](verdict("third"));
  world.settle();
  waiting["2"](verdict("second"));
  world.settle();
  CHECK_FALSE(sent.came());
  waiting["1"]({});
  world.settle();
  REQUIRE(sent.came());
  CHECK(reason_of(*sent) == (refuses ? "second" : "ok"));
  CHECK(stored(world) == (refuses ? 0 : 3));
  CHECK(world.no_holds());
  CHECK(client.session().in_flight == 0);

  // A session that ends meanwhile hears nothing, and nothing is sent.
  waiting.clear();
  Later<std::vector<Accepted>> gone;
  world.core->submit_all(client.caller(), all, gone.done());
  world.settle();
  client.logout();
  for (auto& [content, resume] : waiting) resume({});
  world.settle();
  CHECK_FALSE(gone.came());
  CHECK(stored(world) == (refuses ? 0 : 3));
}

TEST_CASE("a domain, a target or a membership that refuses one in the middle keeps all from being sent") {
  const bool instant = GENERATE(true, false);
  World world({}, 2, instant);
  const auto a = world.user("a"), b = world.user("b"), owner = world.user("owner"), backend = world.user("backend");
  const auto group = world.group(a, {b})->conversation->id;
  const auto muted = muted_in(world, owner, a);
  auto caller = world.http(backend);
  caller.service = true;
  auto notice = World::to_user(a, "notice");
  notice.to = ConversationRef::system("order", UserRef::of(a));
  const auto system = world.submit(caller, notice)->record->conversation->id;
  const auto before = stored(world), conversations = world.storage.conversation_count();
  auto unknown_domain = World::to_user(b, "x");
  unknown_domain.domain = "No:Such";
  const std::pair<Submission, std::string> rows[] = {
      {World::to(muted, "x"), "member.muted"},
      {World::to(world.group(owner, {})->conversation->id, "x"), "member.none"},
      {World::to(system, "x"), "conversation.read_only"},
      {World::to(static_cast<ConversationId>(12345), "x"), "conversation.unknown"},
      {World::to_user(static_cast<UserId>(12345), "x"), "user.unknown"},
      {notice, "conversation.read_only"},
      {World::to_user(b, "bad"), "content.invalid"},
      {World::to_user(b, "throw"), "domain.failed"},
      {World::to_user(b, std::string(1001, 'x')), "content.too_large"},
      {World::to_user(b, "x", std::string(129, 'k')), "client_id.too_long"},
      {unknown_domain, "domain.unknown"}};
  for (const auto& [wrong, reason] : rows) {
    // The direct conversation would be a new one: it must not be made either.
    CHECK(reason_of(world.submit_all(world.http(a), {World::to_user(b, "1", "k"), wrong, World::to(group, "2")})) ==
          reason);
  }
  CHECK(stored(world) == before);
  CHECK(world.storage.conversation_count() == conversations + 1);  // the one of `owner` alone
  CHECK(*world.unread(b) == 0);
  CHECK(world.storage.key_count() == 0);
  CHECK(reason_of(world.submit_all(world.http(a), {World::to_user(b, "1", "k"), World::to(group, "2")})) == "ok");
}

TEST_CASE("a new direct conversation that is named twice in one call is made once") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto conversations = world.storage.conversation_count();
  Later<Accepted> beside;
  world.core->submit(world.http(b, 1), World::to_user(a, "from the other side"), beside.done());
  const auto sent = world.submit_all(world.http(a), {World::to_user(b, "one"), World::to_user(b, "two")});
  REQUIRE(reason_of(sent) == "ok");
  CHECK(world.storage.conversation_count() == conversations + 1);
  std::set<Seq> seqs{(*sent)[0].record->message->seq, (*sent)[1].record->message->seq, (*beside)->record->message->seq};
  CHECK(seqs == std::set<Seq>{1, 2, 3});
}

TEST_CASE("users and topics are found and made for all at once, or none is made") {
  World world({.auto_create_users = true}, 2, GENERATE(true, false));
  const auto backend = world.user("backend"), a = world.user("a");
  auto service = world.http(backend);
  service.service = true;
  auto fresh = World::to_user(UserId::none, "hello");
  fresh.to = ConversationRef::direct(UserRef::handle("newcomer"));
  fresh.may_create_users = true;
  auto notice = World::to_user(a, "notice"), news = World::to_user(a, "news");
  notice.to = ConversationRef::system("order", UserRef::of(a));
  news.to = ConversationRef::broadcast("news");
  const auto nobody = World::to_user(static_cast<UserId>(12345), "x");
  CHECK(reason_of(world.submit_all(service, {fresh, nobody})) == "user.unknown");
  CHECK_FALSE(world.core->directory().load(UserRef::handle("newcomer")));
  const auto sent = world.submit_all(service, {fresh, notice, news, notice});
  REQUIRE(reason_of(sent) == "ok");
  CHECK((*sent)[0].record->peer->handle == "newcomer");
  CHECK((*sent)[1].record->conversation->topic == "order");
  CHECK((*sent)[2].record->conversation->kind == ConversationKind::broadcast);
  CHECK((*sent)[3].record->conversation->id == (*sent)[1].record->conversation->id);
  CHECK(*world.unread(a) == 3);
}

TEST_CASE("client ids hold inside a call, between calls and after a restart") {
  CoreOptions options;
  options.recent_bytes = GENERATE(16 << 20, 0);  // with nothing in memory, originals come from the storage
  World world(options, 2, GENERATE(true, false));
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  const All all{World::to_user(b, "one", "k1"), World::to(group, "two", "k2"), World::to_user(b, "one", "k1")};
  const auto first = world.submit_all(world.http(a), all);
  REQUIRE(reason_of(first) == "ok");
  CHECK((*first)[2].repeated);
  CHECK((*first)[2].record->message->id == (*first)[0].record->message->id);
  CHECK(stored(world) == 2);
  CHECK(reason_of(world.submit_all(world.http(a), {World::to_user(c, "1", "k3"), World::to_user(c, "2", "k3")})) ==
        "client_id.reused");
  for (int round = 0; round < 2; ++round) {
    const auto again = world.submit_all(world.http(a), all);
    REQUIRE(reason_of(again) == "ok");
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK((*again)[i].repeated);
      CHECK((*again)[i].record->message->id == (*first)[i].record->message->id);
      CHECK((*again)[i].record->message->content == all[i].content);
    }
    CHECK(reason_of(world.submit_all(world.http(a), {World::to_user(c, "new"), World::to_user(c, "one", "k1")})) ==
          "client_id.reused");
    CHECK(stored(world) == 2);
    world.restart();
  }
  // What was lost on the way is sent, what was not is the original.
  const auto rest = world.submit_all(world.http(a), {all[0], World::to(group, "three", "k4")});
  REQUIRE(reason_of(rest) == "ok");
  CHECK((*rest)[0].repeated);
  CHECK_FALSE((*rest)[1].repeated);
  CHECK(stored(world) == 3);
}

TEST_CASE("who may not send any more hears of the originals of all, if all were sent") {
  World world;
  const auto a = world.user("a"), owner = world.user("owner");
  const auto one = world.group(owner, {a})->conversation->id, two = world.group(owner, {a})->conversation->id;
  const All all{World::to(one, "1", "k1"), World::to(two, "2", "k2")};
  REQUIRE(reason_of(world.submit_all(world.http(a), all)) == "ok");
  REQUIRE(world.change(owner, Kind::remove, one, a));
  REQUIRE(world.change(owner, Kind::remove, two, a));
  world.restart();
  const auto again = world.submit_all(world.http(a), all);
  REQUIRE(reason_of(again) == "ok");
  CHECK(((*again)[0].repeated && (*again)[1].repeated));
  CHECK(reason_of(world.submit_all(world.http(a), {all[0], World::to(two, "3", "k3")})) == "member.none");
  CHECK(stored(world) == 2);
}

TEST_CASE("more than the queue has room for is turned away whole, and in turn") {
  World world({.queue_entries = 10, .queue_bytes = 100'000});
  int overloads = 0;
  world.host.bus().observe<Overloaded>([&](const Overloaded&) { ++overloads; });
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  CHECK(reason_of(world.submit_all(client.caller(), All(11, World::to_user(b, "x")))) == "queue.full");
  CHECK(reason_of(world.submit_all(world.http(a), All(11, World::to_user(b, "x")))) == "queue.full");
  CHECK(stored(world) == 0);
  CHECK(overloads == 2);
  Answers answers;
  const auto all = [&] { return answers.done<std::vector<Accepted>>("all"); };
  world.core->submit(client.caller(), World::to_user(b, "x"), answers.done("one"));
  world.core->submit_all(client.caller(), All(10, World::to_user(b, "x")), all());
  world.core->submit_all(client.caller(), All(5, World::to_user(b, "x")), all());
  world.core->submit(client.caller(), World::to_user(b, "x"), answers.done("one"));
  world.settle();
  CHECK(*answers.list == std::vector<std::string>{"one=ok", "all=queue.full", "all=ok", "one=ok"});
  CHECK(stored(world) == 7);
  CHECK(world.core->waiting() == 0);
  CHECK(reason_of(world.submit_all(client.caller(), All(9, World::to_user(b, std::string(1000, 'x'))))) == "ok");
  CHECK(world.no_holds());
}

TEST_CASE("a session's calls count in its window") {
  World world({.window = 2});
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  Later<std::vector<Accepted>> first, second;
  world.core->submit_all(client.caller(), {World::to_user(b, "1")}, first.done());
  CHECK(client.holds == 0);
  world.core->submit_all(client.caller(), {World::to_user(b, "bad")}, second.done());
  CHECK(client.holds == 1);
  world.settle();
  CHECK((first->ok() && !second->ok()));
  CHECK(client.session().in_flight == 0);
  CHECK(world.no_holds());
}

TEST_CASE("when the storage fails nobody hears a false ack, and what it kept after all is found by its client ids") {
  // Over a storage that waits an answer that was lost is asked for at once: unknown_outcome_test.cpp.
  World world;
  std::vector<std::string> refused;
  world.host.bus().observe<MessageRefused>([&](const MessageRefused& fact) { refused.push_back(fact.error.reason); });
  const auto a = world.user("a"), b = world.user("b");
  const auto group = world.group(a, {b})->conversation->id;
  auto& client = world.login(b);
  const All all{World::to_user(b, "one", "k1"), World::to(group, "two", "k2")};
  const bool lost = GENERATE(false, true);
  (lost ? world.storage.answers_to_lose : world.storage.commits_to_fail) = 1;
  CHECK(reason_of(world.submit_all(world.http(a), all)) == "storage.unavailable");
  CHECK(refused == std::vector<std::string>(2, "storage.unavailable"));
  CHECK(client.received.empty());
  CHECK(stored(world) == (lost ? 2 : 0));
  const auto again = world.submit_all(world.http(a), all);
  REQUIRE(reason_of(again) == "ok");
  for (const auto& accepted : *again) CHECK(accepted.repeated == lost);
  CHECK(stored(world) == 2);
}

TEST_CASE("what is refused before the round keeps its own reason when the storage fails the round") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  world.storage.commits_to_fail = 1;
  Answers answers;
  const auto all = [&] { return answers.done<std::vector<Accepted>>("all"); };
  world.core->submit_all(client.caller(), {World::to_user(b, "x"), World::to_user(b, "bad")}, all());
  world.core->submit(client.caller(), World::to_user(b, "x"), answers.done("one"));
  world.settle();
  CHECK(*answers.list == std::vector<std::string>{"all=content.invalid", "one=storage.unavailable"});
  world.core->stop();
  world.core->submit_all(client.caller(), {World::to_user(b, "x")}, all());
  world.settle();
  CHECK(answers.list->back() == "all=host.stopping");
}

}  // namespace
}  // namespace loft::tests
