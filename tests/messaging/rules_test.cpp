// Interceptors, facts and limits.
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

TEST_CASE("interceptors check, rewrite and refuse, and refusals keep their place among the acks") {
  World world;
  auto& bus = world.host.bus();
  bus.intercept<SubmitMessage>(Stage::policy, [](SubmitMessage& event) -> Verdict {
    if (event.submission.content == "blocked!") return Verdict::refuse(Code::forbidden, "word.blocked");
    return {};
  });
  bus.intercept<SubmitMessage>(Stage::rewrite, [](SubmitMessage& event) -> Verdict {
    event.submission.content += "!";
    return {};
  });
  bus.intercept<SubmitMessage>(Stage::check, [](SubmitMessage& event) -> Verdict {
    if (event.submission.content == "throw") throw std::runtime_error("thrown by an interceptor");
    return {};
  });
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  Answers answers;
  const auto submit = [&](std::string content) {
    world.core->submit(client.caller(), World::to_user(b, content), answers.done(content));
  };
  submit("one"), submit("blocked"), submit("two"), submit("throw"), submit("bad"), submit("three");
  CHECK(answers.list->empty());
  world.settle();
  CHECK(*answers.list == std::vector<std::string>{"one=ok", "blocked=word.blocked", "two=ok",
                                                  "throw=interceptor.failed", "bad=ok", "three=ok"});
  CHECK(world.storage.all_messages().front().content == "one!");
  CHECK(world.no_holds());
}

TEST_CASE("an interceptor that waits holds its own session only, and answers or is late") {
  World world;
  std::vector<Resume> waiting;
  world.host.bus().intercept_waiting<SubmitMessage>(Stage::policy, 1000, [&](SubmitMessage& event, Resume resume) {
    if (event.submission.content == "wait")
      waiting.push_back(std::move(resume));
    else
      resume({});
  });
  const auto a = world.user("a"), b = world.user("b");
  auto& slow = world.login(a);
  auto& quick = world.login(b);
  Answers answers;
  world.core->submit(slow.caller(), World::to_user(b, "wait"), answers.done("slow"));
  world.settle();
  CHECK(slow.holds == 1);
  CHECK(quick.holds == 0);
  world.core->submit(quick.caller(), World::to_user(a, "now"), answers.done("quick"));
  world.settle();
  CHECK(*answers.list == std::vector<std::string>{"quick=ok"});
  const bool late = GENERATE(false, true);
  if (late)
    world.host.loop().advance(1001);
  else
    waiting.front()({});
  world.settle();
  CHECK(answers.list->back() == (late ? "slow=interceptor.timeout" : "slow=ok"));
  CHECK(world.no_holds());

  // A session that ends meanwhile hears nothing more.
  world.core->submit(slow.caller(), World::to_user(b, "wait"), answers.done("gone"));
  world.settle();
  slow.logout();
  waiting.back()({});
  world.settle();
  CHECK(answers.list->size() == 2);
  CHECK(world.no_holds());
}

