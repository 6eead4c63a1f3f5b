// The data of tests/storage/fixtures: put into a database, compared through Storage, and made dirty.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <common/migration.hpp>

#include "plugin_under_test.hpp"

#include <loft/testing/storage/fixture.hpp>
#include <loft/testing/storage/push_fixture.hpp>

namespace storage_test {

namespace st = loft::storage;

/// Statement by statement, as drivers want them.
inline void load_fixture(st::SchemaDatabase& database, const std::string& name) {
  std::ifstream file(std::string(LOFT_SOURCE_DIR) + "/tests/storage/fixtures/" + name + ".sql");
  REQUIRE(file);
  std::string statement;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("--")) continue;
    statement += line + "\n";
    if (!line.ends_with(';')) continue;
    database.execute(statement.substr(0, statement.size() - 2));
    statement.clear();
  }
}

/// The tables as the first steps made them, with that fixture in them.
inline void move_in(st::SchemaDatabase& database, std::span<const st::Migration> steps, const std::string& fixture) {
  st::migrate(database, {steps, "the house", true, {}}, 0);
  load_fixture(database, fixture);
}

/// The rows of fixture push_log, and that ids go on behind them.
inline void compare_push_log(Storage& house) {
  using namespace loft::testing::storage;
  auto& ledger = *house.push_ledger();
  const auto rows = value(ledger.attempts(0, 10));
  REQUIRE(rows.size() == 3);
  CHECK(alike(rows[0], {7, "bob", mid(99530342400010), "apns", "success", 1760000000000, ""}));
  CHECK(alike(rows[1], {9, "李雷", mid(99530342400014), "fcm", "failed", 1760000001000, "UNREGISTERED"}));
  CHECK(alike(rows[2], {11, "bob", mid(99530342400014), "", "", 0, ""}));
  CHECK(value(ledger.attempts_of(mid(99530342400010), "bob", 0, 10)).size() == 1);
  const std::vector more{an_attempt(1, std::string(60, 'b'))};
  REQUIRE(ledger.settle(1, {{}, more, {}}));
  CHECK(value(ledger.attempts(11, 10)).at(0).id > 11);
  CHECK(value(ledger.forget_pushes(1760000001000, 10)) == 2);  // the first, and the new one
}

// What both fixtures say, and what schema 1 could not say by its default.

inline void compare_people(Storage& house, bool is_first) {
  using namespace loft::testing::storage;
  const auto bob = value(house.user_by_handle("bob"));
  REQUIRE(bob);
  CHECK(same(*bob, User{uid(10002), "bob", "0b7a4a3e-9c43-4a53-8c0e-2b8a5f6f1a02", 1760000000100,
                        is_first ? "" : R"({"name":"Bob"})"}));
  CHECK(value(house.user_by_handle("李雷"))->id == uid(10003));
  CHECK(value(house.users(UserId::none, 10)).size() == (is_first ? 3 : 4));

  const auto pair = value(house.conversation_by_pair(uid(10001), uid(10002)));
  REQUIRE(pair);
  CHECK(pair->head == 3);
  CHECK(pair->last == mid(99530342400010));
  const auto town = value(house.conversation_by_handle("town"));
  REQUIRE(town);
  Conversation wanted{cid(20002), ConversationKind::group};
  wanted.handle = "town", wanted.uuid = "c0000000-0000-4000-8000-000000000002", wanted.name = "Town 镇";
  wanted.description = "all of us", wanted.avatar = "a.png", wanted.owner = uid(10001);
  wanted.join = JoinRule::invite_only, wanted.created = 1760000002000, wanted.updated = 1760000002500;
  if (!is_first) wanted.topic = "bread", wanted.max_members = 50;
  CHECK(same(town->conversation, wanted));
  CHECK(town->last_change == 99530342400018);
  CHECK(value(house.broadcasts()).size() == (is_first ? 0 : 1));
}

