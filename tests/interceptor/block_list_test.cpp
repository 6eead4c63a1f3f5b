#include "block_list/block_list.hpp"

#include <random>
#include <thread>

#include <catch2/catch.hpp>

#include "support.hpp"

using namespace policy_test;
using namespace loft::block_list;

namespace {

struct Blocking : Bench<BlockListPlugin> {
  std::shared_ptr<const User> ann = users.add("ann", 1);
  std::shared_ptr<const User> bob = users.add("bob", 2);
  FakeRoutes http;

  Blocking(Options options = {}) : Bench(options) {
    for (const auto& user : {ann, bob}) {
      Claims claims;
      claims.subject = user->handle;
      identity.tokens[user->handle] = claims;
    }
    messaging.infos.rule = [](const auto&) -> Result<ConversationRecord> {
      return Error{Code::not_found, "conversation.unknown", {}};
    };
  }

  void run() {
    Bench::run();
    plugin.routes(http);
  }

  unsigned edit(HttpMethod method, const std::string& owner, const std::string& other) {
    return http.request(method, "/api/v1/blocks/" + other, {}, {{"Authorization", "Bearer " + owner}})->status;
  }
  void block(const std::string& owner, const std::string& other) {
    REQUIRE(edit(HttpMethod::put, owner, other) == 204);
  }

  std::shared_ptr<Conversation> direct() const {
    auto out = std::make_shared<Conversation>();
    out->id = static_cast<ConversationId>(500);
    out->uuid = "uuid-of-500";
    out->low = ann->id;
    out->high = bob->id;
    return out;
  }

  /// From bob to ann, or to a group.
  MessageRecord record(ConversationKind kind) const {
    auto message = std::make_shared<Message>();
    message->id = static_cast<MessageId>(70);
    message->sender = bob->id;
    MessageRecord out;
    auto conversation = direct();
    conversation->kind = kind;
    out.conversation = conversation;
    out.message = message;
    out.sender = bob;
    if (kind == ConversationKind::direct) out.peer = ann;
    return out;
  }

  std::string says(const ConversationRef& to) {
    const auto verdict = ask(submission(caller(raw(bob->id)), to));
    return verdict.passed() ? "" : verdict.refusal().reason;
  }

  bool pushes(ConversationKind kind) {
    const auto of = record(kind);
    DeliverTo event;
    event.record = &of;
    event.recipient = ann->id;
    return ask(event).passed();
  }

  void store_message(ConversationKind kind) {
    Publisher<MessageStored> stored(host.bus());
    stored(MessageStored{{}, record(kind)});
  }
};

ConversationRef to(UserRef user) { return ConversationRef::direct(std::move(user)); }
ConversationRef number(std::uint64_t id) { return ConversationRef::of(static_cast<ConversationId>(id)); }

}  // namespace

TEST_CASE("a message to somebody who blocks its sender is refused, whatever name the receiver is called by") {
  Blocking bench;
  bench.run();
  CHECK(bench.says(to(UserRef::handle("ann"))).empty());
  bench.block("ann", "bob");
  CHECK(bench.says(to(UserRef::handle("ann"))) == "user.blocked");
  CHECK(bench.says(to(UserRef::handle_or_id("ann"))) == "user.blocked");
  CHECK(bench.says(to(UserRef::handle_or_id("1"))) == "user.blocked");
  CHECK(bench.says(to(UserRef::of(bench.ann->id))) == "user.blocked");
  CHECK(bench.says(to(UserRef::uuid(bench.ann->uuid))) == "user.blocked");
  CHECK(bench.says(to(UserRef::handle("1"))).empty());
  CHECK(bench.says(to(UserRef::handle("bob"))).empty());
  CHECK(bench.ask(submission(bench.caller(1), to(UserRef::handle("bob")))).passed());  // the other way
  CHECK(bench.edit(HttpMethod::del, "ann", "bob") == 204);
  CHECK(bench.says(to(UserRef::handle("ann"))).empty());
  CHECK(bench.host.metrics().value("blocked_refused_total") == 5);
}

TEST_CASE("a conversation that was there when its other end was blocked is refused by its own names") {
  Blocking bench;
  bench.messaging.infos.rule = [&](const auto& call) -> Result<ConversationRecord> {
    CHECK(call.request.ref.by == ConversationRef::By::direct);
    CHECK(call.request.ref.peer.number == 2);
    CHECK(raw(call.caller.user) == 1);
    ConversationRecord out;
    out.conversation = bench.direct();
    return out;
  };
  bench.run();
  CHECK(bench.says(number(500)).empty());
  bench.block("ann", "bob");
  CHECK(bench.says(number(500)) == "user.blocked");
  CHECK(bench.says(ConversationRef::uuid("uuid-of-500")) == "user.blocked");
  CHECK(bench.says(ConversationRef::handle_or_id("500")) == "user.blocked");
  CHECK(bench.says(number(501)).empty());
  CHECK(bench.ask(submission(bench.caller(1), number(500))).passed());
  CHECK(bench.ask(submission(bench.caller(3), number(500))).passed());
}

TEST_CASE("a conversation that begins later is known by its own names too") {
  Blocking bench;
  bench.run();
  bench.block("ann", "bob");
  Publisher<ConversationCreated> created(bench.host.bus());
  auto other = bench.direct();
  other->id = static_cast<ConversationId>(501);
  other->high = static_cast<UserId>(3);
  created(ConversationCreated{{}, other});
  created(ConversationCreated{{}, bench.direct()});
  CHECK(bench.says(number(500)) == "user.blocked");
  CHECK(bench.says(number(501)).empty());
}