TEST_CASE("facts are told once, after the commit") {
  World world;
  std::vector<std::string> facts;
  auto& bus = world.host.bus();
  bus.observe<MessageStored>([&](const MessageStored& fact) {
    facts.push_back("stored " + fact.record.message->content + " " +
                    std::to_string(world.storage.all_messages().size()));
  });
  bus.observe<MessageStored>([](const MessageStored&) { throw std::runtime_error("thrown by an observer"); });
  bus.observe<MessageRefused>([&](const MessageRefused& fact) { facts.push_back("refused " + fact.error.reason); });
  bus.observe<MessageRecalled>([&](const MessageRecalled&) { facts.push_back("recalled"); });
  bus.observe<MarkAdvanced>([&](const MarkAdvanced&) { facts.push_back("read"); });
  bus.observe<ConversationCreated>([&](const ConversationCreated&) { facts.push_back("created"); });
  bus.observe<MembershipChanged>([&](const MembershipChanged&) { facts.push_back("membership"); });
  bus.observe<UserCreated>([&](const UserCreated& fact) { facts.push_back("user " + fact.user->handle); });
  bus.observe<SessionOpened>([&](const SessionOpened&) { facts.push_back("opened"); });
  bus.observe<SessionClosed>([&](const SessionClosed&) { facts.push_back("closed"); });
  bus.observe<StorageLost>([&](const StorageLost&) { facts.push_back("lost"); });
  bus.observe<StorageRecovered>([&](const StorageRecovered&) { facts.push_back("recovered"); });
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(b);
  const auto sent = world.submit(world.http(a), World::to_user(b, "x", "k"));
  REQUIRE(world.submit(world.http(a), World::to_user(b, "x", "k"))->repeated);
  static_cast<void>(world.submit(world.http(a), World::to_user(b, "bad")));
  const auto id = sent->record->message->id;
  REQUIRE(world.read(b, {id}));
  REQUIRE(world.read(b, {id}));
  const auto recall = [&] {
    return world.ask<Recalled>([&](auto done) { world.core->recall(world.http(a), {id, 0, false}, std::move(done)); });
  };
  REQUIRE(recall());
  REQUIRE(recall()->repeated);
  const auto group = world.group(a, {})->conversation->id;
  REQUIRE(world.change(b, MembershipAct::Kind::join, group));
  client.logout();
  world.storage.commits_to_fail = 2;
  static_cast<void>(world.submit(world.http(a), World::to_user(b, "y")));
  static_cast<void>(world.submit(world.http(a), World::to_user(b, "y")));
  static_cast<void>(world.submit(world.http(a), World::to_user(b, "z")));
  CHECK(facts == std::vector<std::string>{"user a", "user b", "opened", "stored x 1", "refused content.invalid", "read",
                                          "recalled", "created", "membership", "closed", "lost",
                                          "refused storage.unavailable", "refused storage.unavailable", "recovered",
                                          "stored z 2"});
  CHECK(world.host.bus().failures().size() == 2);
}

TEST_CASE("a host that nobody uses because its storage failed is ready again when that works") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  world.storage.commits_to_fail = 1;
  REQUIRE_FALSE(world.submit(world.http(a), World::to_user(b, "x")));
  REQUIRE(world.core->health() == "the storage does not take messages");
  // A login writes nothing. The first period had a failure in it, the second one none.
  for (int period = 0; period < 2; ++period) {
    CHECK_FALSE(world.core->health().empty());
    world.host.clock().advance(10'000);
    world.login(a).logout();
  }
  CHECK(world.core->health().empty());
}

TEST_CASE("who was refused before the round hears the own reason also when the storage fails the round") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  world.storage.commits_to_fail = 1;
  Answers answers;
  world.core->submit(world.http(a), World::to_user(b, "bad"), answers.done("bad"));
  world.core->submit(world.http(a), World::to_user(b, "good"), answers.done("good"));
  world.settle();
  CHECK(*answers.list == std::vector<std::string>{"bad=content.invalid", "good=storage.unavailable"});
}

TEST_CASE("a session with a full window stops reading until half of it is answered") {
  World world({.window = 4});
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  Answers answers;
  for (int i = 0; i < 3; ++i) world.core->submit(client.caller(), World::to_user(b, "x"), answers.done("x"));
  CHECK(client.holds == 0);
  world.core->submit(client.caller(), World::to_user(b, "x"), answers.done("x"));
  CHECK(client.holds == 1);
  world.core->submit(client.caller(), World::to_user(b, "bad"), answers.done("x"));
  CHECK(client.holds == 1);
  world.settle();
  CHECK(answers.list->size() == 5);
  CHECK(world.no_holds());
}

