// What storage.mysql keeps, seen from outside and in sizes that the suite does not have.
#include "mysql_server.hpp"

#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;

TEST_CASE("mysql: a message of 16 MiB is kept byte for byte", "[storage]") {
  auto options = mysql_options(new_mysql_database());
  options["statement_timeout"] = std::int64_t{60'000};
  const auto bulk = GENERATE(0, 1);
  options["bulk"] = std::int64_t{bulk};
  Running store("/nonexistent", options, "storage.mysql");
  std::string text = "\xF0\x9F\x98\x80";
  while (text.size() < (16u << 20))
    text.append(text.data(), std::min<std::size_t>(text.size(), (16u << 20) - text.size()));
  BatchData batch;
  batch.conversations = {a_group(10)};
  Seq head = 0;
  for (std::uint64_t i = 0; i < 3; ++i) batch.say(cid(10), head, mid(100 + i), uid(1), i == 1 ? text : "small", {});
  REQUIRE(value(store->commit(batch.view())).empty());
  const auto log = value(store->log(cid(10), 1, 10, 10, false));
  REQUIRE(log.size() == 3);
  CHECK((log[1].content == text));
  CHECK(log[2].content == "small");
}

TEST_CASE("mysql: what the server could not take is refused whole, and the store goes on", "[storage]") {
  auto options = mysql_options(new_mysql_database());
  options["bulk"] = std::int64_t{GENERATE(0, 1)};
  Running store("/nonexistent", options, "storage.mysql");
  Seq head = 0;
  for (const auto& text :
       {std::string(70 << 20, 'x'), std::string("no UTF-8: \xFF"), std::string("cut: \xF0\x9F\x98")}) {
    BatchData batch;
    batch.conversations = {a_group(10)};
    Seq after = head;
    for (std::uint64_t i = 0; i < 3; ++i) batch.say(cid(10), after, mid(100 + i), uid(1), i == 1 ? text : "small", {});
    const auto done = store->commit(batch.view());
    REQUIRE_FALSE(done);
    CHECK(done.error().reason == "storage.broken");
    CHECK_FALSE(value(store->conversation(cid(10))));
    CHECK(value(store->messages(std::vector{mid(100), mid(101), mid(102)})).empty());
    CHECK(store->health().empty());
  }
  BatchData batch;
  batch.conversations = {a_group(10)};
  batch.say(cid(10), head, mid(100), uid(1), "fine", {});
  CHECK(value(store->commit(batch.view())).empty());
}

TEST_CASE("mysql: many ids are found in the order they are asked for", "[storage]") {
  Running store("/nonexistent", mysql_options(new_mysql_database()), "storage.mysql");
  BatchData batch;
  std::vector<ConversationId> ids;
  for (std::uint64_t i = 1; i <= 1300; ++i) {
    batch.conversations.push_back(a_group(i * 2));
    ids.push_back(cid(i * 2));
    ids.push_back(cid(i * 2 + 1));  // there is none
  }
  REQUIRE(value(store->commit(batch.view())).empty());
  const auto all = value(store->conversations(ids));
  REQUIRE(all.size() == 1300);
  for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i].conversation.id == cid((i + 1) * 2));
  const std::vector<ConversationId> mixed{cid(20), cid(4), cid(5), cid(20), cid(8)};
  const auto some = value(store->conversations(mixed));
  REQUIRE(some.size() == 4);
  CHECK(some[0].conversation.id == cid(20));
  CHECK(some[1].conversation.id == cid(4));
  CHECK(some[2].conversation.id == cid(20));
  CHECK(some[3].conversation.id == cid(8));
}

TEST_CASE("mysql: names that differ in trailing blanks, case or accents are different names", "[storage]") {
  Running store("/nonexistent", mysql_options(new_mysql_database()), "storage.mysql");
  BatchData batch;
  const std::vector<std::string> names{"a", "a ", "A", "\xC3\xA1", "a\xCC\x81", std::string("a\0", 2), "a\t"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    batch.users.push_back({uid(i + 1), names[i], "uuid" + names[i], 0, ""});
    batch.key_values.push_back({"space", names[i], std::to_string(i)});
  }
  REQUIRE(value(store->commit(batch.view())).empty());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto user = value(store->user_by_handle(names[i]));
    REQUIRE(user);
    CHECK(user->id == uid(i + 1));
    CHECK(value(store->user_by_uuid("uuid" + names[i]))->id == uid(i + 1));
    CHECK(value(store->key_value("space", names[i])) == std::to_string(i));
  }
  CHECK_FALSE(value(store->user_by_handle("b")));
  CHECK_FALSE(value(store->user_by_handle("")));
}

TEST_CASE("mysql: the views of contract 000 have the columns and values that SQLite's have", "[storage]") {
  const auto name = new_mysql_database();
  Running store("/nonexistent", mysql_options(name), "storage.mysql");
  BatchData batch;
  batch.users = {{uid(1), "ann", "", 1735689600000, ""}, {uid(5), "bob", "", 1735689600000, ""}};
  Conversation pair;
  pair.id = cid(2);
  pair.kind = ConversationKind::direct;
  pair.low = uid(1);
  pair.high = uid(5);
  batch.conversations = {pair};
  batch.members = {{cid(2), uid(1), Role::member, 1, 0, 0, false}, {cid(2), uid(5), Role::member, 1, 0, 0, false}};
  Seq head = 0;
  for (std::uint64_t i = 0; i < 4; ++i) batch.say(cid(2), head, mid((10'000ull << 12) + i), uid(5), "text", {});
  batch.marks = {{uid(1), cid(2), "read", R"({"newest":2,"reached":2,"set":[[1,2,1735689700999]]})"},
                 {uid(1), cid(2), "hidden", R"({"newest":3,"reached":3,"set":[[3,3]]})"},
                 {uid(5), cid(2), "acme.mark", "no JSON at all \xFF"}};
  REQUIRE(value(store->commit(batch.view())).empty());
  RawMysql raw(name);
  CHECK(raw.run("SELECT user_id, conversation_id, name, low, high, \"at\" FROM mark_run ORDER BY name") ==
        "1|2|hidden|3|3|NULL\n1|2|read|1|2|1735689700999");
  const auto id = [](std::uint64_t i) { return std::to_string((10'000ull << 12) + i); };
  CHECK(raw.run("SELECT id, user_id, message_id, conversation_id, created_at, synced, synced_at "
                "FROM offline_message_index ORDER BY id") ==
        id(0) + "|ann|" + id(0) + "|ann_bob|2025-01-01 00:00:10|1|2025-01-01 00:01:40\n" +  //
            id(1) + "|ann|" + id(1) + "|ann_bob|2025-01-01 00:00:10|1|2025-01-01 00:01:40\n" + id(3) + "|ann|" + id(3) +
            "|ann_bob|2025-01-01 00:00:10|0|NULL");
}
