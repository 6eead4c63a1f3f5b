// Interceptors, facts, limits, links and followers.
#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>
#include <set>

#include <loft/events.hpp>

#include "messaging/followers.hpp"
#include "world.hpp"

namespace loft::tests {
namespace {

std::string line(const char* what, MessageId id) { return std::string(what) + ":" + std::to_string(raw(id)); }

struct Answers {
  std::shared_ptr<std::vector<std::string>> list = std::make_shared<std::vector<std::string>>();
  Done<Accepted> done(std::string name) {
    return [list = list, name](Result<Accepted> result) { list->push_back(name + "=" + reason_of(result)); };
  }
};

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
                                          "recalled", "created", "membership", "closed", "lost", "recovered",
                                          "stored z 2"});
  CHECK(world.host.bus().failures().size() == 2);
}

TEST_CASE("a session with a full window stops reading until half of it is answered") {
  CoreOptions options;
  options.window = 4;
  World world(options);
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
  CoreOptions options;
  options.queue_entries = 3;
  World world(options);
  int overloads = 0;
  world.host.bus().observe<Overloaded>([&](const Overloaded&) { ++overloads; });
  const auto a = world.user("a"), b = world.user("b");
  auto& client = world.login(a);
  Answers answers;
  for (int i = 0; i < 5; ++i) {
    world.core->submit(client.caller(), World::to_user(b, "x"), answers.done(std::to_string(i)));
  }
  std::vector<std::string> others;
  const auto note = [&others](auto result) { others.push_back(reason_of(result)); };
  world.core->mark(client.caller(), {}, Done<Marked>(note));
  world.core->recall(client.caller(), {}, Done<Recalled>(note));
  world.core->create(client.caller(), {}, Done<ConversationRecord>(note));
  world.core->change_membership(client.caller(), {}, Done<MemberRecord>(note));
  CHECK(others.empty());
  world.settle();
  CHECK(*answers.list == std::vector<std::string>{"0=ok", "1=ok", "2=ok", "3=queue.full", "4=queue.full"});
  CHECK(others == std::vector<std::string>(4, "queue.full"));
  CHECK(overloads == 6);
  CHECK(reason_of(world.submit(client.caller(), World::to_user(b, "x"))) == "ok");
  CHECK(world.no_holds());
}

TEST_CASE("sizes are limited with a reason each") {
  CoreOptions options;
  options.content_bytes = 500;
  World world(options);
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

TEST_CASE("views beyond the limit go when nobody uses them, and come back exact") {
  CoreOptions options;
  options.cached_views = 3;
  World world(options);
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
  CoreOptions options;
  options.dedupe_keep = 1000;
  World world(options);
  const auto a = world.user("a"), b = world.user("b");
  for (int i = 0; i < 20; ++i) REQUIRE(world.submit(world.http(a), World::to_user(b, "x", std::to_string(i))));
  CHECK(world.storage.key_count() == 20);
  world.host.clock().advance(60'000);
  REQUIRE(world.submit(world.http(a), World::to_user(b, "x")));
  CHECK(world.storage.key_count() == 0);
}

// ---- followers

/// What a follower was given, from its thread.
struct Followed {
  std::mutex mutex;
  std::condition_variable more;
  std::vector<Position> positions;
  int failures = 0;
  bool throws = false;

  FollowerFn consume() {
    return [this](std::span<const Committed> entries) -> Result<void> {
      const std::lock_guard lock(mutex);
      if (failures > 0) {
        --failures;
        more.notify_all();
        if (throws) throw std::runtime_error("thrown by a consumer");
        return Error{Code::unavailable, "not.now", {}};
      }
      for (const auto& entry : entries) positions.push_back(entry.position);
      more.notify_all();
      return {};
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return more.wait_for(lock, std::chrono::seconds(20), [&] { return positions.size() >= count; });
  }
};

std::unique_ptr<Followers> follow(World& world, Followed& into, bool from_start, std::size_t batch = 3) {
  std::vector<Followers::Row> rows;
  rows.push_back({{"test.follower", batch, from_start}, into.consume()});
  auto followers = std::make_unique<Followers>(
      std::move(rows), world.storage, [&] { return world.core->stable(); }, world.host.log());
  followers->start();
  return followers;
}

TEST_CASE("a follower sees every entry in order, resumes after a restart and is asked again when it fails") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  std::vector<Position> expected;
  const auto send = [&] {
    expected.push_back(raw(world.submit(world.http(a), World::to_user(b, "x"))->record->message->id));
  };
  for (int i = 0; i < 7; ++i) send();
  Followed followed;
  followed.failures = 1;
  followed.throws = GENERATE(false, true);
  {
    auto followers = follow(world, followed, true);
    REQUIRE(followed.wait_for(7));
    send();
    REQUIRE(followed.wait_for(8));
    followers->stop();
  }
  CHECK(followed.positions == expected);
  world.restart();
  send(), send();
  {
    auto followers = follow(world, followed, true);
    REQUIRE(followed.wait_for(10));
  }
  CHECK(followed.positions == expected);
}

TEST_CASE("a new follower begins at the newest entry unless it asks for all") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  for (int i = 0; i < 5; ++i) REQUIRE(world.submit(world.http(a), World::to_user(b, "x")));
  Followed followed;
  world.storage.reads_fail = true;  // its position cannot be read at first
  auto followers = follow(world, followed, false);
  world.storage.reads_fail = false;
  // The follower's own first entry in the storage says that it has begun.
  while (!*world.storage.follower("test.follower")) std::this_thread::yield();
  const auto id = world.submit(world.http(a), World::to_user(b, "x"))->record->message->id;
  REQUIRE(followed.wait_for(1));
  followers->stop();
  CHECK(followed.positions == std::vector<Position>{raw(id)});
}

}  // namespace
}  // namespace loft::tests