inline void compare_members_and_log(Storage& house, bool is_first) {
  using namespace loft::testing::storage;
  const auto members = value(house.members(cid(20002)));
  REQUIRE(members.size() == 3);
  CHECK(members[1].role == Role::admin);
  CHECK(members[1].muted_until == 1760000099000);
  CHECK(members[1].muted_by == (is_first ? UserId::none : uid(10001)));
  CHECK(members[2].left);
  CHECK(members[2].joined_seq == 2);

  const auto log = value(house.log(cid(20001), 1, everything, 10, false));
  REQUIRE(log.size() == 3);
  CHECK(log[1].content == R"({"text":"Morgen ä ok ✓"})");
  CHECK(log[1].extras == (is_first ? "" : R"({"reply":99530342400007})"));
  CHECK(log[2].domain == "Core:File");
  const auto recalled = value(house.log(cid(20002), 2, 2, 1, false)).at(0);
  CHECK(recalled.recalled == 99530342400017);
  CHECK(recalled.recalled_by == uid(10002));
  CHECK(value(house.count_foreign(cid(20002), 1, 4, uid(10001))) == 1);
  CHECK(value(house.changes(cid(20002), 0, 10)).size() == 3);
  CHECK(value(house.changes(cid(20002), 0, 10))[1].note == (is_first ? "" : "oops"));
}

inline void compare_marks(Storage& house, bool is_first) {
  using namespace loft::testing::storage;
  const auto mine = value(house.memberships(uid(10002)));
  REQUIRE(mine.size() == 2);
  REQUIRE(mine[0].marks.size() == 1);
  CHECK(mine[0].marks[0].set ==
        R"({"newest":99530342400010,"reached":1760000010000,"set":[[1,1],[3,3,1760000010000]]})");
  CHECK(value(house.marks(cid(20002), "hidden")).at(0).set == R"({"newest":0,"reached":0,"set":[]})");
  CHECK(value(house.follower("push")) == 99530342400012);
  if (!is_first) CHECK(value(house.key_value("contract.auth", "alice")) == R"({"hash":"x"})");
  CHECK(value(house.last_position()) == 99530342400018);
}

inline void compare_house(Storage& house, bool is_first) {
  using namespace loft::testing::storage;
  compare_people(house, is_first);
  compare_members_and_log(house, is_first);
  compare_marks(house, is_first);

  // A client id of then is known, and one more message finds its place.
  BatchData batch;
  Seq head = 3;
  batch.say(cid(20001), head, mid(99530342400020), uid(10001), "{}",
            ClientKey{{81985529216486895, static_cast<std::uint64_t>(-1147797409030816546)}, 42});
  const auto repeated = value(house.commit(batch.view()));
  REQUIRE(repeated.duplicates.size() == 1);
  CHECK(repeated.duplicates[0].original == mid(99530342400007));
  CHECK(repeated.duplicates[0].digest == 42);
  batch.keys[0].reset();
  CHECK(value(house.commit(batch.view())).empty());
}

struct Dirt {
  std::string sql;
  std::string table;
  std::string words;  ///< of what is said about it
};

