// An older database is brought up, and what operators may ask it under the names of contract 000.
#include <sqlite_migrations.hpp>

#include "messaging/state.hpp"
#include "messaging/varint.hpp"

#include "plugin_under_test.hpp"
#include "raw.hpp"

#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;

namespace {

constexpr Millis day = 86'400'000;
constexpr Millis start = 1'760'000'000'000;

/// The id of a message that is so many milliseconds behind `start`.
MessageId at(Millis after) { return mid(id::first_at(start + after)); }

std::string marked(std::initializer_list<IntervalSet::Interval> runs) {
  Mark mark;
  for (const auto& run : runs) mark.set.insert(run.low, run.high, run.at);
  mark.newest = at(0);
  mark.reached = start;
  return mark.encode();
}

std::string hex(const std::string& bytes) {
  std::string text;
  for (const unsigned char c : bytes) {
    text += "0123456789ABCDEF"[c >> 4];
    text += "0123456789ABCDEF"[c & 15];
  }
  return text;
}

/// A database as the program with schema 1 left it, with a user, a group, a message, a change and marks of the old
/// form.
void make_schema_1(const std::string& path, const std::string& mark) {
  Raw raw(path);
  const auto& first = loft::storage::migrations[0];
  raw.run("PRAGMA journal_mode = WAL");
  raw.run(
      "CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, "
      "checksum VARCHAR(16) NOT NULL, applied BIGINT NOT NULL)");
  raw.run(std::string(first.sql));
  raw.run("INSERT INTO schema_migration VALUES (1, 'initial', '" + loft::storage::checksum(first.sql) + "', 0)");
  raw.run(
      "INSERT INTO \"user\" VALUES (1, 'alice', 'uuid-a', 5), (2, 'bob', 'uuid-b', 6);"
      "INSERT INTO conversation (id, head, last_id, kind, handle, uuid, name, description, avatar, owner_id, join_rule,"
      " created, updated) VALUES (10, 1, 1001, 1, 'town', 'uuid-c', 'Town', '', '', 1, 2, 7, 8);"
      "INSERT INTO member VALUES (10, 1, 2, 900, 0, 0, 0), (10, 2, 0, 901, 0, 77, 0);"
      "INSERT INTO domain VALUES (1, 'Core:Text');"
      "INSERT INTO message VALUES (1001, 10, 1, 1, 1, '{}', NULL, NULL);"
      "INSERT INTO change VALUES (1002, 10, 4, 1, 2, 0, 0);"
      "INSERT INTO mark VALUES (2, 10, 'read', x'" +
      hex(mark) +
      "'), (1, 10, 'hidden', x'0000');"
      "UPDATE progress SET applied_upto = 1002, position = 1002; INSERT INTO meta VALUES ('closed', 'yes')");
}

std::string count(Raw& raw, const std::string& condition) {
  return raw.run("SELECT count(*) FROM offline_message_index WHERE " + condition);
}

}  // namespace