TEST_CASE("pushes of a blocked user are withheld, in groups as the option says") {
  Blocking bench;
  bench.run();
  CHECK(bench.pushes(ConversationKind::direct));
  bench.block("ann", "bob");
  CHECK_FALSE(bench.pushes(ConversationKind::direct));
  CHECK_FALSE(bench.pushes(ConversationKind::group));
  CHECK(bench.host.metrics().value("blocked_withheld_total") == 2);
  Blocking open{{"in_groups", "deliver"}};
  open.run();
  open.block("ann", "bob");
  CHECK_FALSE(open.pushes(ConversationKind::direct));
  CHECK(open.pushes(ConversationKind::group));
}

TEST_CASE("what is dropped silently is taken, and hidden from its receiver") {
  Blocking bench{{"on_direct", "drop_silently"}};
  bench.run();
  bench.store_message(ConversationKind::direct);
  CHECK(bench.messaging.marks.calls.empty());
  bench.block("ann", "bob");
  CHECK(bench.says(to(UserRef::handle("ann"))).empty());
  bench.store_message(ConversationKind::group);
  CHECK(bench.messaging.marks.calls.empty());
  bench.store_message(ConversationKind::direct);
  REQUIRE(bench.messaging.marks.calls.size() == 1);
  const auto& call = bench.messaging.marks.calls[0];
  CHECK(call.caller.user == bench.ann->id);
  CHECK(call.request.mark == MarkId::hidden);
  CHECK(call.request.messages == std::vector{static_cast<MessageId>(70)});
  bench.messaging.marks.answer(Error{Code::overloaded, "queue.full", {}});
  CHECK(bench.host.log().lines().size() == 1);
}

TEST_CASE("lists are there again after a restart, and a damaged one stops the start") {
  Blocking first;
  first.run();
  first.block("ann", "bob");
  Blocking second;
  second.store.values = first.store.values;
  second.run();
  CHECK(second.says(to(UserRef::handle("ann"))) == "user.blocked");
  CHECK_FALSE(second.pushes(ConversationKind::group));
  CHECK(second.edit(HttpMethod::del, "ann", "bob") == 204);
  Blocking third;
  third.store.values = first.store.values;
  third.store.values.begin()->second = R"({"version":1,"owner":1,"blocked":["x"]})";
  CHECK_THROWS_WITH(third.run(), Catch::Contains("the value of 'blocks/1' is no block list"));
}

TEST_CASE("many lists are read page by page") {
  FakeKeyValues store;
  FakeMessaging messaging;
  Table table;
  for (std::uint64_t owner = 1; owner <= 1234; ++owner) {
    const List list{
        1, static_cast<UserId>(owner), "u" + std::to_string(owner), {}, {{static_cast<UserId>(9999), {}, {}}}};
    store.values[key_of(list.owner)] = encode(list);
  }
  Editor editor(table, store, messaging, 10);
  REQUIRE(editor.load().ok());
  for (std::uint64_t owner = 1; owner <= 1234; ++owner) {
    REQUIRE(table.blocks(static_cast<UserId>(owner), static_cast<UserId>(9999)));
  }
}

TEST_CASE("a list read back is the list that was written") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    List list{1 + random() % 1000, static_cast<UserId>(1 + random() % id::limit), "h\"\\\xC3\xA4", "uuid", {}};
    for (auto i = random() % 20; i > 0; --i) {
      Blocked one{static_cast<UserId>(1 + random() % id::limit), {}, {}};
      if (random() % 2 == 0) {
        one.conversation = static_cast<ConversationId>(1 + random() % id::limit);
        one.conversation_uuid = "c" + std::to_string(random());
      }
      list = with(std::move(list), one);
    }
    const auto again = decode(key_of(list.owner), encode(list));
    REQUIRE(again);
    REQUIRE(encode(*again) == encode(list));
  }
}

TEST_CASE("the longest list fits into one value of the store") {
  List list{~0ull >> 12, static_cast<UserId>(id::limit - 1), std::string(50, '"'), std::string(36, 'u'), {}};
  for (std::uint64_t i = 0; i < 700; ++i) {
    list.blocked.push_back(
        {static_cast<UserId>(id::limit - 1 - i), static_cast<ConversationId>(id::limit - 1), std::string(36, 'c')});
  }
  CHECK(encode(list).size() <= 64 * 1024);
}

TEST_CASE("an older list does not take the place of a newer one") {
  Table table;
  const auto owner = static_cast<UserId>(1), other = static_cast<UserId>(2);
  table.replace(List{3, owner, "ann", {}, {}});
  table.replace(List{2, owner, "ann", {}, {{other, {}, {}}}});
  CHECK_FALSE(table.blocks(owner, other));
  CHECK_FALSE(table.may_be_blocked(other));
}

TEST_CASE("threads that ask while lists change see each list whole") {
  Table table;
  const auto owner = static_cast<UserId>(1), a = static_cast<UserId>(2), b = static_cast<UserId>(3);
  table.replace(List{1, owner, "ann", {}, {{a, {}, {}}, {b, {}, {}}}});
  std::atomic<bool> over = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!over) wrong += !table.blocks(owner, a);  // which is in all of them
    });
  }
  for (std::uint64_t version = 2; version < 2000; ++version) {
    List list{version, owner, "ann", {}, {{a, {}, {}}}};
    if (version % 2 == 0) list = with(std::move(list), {b, {}, {}});
    table.replace(std::move(list));
  }
  over = true;
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK_FALSE(table.blocks(owner, b));
}