/// What no table keeps out. With `unlocked`, which drops what keeps names and keys apart in that database.
inline std::vector<Dirt> dirt(const std::vector<std::string>& unlocked) {
  const auto after = [&](std::size_t which, const std::string& sql) { return unlocked.at(which) + ";" + sql; };
  return {
      {"UPDATE message SET conversation_id = 777 WHERE id = 99530342400007", "message", "messages of conversation 777"},
      {"UPDATE member SET user_id = 999 WHERE conversation_id = 20001 AND user_id = 10002", "member",
       "conversation 20001 has the member 999, and there is no such user; DELETE FROM member WHERE conversation_id = "
       "20001 AND user_id = 999"},
      {"UPDATE member SET conversation_id = 888 WHERE conversation_id = 20001 AND user_id = 10002", "member",
       "user 10002 is a member of conversation 888"},
      {"DELETE FROM \"user\" WHERE id = 10002", "conversation",
       "20001 is of two users and names the pair '10001', "
       "'10002'"},
      {"UPDATE conversation SET low_id = NULL WHERE id = 20001", "conversation", "names the pair '', '10002'"},
      {"UPDATE conversation SET head = 2 WHERE id = 20001", "conversation",
       "20001 says its last message is seq 2, id 99530342400010, its log ends with seq 3, id 99530342400010; UPDATE "
       "conversation SET head = 3, last_id = 99530342400010 WHERE id = 20001"},
      {"UPDATE conversation SET last_id = 5 WHERE id = 20002", "conversation",
       "20002 says its last message is seq 4, "
       "id 5"},
      {after(0, "UPDATE message SET seq = 1 WHERE id = 99530342400008"), "message",
       "seq 1 is in conversation 20001 2 times"},
      {after(1, "UPDATE \"user\" SET handle = 'alice' WHERE id = 10002"), "\"user\"",
       "10001 and 10002 have the same handle"},
      {after(2, "UPDATE client_message SET sender_id = 10003, hash0 = 7, hash1 = 8 WHERE message_id = 99530342400007"),
       "client_message", "sender 10003 has the client ids of the messages 99530342400007 and 99530342400012 in common"},
      {"UPDATE \"user\" SET id = -5 WHERE id = 10003", "\"user\"", "-5 is no id of a user"},
      {"UPDATE conversation SET id = -6 WHERE id = 20002", "conversation", "-6 is no id of a conversation"},
      {"UPDATE message SET seq = -1 WHERE id = 99530342400009", "message", "seq -1 is in conversation 20002"},
      {"UPDATE message SET id = -7 WHERE id = 99530342400009", "message", "-7 is no id of a message"},
      {"UPDATE mark SET intervals = 'no json' WHERE user_id = 10002", "mark",
       "'read' of user 10002 in conversation 20001"},
      {"UPDATE mark SET conversation_id = 777 WHERE user_id = 10001", "mark",
       "user 10001 has marked 'hidden' in conversation 777"},
      {"UPDATE \"change\" SET conversation_id = 777 WHERE position = 99530342400013", "\"change\"",
       "changes of conversation 777"},
      {"UPDATE progress SET position = 5", "progress",
       "the largest position is said to be 5, and message "
       "995303424000"},
      {"UPDATE conversation SET kind = 9 WHERE id = 20002", "conversation", "20002: kind must be 0 to 3"},
      {"UPDATE conversation SET join_rule = -1 WHERE id = 20002", "conversation", "20002: join_rule must be 0 to 2"},
      {"UPDATE member SET role = 3 WHERE conversation_id = 20002 AND user_id = 10002", "member",
       "20002, 10002: role must be 0 to 2"},
      {"DELETE FROM progress", "progress", "it has 0 rows in place of one"}};
}