TEST_CASE("a full queue turns submissions and acts away at once, in their turn") {
  World world({.queue_entries = 3});
  int overloads = 0;
  world.host.bus().observe<Overloaded>([&](const Overloaded&) { ++overloads; });
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  Answers answers;
  for (int i = 0; i < 5; ++i) {
    world.core->submit(client.caller(), World::to_user(b, "x"), answers.done(std::to_string(i)));
  }
  Answers others;
  world.core->mark(client.caller(), {}, others.done<Marked>("mark"));
  world.core->recall(client.caller(), {}, others.done<Recalled>("recall"));
  world.core->create(client.caller(), {}, others.done<ConversationRecord>("create"));
  world.core->change_membership(client.caller(), {}, others.done<MemberRecord>("change"));
  CHECK(others.list->empty());
  world.settle();
  CHECK(*answers.list == std::vector<std::string>{"0=ok", "1=ok", "2=ok", "3=queue.full", "4=queue.full"});
  CHECK(*others.list ==
        std::vector<std::string>{"mark=queue.full", "recall=queue.full", "create=queue.full", "change=queue.full"});
  CHECK(overloads == 6);
  CHECK(reason_of(world.submit(client.caller(), World::to_user(b, "x"))) == "ok");
  CHECK(world.no_holds());
}

TEST_CASE("sizes are limited with a reason each") {
  World world({.content_bytes = 500});
  const auto a = world.user("a"), b = world.user("b");
  const auto reason = [&](Submission submission) {
    return reason_of(world.submit(world.http(a), std::move(submission)));
  };
  CHECK(reason(World::to_user(b, std::string(500, 'x'))) == "ok");
  CHECK(reason(World::to_user(b, std::string(501, 'x'))) == "content.too_large");
  CHECK(reason(World::to_user(b, "x", std::string(128, 'k'))) == "ok");
  CHECK(reason(World::to_user(b, "x", std::string(129, 'k'))) == "client_id.too_long");
  CHECK(reason(World::to_user(b, "bad")) == "content.invalid");
  CHECK(reason(World::to_user(b, "throw")) == "domain.failed");
  auto unknown = World::to_user(b, "x");
  unknown.domain = "No:Such";
  CHECK(reason(std::move(unknown)) == "domain.unknown");
  CHECK(reason(World::to_user(b, "twist")) == "ok");
  CHECK(world.storage.all_messages().back().content == "twisted");
}

TEST_CASE("a full pool answers overloaded and holds nobody") {
  World world({}, 2, false);
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  REQUIRE(world.submit(client.caller(), World::to_user(b, "x")));
  world.threads.pool = HandThreads::Pool::full;
  const auto page = world.ask<Page>([&](auto done) { world.core->inbox(client.caller(), {}, std::move(done)); });
  CHECK(reason_of(page) == "pool.full");
  CHECK(reason_of(world.submit(client.caller(), World::to_user(static_cast<UserId>(9), "x"))) == "pool.full");
  MarkAct act;
  act.messages = {static_cast<MessageId>(1)};
  CHECK(reason_of(world.ask<Marked>([&](auto done) { world.core->mark(client.caller(), act, std::move(done)); })) ==
        "pool.full");
  auto& refused = world.connect();
  refused.login(UserRef::handle("nobody-known"), {});
  world.settle();
  REQUIRE(refused.login_answer);
  CHECK(reason_of(*refused.login_answer) == "pool.full");
  CHECK(world.no_holds());
  world.threads.pool = HandThreads::Pool::queued;
  CHECK(reason_of(world.submit(client.caller(), World::to_user(static_cast<UserId>(9), "x"))) == "user.unknown");
  CHECK(client.held_ever > 0);
  CHECK(world.no_holds());
}