TEST_CASE("sqlite: a database of schema 1 is brought up with all that was in it", "[storage]") {
  const TemporaryDirectory directory;
  Mark mark;
  mark.set.insert(1, 70, 0), mark.set.insert(300, 301, start), mark.set.insert(310, 320'000, start - day);
  mark.newest = mid((std::uint64_t{1} << 53) - 1);
  mark.reached = start + 7;
  std::string bytes;
  loft::varint::put(bytes, raw(mark.newest));
  loft::varint::put(bytes, static_cast<std::uint64_t>(mark.reached));
  mark.set.encode(bytes);
  make_schema_1(directory.path() + "/loft.db", bytes);

  Running running(directory.path());
  CHECK(logged(running.host, "migrations_applied=3"));
  const auto user = value(running->user_by_handle("bob"));
  REQUIRE(user);
  CHECK(same(*user, User{uid(2), "bob", "uuid-b", 6, ""}));
  const auto stored = value(running->conversation_by_handle("town"));
  REQUIRE(stored);
  CHECK(stored->head == 1);
  CHECK(stored->last_change == 1002);
  Conversation town{cid(10), ConversationKind::group};
  town.handle = "town", town.uuid = "uuid-c", town.name = "Town", town.owner = uid(1);
  town.join = JoinRule::invite_only, town.created = 7, town.updated = 8;
  CHECK(same(stored->conversation, town));
  const auto members = value(running->members(cid(10)));
  REQUIRE(members.size() == 2);
  CHECK(members[1].muted_until == 77);
  CHECK(members[1].muted_by == UserId::none);
  CHECK(value(running->log(cid(10), 1, 1, 1, false)).at(0).extras.empty());
  CHECK(value(running->changes(cid(10), 0, 9)).at(0).note.empty());
  CHECK(value(running->last_position()) == 1002);

  const auto read = Mark::decode(value(running->marks(cid(10), "read")).at(0).set);
  REQUIRE(read);
  CHECK(read->set == mark.set);
  CHECK(read->newest == mark.newest);
  CHECK(read->reached == mark.reached);
  CHECK(value(running->marks(cid(10), "hidden")).at(0).set == Mark{}.encode());
  CHECK(Raw(directory.path() + "/loft.db").run("SELECT synced FROM offline_message_index WHERE user_id = 'bob'") ==
        "1");
}

TEST_CASE("sqlite: offline_message_index says per member what others wrote and whether it is synced", "[storage]") {
  const TemporaryDirectory directory;
  Running running(directory.path());
  BatchData batch;
  batch.users = {a_user(1), a_user(2), a_user(3), a_user(4)};
  batch.users[0].handle = "bob", batch.users[1].handle = "Zoe", batch.users[2].handle = "al_ice";
  for (auto& user : batch.users) user.created = start;
  batch.conversations = {a_direct(10, 1, 2), a_group(11)};
  for (const std::uint64_t n : {1u, 2u}) batch.members.push_back({cid(10), uid(n), Role::member, 5, 0, 0, false});
  batch.members.push_back({cid(11), uid(1), Role::owner, 5, 0, 0, false});
  batch.members.push_back({cid(11), uid(2), Role::member, 5, 1, 0, false});  // joined behind the first message
  batch.members.push_back({cid(11), uid(3), Role::member, 5, 0, 0, true});   // has left
  Seq pair = 0, group = 0;
  for (Millis i = 0; i < 4; ++i) batch.say(cid(10), pair, at(1000 * i), uid(1), "{}");
  batch.say(cid(10), pair, at(9000), uid(2), "{}");
  for (Millis i = 0; i < 3; ++i) batch.say(cid(11), group, at(10'000 + 1000 * i), uid(1), "{}");
  batch.changes = {{raw(at(20'000)), cid(10), ChangeKind::recalled, uid(1), UserId::none, at(3000), Role::member}};
  batch.recalls = {{at(3000), raw(at(20'000)), uid(1)}};
  batch.marks = {{uid(2), cid(10), "netherlink.synced", marked({{1, 1, start + 5000}})},
                 {uid(2), cid(10), "read", marked({{2, 2, 0}})},
                 {uid(2), cid(11), "im.fetched", marked({{1, 9, 0}})},
                 {uid(2), cid(11), "hidden", marked({{2, 2, 0}})}};
  REQUIRE(value(running->commit(batch.view())).empty());

  Raw raw(directory.path() + "/loft.db");
  CHECK(count(raw, "1") == "5");  // three to Zoe and one to bob in the pair, one to Zoe in the group
  CHECK(count(raw, "user_id = 'Zoe' AND conversation_id = 'Zoe_bob'") == "3");
  CHECK(count(raw, "user_id = 'bob' AND conversation_id = 'Zoe_bob' AND NOT synced") == "1");
  CHECK(count(raw, "user_id = 'al_ice'") == "0");
  CHECK(count(raw, "conversation_id = 'group_11' AND user_id = 'Zoe' AND NOT synced") == "1");
  const auto row = [&](MessageId message, const std::string& column) {
    return raw.run("SELECT " + column + " FROM offline_message_index WHERE message_id = " +
                   std::to_string(loft::raw(message)) + " AND user_id = 'Zoe'");
  };
  CHECK(row(at(0), "synced") == "1");
  CHECK(row(at(0), "synced_at") == "2025-10-09 08:53:25");
  CHECK(row(at(0), "created_at") == "2025-10-09 08:53:20");
  CHECK(row(at(1000), "synced") == "1");
  CHECK(row(at(1000), "synced_at") == "");
  CHECK(row(at(2000), "synced") == "0");
  CHECK(row(at(2000), "id") == std::to_string(loft::raw(at(2000))));
  CHECK(row(at(3000), "count(*)") == "0");
  CHECK(row(at(11'000), "count(*)") == "0");  // hidden
  CHECK(row(at(12'000), "count(*)") == "1");

  // What NetherLink has cleared is gone from the table, and from nowhere else.
  BatchData cleared;
  cleared.marks = {{uid(2), cid(10), "netherlink.cleared", marked({{1, 1, start}})}};
  REQUIRE(value(running->commit(cleared.view())).empty());
  CHECK(row(at(0), "count(*)") == "0");
  CHECK(row(at(1000), "count(*)") == "1");
}

TEST_CASE("sqlite: offline_message_index has system and broadcast conversations, for users from their making on",
          "[storage]") {
  const TemporaryDirectory directory;
  Running running(directory.path());
  BatchData batch;
  batch.users = {a_user(1), a_user(2), a_user(9)};
  batch.users[0].created = start, batch.users[1].created = start + 1500, batch.users[2].created = start;
  auto news = a_group(20), note = a_group(21);
  news.kind = ConversationKind::broadcast, news.handle = "system:news";
  note.kind = ConversationKind::system, note.handle = "system:note:1";
  batch.conversations = {news, note};
  batch.members = {{cid(21), uid(1), Role::member, 5, 0, 0, false}, {cid(20), uid(1), Role::member, 5, 0, 0, false}};
  Seq first = 0, second = 0;
  for (Millis i = 0; i < 3; ++i) batch.say(cid(20), first, at(1000 * i), uid(9), "{}");
  batch.say(cid(21), second, at(5000), uid(9), "{}");
  batch.marks = {{uid(1), cid(20), "read", marked({{1, 2, start}})}};
  REQUIRE(value(running->commit(batch.view())).empty());
  Raw raw(directory.path() + "/loft.db");
  CHECK(count(raw, "user_id = 'user1' AND conversation_id = 'system:news'") == "3");
  CHECK(count(raw, "user_id = 'user1' AND synced") == "2");
  CHECK(count(raw, "user_id = 'user2'") == "1");
  CHECK(count(raw, "user_id = 'user9'") == "0");
  CHECK(count(raw, "conversation_id = 'system:note:1'") == "1");
}

TEST_CASE("sqlite: a mark of another make does not keep the index from being read", "[storage]") {
  const TemporaryDirectory directory;
  Running running(directory.path());
  BatchData batch;
  batch.users = {a_user(1), a_user(2)};
  batch.conversations = {a_direct(10, 1, 2)};
  for (const std::uint64_t n : {1u, 2u}) batch.members.push_back({cid(10), uid(n), Role::member, 5, 0, 0, false});
  Seq head = 0;
  batch.say(cid(10), head, at(0), uid(1), "{}");
  batch.marks = {{uid(2), cid(10), "read", "\x80\x80"}};
  REQUIRE(value(running->commit(batch.view())).empty());
  Raw raw(directory.path() + "/loft.db");
  CHECK(count(raw, "NOT synced") == "1");
}

TEST_CASE("sqlite: one user's part of the index is found without a look at the others'", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  Raw raw(directory.path() + "/loft.db");
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(
              raw.handle(), "EXPLAIN QUERY PLAN SELECT * FROM offline_message_index WHERE user_id = 'x' AND NOT synced",
              -1, &statement, nullptr) == SQLITE_OK);
  std::string lines;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    lines.append(reinterpret_cast<const char*>(sqlite3_column_text(statement, 3))).append("\n");
  }
  sqlite3_finalize(statement);
  INFO(lines);
  for (const auto* table : {"SCAN u", "SCAN m", "SCAN b", "SCAN c", "SCAN k"}) {
    CHECK(lines.find(table) == std::string::npos);
  }
}

TEST_CASE("sqlite: push_log takes rows as contract 000 describes them", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  Raw raw(directory.path() + "/loft.db");
  raw.run(
      "INSERT INTO push_log (user_id, message_id, push_type, push_status, push_time, error_msg) "
      "VALUES ('bob', 1760163332012743905, 'apns', 'failed', '2025-10-11 14:15:32', 'no route')");
  CHECK(raw.run("SELECT id FROM push_log WHERE message_id = 1760163332012743905 AND created_at IS NOT NULL") == "1");
}