/// Rows that tables take and no reader does: each answers with table, row and column, the log hears of it once, and
/// all others are read. `database` holds schema_2 and is that of `running`.
inline void check_corrupt_rows(st::SchemaDatabase& database, Running& running) {
  const auto refused = [](const auto& answer) {
    return answer.ok() ? std::string("it was read") : answer.error().reason + ": " + answer.error().detail;
  };
  auto& storage = *running.storage;
  using loft::testing::storage::value;
  const auto c = [](std::uint64_t n) { return static_cast<ConversationId>(n); };

  database.execute("UPDATE conversation SET kind = 9 WHERE id = 20003");
  const std::string kind = "storage.corrupt: table conversation, row 20003: column kind is 9, which it cannot be";
  CHECK(refused(storage.conversation(c(20003))) == kind);
  CHECK(refused(storage.all_conversations(ConversationId::none, 10)) == kind);
  CHECK(refused(storage.conversations(std::vector{c(20001), c(20003)})) == kind);
  CHECK(value(storage.all_conversations(ConversationId::none, 2)).size() == 2);
  CHECK(value(storage.all_conversations(c(20003), 10)).size() == 2);
  CHECK(value(storage.conversation(c(20001)))->head == 3);
  std::size_t told = 0;
  for (const auto& line : running.host.log().lines()) {
    told += line.text.find("a stored row cannot be read") != std::string::npos ? 1 : 0;
  }
  CHECK(told == 1);
  CHECK(storage.health().empty());

  database.execute("UPDATE conversation SET kind = 2, join_rule = -3 WHERE id = 20003");
  CHECK_THAT(refused(storage.conversation(c(20003))), Catch::Contains("column join_rule is -3"));
  database.execute("UPDATE conversation SET join_rule = 0, max_members = 4294967296 WHERE id = 20003");
  CHECK_THAT(refused(storage.conversation(c(20003))), Catch::Contains("column max_members is 4294967296"));
  database.execute("UPDATE conversation SET max_members = 0 WHERE id = 20003");
  CHECK(value(storage.conversation(c(20003)))->head == 1);

  database.execute("UPDATE member SET role = 3 WHERE conversation_id = 20002 AND user_id = 10002");
  const std::string role = "storage.corrupt: table member, row 20002, 10002: column role is 3, which it cannot be";
  CHECK(refused(storage.members(c(20002))) == role);
  CHECK(refused(storage.memberships(static_cast<UserId>(10002))) == role);
  database.execute("UPDATE \"change\" SET kind = 8 WHERE position = 99530342400013");
  CHECK_THAT(refused(storage.changes(c(20002), 0, 10)),
             Catch::Contains("table change, row 99530342400013: column kind is 8"));
  CHECK(value(storage.changes(c(20002), 99530342400013, 10)).size() == 2);
  database.execute("UPDATE \"change\" SET role = 77 WHERE position = 99530342400018");
  CHECK_THAT(refused(storage.since(99530342400017, 10)),
             Catch::Contains("table change, row 99530342400018: column role is 77"));
  database.execute("UPDATE message SET domain_id = 9 WHERE id = 99530342400007");
  CHECK(refused(storage.log(c(20001), 1, 3, 10, false)) ==
        "storage.corrupt: table message, row 99530342400007: column domain_id is 9, which table domain does not have");
  CHECK(value(storage.log(c(20001), 2, 3, 10, false)).size() == 2);
  CHECK(storage.health().empty());
}

/// Statements apart by `;`.
inline void execute_all(st::SchemaDatabase& database, const std::string& sql) {
  for (std::size_t from = 0; from < sql.size();) {
    const auto end = std::min(sql.find(';', from), sql.size());
    if (end != from) database.execute(sql.substr(from, end - from));
    from = end + 1;
  }
}

/// A next step, so that there is something to take on every database.
inline std::vector<st::Migration> with_next_step(std::span<const st::Migration> known) {
  std::vector<st::Migration> list(known.begin(), known.end());
  list.push_back({static_cast<int>(list.size()) + 1, "next", "CREATE TABLE next_step (id BIGINT);\n"});
  return list;
}

/// Refused with table, row and remedy, nothing changed; and found by the deep check.
inline void check_dirt(st::SchemaDatabase& database, std::span<const st::Migration> known, st::Engine engine,
                       const Dirt& one) {
  INFO(one.sql);
  execute_all(database, one.sql);
  const auto checks = st::checks_of(engine);
  const auto steps = with_next_step(known);
  std::string said;
  try {
    st::migrate(database, {steps, "the house", true, checks}, 0);
  } catch (const st::SchemaError& e) {
    said = e.what();
  }
  CHECK_THAT(said, Catch::Contains("the house has rows that the new schema cannot take, so nothing was changed") &&
                       Catch::Contains("table " + one.table + ": ") && Catch::Contains(one.words));
  CHECK_FALSE(database.has_table("next_step"));
  CHECK(st::look(database, steps, "the house").stored == known.size());
  const auto found = st::describe(st::problems(database, checks, static_cast<int>(known.size()), true, 10));
  CHECK_THAT(found, Catch::Contains("table " + one.table + ": ") && Catch::Contains(one.words));
}

}  // namespace storage_test
