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

  /// Why `sender` may not write to `receiver`; empty: it may.
  std::string says(const User& sender, const User& receiver) {
    const auto verdict = ask(WriteToUser{{}, caller(raw(sender.id)), receiver.id});
    return verdict.passed() ? "" : verdict.refusal().reason;
  }
  std::string says() { return says(*bob, *ann); }

  /// Whether ann is pushed what bob has written.
  bool pushes(ConversationKind kind) {
    auto message = std::make_shared<Message>();
    message->sender = bob->id;
    auto conversation = std::make_shared<Conversation>();
    conversation->kind = kind;
    MessageRecord of;
    of.conversation = conversation;
    of.message = message;
    of.sender = bob;
    DeliverTo event;
    event.record = &of;
    event.recipient = ann->id;
    return ask(event).passed();
  }
};

}  // namespace

TEST_CASE("a message to somebody who blocks its sender is refused, and the other way stays open") {
  Blocking bench;
  bench.run();
  CHECK(bench.says().empty());
  bench.block("ann", "bob");
  CHECK(bench.says() == "user.blocked");
  CHECK(bench.says(*bench.ann, *bench.bob).empty());
  CHECK(bench.says(*bench.users.add("eve", 3), *bench.ann).empty());
  CHECK(bench.edit(HttpMethod::del, "ann", "bob") == 204);
  CHECK(bench.says().empty());
  CHECK(bench.host.metrics().value("blocked_refused_total") == 1);
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

TEST_CASE("an option that is there no more is refused with what became of it") {
  for (const std::string value : {"refuse", "drop_silently"}) {
    Blocking bench{{"on_direct", value}};
    CHECK_THROWS_WITH(bench.run(),
                      Catch::Contains("there is no choice any more") && Catch::Contains("remove this option"));
  }
}

TEST_CASE("a list that an earlier version has stored is in force, and is edited") {
  const std::string stored =
      R"({"version":7,"owner":1,"handle":"ann","uuid":"u","blocked":[[3],[2,500,"uuid-of-500"]]})";
  Blocking bench;
  bench.store.values["blocks/1"] = stored;
  const auto eve = bench.users.add("eve", 3);
  bench.run();
  CHECK(bench.says() == "user.blocked");
  CHECK(bench.says(*eve, *bench.ann) == "user.blocked");
  CHECK(bench.edit(HttpMethod::del, "ann", "eve") == 204);
  CHECK(bench.says(*eve, *bench.ann).empty());
  CHECK(bench.store.values["blocks/1"] == R"({"version":8,"owner":1,"blocked":[2]})");
}

TEST_CASE("lists are there again after a restart, and a damaged one stops the start") {
  Blocking first;
  first.run();
  first.block("ann", "bob");
  Blocking second;
  second.store.values = first.store.values;
  second.run();
  CHECK(second.says() == "user.blocked");
  CHECK_FALSE(second.pushes(ConversationKind::group));
  CHECK(second.edit(HttpMethod::del, "ann", "bob") == 204);
  Blocking third;
  third.store.values = first.store.values;
  third.store.values.begin()->second = R"({"version":1,"owner":1,"blocked":["x"]})";
  CHECK_THROWS_WITH(third.run(), Catch::Contains("the value of 'blocks/1' is no block list"));
}

TEST_CASE("many lists are read page by page") {
  FakeKeyValues store;
  Table table;
  for (std::uint64_t owner = 1; owner <= 1234; ++owner) {
    const List list{1, static_cast<UserId>(owner), {static_cast<UserId>(9999)}};
    store.values[key_of(list.owner)] = encode(list);
  }
  Editor editor(table, store, 10);
  REQUIRE(editor.load().ok());
  for (std::uint64_t owner = 1; owner <= 1234; ++owner) {
    REQUIRE(table.blocks(static_cast<UserId>(owner), static_cast<UserId>(9999)));
  }
}

TEST_CASE("a list read back is the list that was written") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    List list{1 + random() % 1000, static_cast<UserId>(1 + random() % id::limit), {}};
    for (auto i = random() % 20; i > 0; --i)
      list = with(std::move(list), static_cast<UserId>(1 + random() % id::limit));
    const auto again = decode(key_of(list.owner), encode(list));
    REQUIRE(again);
    REQUIRE(encode(*again) == encode(list));
    REQUIRE(again->blocked == list.blocked);
  }
}

TEST_CASE("the longest list fits into one value of the store") {
  List list{~0ull >> 12, static_cast<UserId>(id::limit - 1), {}};
  for (std::uint64_t i = 0; i < 700; ++i) list.blocked.push_back(static_cast<UserId>(id::limit - 1 - i));
  CHECK(encode(list).size() <= 64 * 1024);
}

TEST_CASE("an older list does not take the place of a newer one") {
  Table table;
  const auto owner = static_cast<UserId>(1), other = static_cast<UserId>(2);
  table.replace(List{3, owner, {}});
  table.replace(List{2, owner, {other}});
  CHECK_FALSE(table.blocks(owner, other));
}

TEST_CASE("threads that ask while lists change see each list whole") {
  Table table;
  const auto owner = static_cast<UserId>(1), a = static_cast<UserId>(2), b = static_cast<UserId>(3);
  table.replace(List{1, owner, {a, b}});
  std::atomic<bool> over = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!over) wrong += !table.blocks(owner, a);  // which is in all of them
    });
  }
  for (std::uint64_t version = 2; version < 2000; ++version) {
    List list{version, owner, {a}};
    if (version % 2 == 0) list = with(std::move(list), b);
    table.replace(std::move(list));
  }
  over = true;
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK_FALSE(table.blocks(owner, b));
}

TEST_CASE("a user that is erased has no list any more, is told of before, and is asked about any number of times") {
  Blocking bench;
  bench.run();
  bench.block("ann", "bob");
  const auto asked = [&](auto event) {
    event.user = bench.ann->id;
    REQUIRE(Proposer<decltype(event)>(bench.host.bus()).now(event).passed());
    return event;
  };
  CHECK(asked(ExportUser{}).lines ==
        std::vector{std::pair<std::string, std::string>("interceptor.block_list.blocked", R"({"uid":2})")});
  EraseUser look;
  look.dry_run = true;
  CHECK(asked(look).counts.front().second == 1);
  CHECK(bench.says() == "user.blocked");
  CHECK(asked(EraseUser{}).counts.front().second == 1);
  CHECK(bench.says().empty());
  CHECK(asked(EraseUser{}).counts.front().second == 0);
  CHECK(asked(ExportUser{}).lines.empty());
  CHECK(bench.says(*bench.ann, *bench.bob).empty());
}