TEST_CASE("what a contract throws in an answer leaves no hold behind and harms nobody else") {
  World world({}, 2, false);
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  world.threads.pool = HandThreads::Pool::queued;
  world.core->find(client.caller(), UserRef::handle("nobody"),
                   [](Result<UserPtr>) { throw std::runtime_error("in a contract"); });
  CHECK(client.holds == 1);
  world.settle();
  CHECK(world.no_holds());
  CHECK(world.host.log().contains("a contract's handler threw"));

  // One contract cannot encode: sessions of the other hear of it all the same.
  auto& good = world.connect(0, true);
  good.login(UserRef::of(b), World::delivering());
  auto& bad = world.login(b);
  world.settle();
  world.line.throws = true;
  REQUIRE(world.submit(world.http(a), World::to_user(b, "x")));
  world.line.throws = false;
  CHECK(good.received.size() == 1);
  CHECK(bad.received.empty());
}

TEST_CASE("views beyond the limit go when nobody uses them, and come back exact") {
  World world({.cached_views = 3});
  std::vector<UserId> users;
  for (int i = 0; i < 12; ++i) users.push_back(world.user("u" + std::to_string(i)));
  auto& client = world.login(users[1]);
  for (std::size_t i = 1; i < users.size(); ++i) {
    REQUIRE(world.submit(world.http(users[0]), World::to_user(users[i], "x")));
    CHECK(*world.unread(users[i]) == 1);
  }
  CHECK(world.core->cached_views() == users.size() - 1);
  world.host.clock().advance(60'000);
  REQUIRE(world.submit(world.http(users[0]), World::to_user(users[2], "x")));
  CHECK(world.core->cached_views() <= 3);
  REQUIRE(world.submit(world.http(users[0]), World::to_user(users[1], "y")));
  CHECK(client.received.size() == 2);
  for (std::size_t i = 1; i < users.size(); ++i) CHECK(*world.unread(users[i]) == (i <= 2 ? 2 : 1));
}

TEST_CASE("client ids are forgotten after their time, all of them") {
  World world({.dedupe_keep = 1000});
  const auto a = world.user("a"), b = world.user("b");
  for (int i = 0; i < 20; ++i) REQUIRE(world.submit(world.http(a), World::to_user(b, "x", std::to_string(i))));
  CHECK(world.storage.key_count() == 20);
  world.host.clock().advance(60'000);
  REQUIRE(world.submit(world.http(a), World::to_user(b, "x")));
  CHECK(world.storage.key_count() == 0);
}

TEST_CASE("every read asks the interceptors of reading first") {
  World world;
  int asked = 0;
  world.host.bus().intercept<ReadMessages>(Stage::policy, [&](ReadMessages&) -> Verdict {
    ++asked;
    return Verdict::refuse(Code::forbidden, "reads.closed");
  });
  const auto a = world.user("a"), b = world.user("b");
  const auto id = send(world, a, b);
  const auto ref = ConversationRef::direct(UserRef::of(b));
  const auto caller = world.http(a);
  auto& core = *world.core;
  std::vector<std::string> reasons;
  const auto note = [&](const auto& result) { reasons.push_back(reason_of(result)); };
  note(world.ask<MessageRecord>([&](auto done) { core.message(caller, id, std::move(done)); }));
  note(world.ask<Page>([&](auto done) { core.history(caller, {ref}, std::move(done)); }));
  note(world.ask<Page>([&](auto done) { core.inbox(caller, {}, std::move(done)); }));
  note(world.ask<SyncPage>([&](auto done) { core.sync(caller, {}, std::move(done)); }));
  note(world.ask<std::uint64_t>([&](auto done) { core.unread(caller, {}, std::move(done)); }));
  note(world.ask<std::uint64_t>([&](auto done) { core.unread(caller, {ref, 0}, std::move(done)); }));
  note(world.ask<std::vector<ConversationRecord>>([&](auto done) { core.conversations(caller, {}, std::move(done)); }));
  note(world.ask<ConversationRecord>([&](auto done) { core.conversation(caller, ref, true, std::move(done)); }));
  note(world.ask<std::vector<MemberRecord>>([&](auto done) { core.members(caller, ref, true, std::move(done)); }));
  note(world.ask<MarkState>([&](auto done) { core.mark_state(caller, ref, MarkId::read, std::move(done)); }));
  CHECK(reasons == std::vector<std::string>(10, "reads.closed"));
  CHECK(asked == 10);
}

TEST_CASE(
    "submissions without a session do not fill a full queue further, and the refusals of a session take no room") {
  World world({.queue_entries = 3});
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  std::size_t answered = 0;
  const auto count = [&](Result<Accepted>) { ++answered; };
  for (int i = 0; i < 3; ++i) world.core->submit(world.http(a), World::to_user(b, "x"), Done<Accepted>(count));
  for (int i = 0; i < 10'000; ++i) world.core->submit(world.http(a), World::to_user(b, "x"), Done<Accepted>(count));
  CHECK(world.core->waiting() == 3);
  for (int i = 0; i < 50; ++i) world.core->submit(client.caller(), World::to_user(b, "x"), Done<Accepted>(count));
  CHECK(world.core->waiting() == 53);
  world.settle();
  CHECK(answered == 10'053);
  // What was refused before it was queued leaves the room to others.
  for (int i = 0; i < 5; ++i) world.core->submit(client.caller(), World::to_user(b, "bad"), Done<Accepted>(count));
  Later<Accepted> sent;
  world.core->submit(client.caller(), World::to_user(b, "x"), sent.done());
  world.settle();
  CHECK(reason_of(*sent) == "ok");
  CHECK(world.core->waiting() == 0);
}

TEST_CASE("nothing counts as answered before its answer was handed back") {
  const bool instant = GENERATE(true, false);
  World world({}, 2, instant);
  const auto a = world.user("a"), b = world.user("b");
  std::atomic<int> posts{0}, early{0};
  const auto watch = [&] {
    ++posts;
    if (world.core->waiting() == 0) ++early;
  };
  Later<Accepted> sent, failed, late;
  world.core->submit(world.http(a), World::to_user(b, "x"), sent.done());
  world.threads.on_post = watch;
  world.core->turn_end(0);
  while (posts.load() == 0) std::this_thread::yield();
  world.core->stop();
  world.core->submit(world.http(a), World::to_user(b, "x"), late.done());
  world.core->turn_end(0);
  world.threads.on_post = nullptr;
  world.settle();
  CHECK(posts == 2);
  CHECK(early == 0);
  CHECK(reason_of(*sent) == "ok");
  CHECK(reason_of(*late) == "host.stopping");
}

TEST_CASE("while the clock is outside of what ids can say, writes are refused, and sessions and reads go on") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto first = send(world, a, b);
  const auto right = world.host.clock().now();
  const auto wrong = GENERATE(Millis{0}, id::epoch - 1, id::epoch + (Millis{1} << 41), INT64_MAX);
  world.host.clock().jump_to(wrong);
  const auto refused = world.submit(world.http(a), World::to_user(b, "x", "key"));
  REQUIRE(reason_of(refused) == "host.clock");
  CHECK(refused.error().code == Code::unavailable);
  CHECK(reason_of(world.read(b, {first})) == "host.clock");
  CHECK(reason_of(world.group(a, {b})) == "host.clock");
  CHECK_FALSE(world.core->health().empty());
  auto& client = world.login(b);
  CHECK(ids_of(world.inbox(b, MarkId::read)) == std::vector{first});
  CHECK(world.storage.all_messages().size() == 1);
  CHECK(world.host.log().contains("the clock is outside of what ids can say"));
  world.host.clock().jump_to(right + 1);
  const auto again = world.submit(world.http(a), World::to_user(b, "x", "key"));
  REQUIRE(reason_of(again) == "ok");
  CHECK_FALSE(again->repeated);
  CHECK(world.core->health().empty());
  CHECK(client.received.size() == 1);
}

}  // namespace
}  // namespace loft::tests
