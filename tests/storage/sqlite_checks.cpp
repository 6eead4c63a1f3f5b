// What storage.sqlite's check finds, and what its readers say of rows that cannot be.
#include "shapes.hpp"
#include "sqlite_store.hpp"

using namespace storage_test;
using namespace loft::testing::storage;
using Catch::Contains;

TEST_CASE("sqlite: rows that the newest schema has are read as they were written", "[storage]") {
  const TemporaryDirectory directory;
  { const Running made(directory.path()); }
  {
    Raw raw(file_in(directory));
    st::Schema database(raw.handle());
    load_fixture(database, "schema_2");
  }
  Running running(directory.path());
  compare_house(*running.storage, false);
}

TEST_CASE("sqlite: dirty data of the newest schema is found by the check and refuses a step", "[storage]") {
  auto list = dirt(unlocked());
  list.push_back({"UPDATE \"user\" SET handle = CAST(x'ff41' AS TEXT) WHERE id = 10002", "\"user\"",
                  "10002: handle must be UTF-8"});
  list.push_back({"UPDATE conversation SET name = CAST(x'c3' AS TEXT) WHERE id = 20002", "conversation",
                  "20002: name must be UTF-8"});
  list.push_back({"UPDATE mark SET intervals = x'7b22ff227d' WHERE user_id = 10002", "mark", "'read' of user 10002"});
  list.push_back({"UPDATE message SET seq = 'x' WHERE id = 99530342400012", "message",
                  "conversation, seq or sender of 99530342400012 is NULL or no number"});
  const auto nullable = [](const std::string& table, const std::string& column) {
    return "PRAGMA writable_schema = ON;UPDATE sqlite_schema SET sql = replace(sql, '" + column +
           " BIGINT NOT NULL', '" + column + " BIGINT') WHERE name = '" + table + "';PRAGMA writable_schema = RESET;";
  };
  list.push_back({nullable("user", "created") + "UPDATE \"user\" SET created = NULL WHERE id = 10002", "\"user\"",
                  "10002: created must be a whole number"});
  list.push_back({nullable("message", "seq") + "UPDATE message SET seq = NULL WHERE id = 99530342400012", "message",
                  "conversation, seq or sender of 99530342400012 is NULL"});
  for (const auto& one : list) {
    Raw raw(":memory:");
    st::Schema database(raw.handle());
    move_in(database, all_steps, "schema_2");
    check_dirt(database, all_steps, st::Engine::sqlite, one);
  }
}

TEST_CASE("sqlite: the shape of the tables is read from the migrations", "[storage]") {
  Raw raw(":memory:");
  st::Schema database(raw.handle());
  check_shape_is_read_from_migrations(database, all_steps);
}

TEST_CASE("sqlite: a table, column, index or view that is missing is found by name", "[storage]") {
  for (const auto& loss :
       std::vector<Loss>{{"DROP VIEW offline_message_index", "view offline_message_index"},
                         {"DROP TABLE push_log", "table push_log"},
                         {"ALTER TABLE \"user\" DROP COLUMN profile", "column profile of table user"},
                         {"DROP INDEX message_log", "unique index message_log of table message"},
                         {"DROP INDEX conversation_broadcast", "index conversation_broadcast of table conversation"}}) {
    Raw raw(":memory:");
    st::Schema database(raw.handle());
    move_in(database, all_steps, "schema_2");
    check_loss(database, all_steps, loss);
  }
}

TEST_CASE("sqlite: clean data has no problems, and what only the deep check reads is found by it", "[storage]") {
  Raw raw(":memory:");
  st::Schema database(raw.handle());
  move_in(database, all_steps, "schema_2");
  const auto checks = st::checks_of(st::Engine::sqlite);
  const auto found = [&](bool deep) {
    return st::describe(st::problems(database, checks, static_cast<int>(all_steps.size()), deep, 10));
  };
  CHECK(found(true).empty());
  // Retention takes the oldest, and then all.
  raw.run(
      "DELETE FROM message WHERE conversation_id = 20002 AND seq < 3; DELETE FROM message WHERE id = 99530342400016");
  CHECK(found(true).empty());
  raw.run("DELETE FROM message WHERE id = 99530342400008");
  raw.run("UPDATE message SET content = CAST(x'80' AS TEXT), sender_id = 4, domain_id = 9 WHERE id = 99530342400012");
  CHECK(found(false).empty());
  CHECK_THAT(found(true), Contains("of conversation 20001 the seqs 1 to 3 should be there") &&
                              Contains("99530342400012: content must be UTF-8") &&
                              Contains("seq 3 of conversation 20002 is from user 4") &&
                              Contains("is of domain number 9"));
  raw.run(
      "INSERT INTO push_queue VALUES (1, 2, 3, 4, 0, 0, 0, 0, 0, NULL, NULL, '', ''); INSERT INTO push_log (user_id, "
      "message_id) VALUES (CAST(x'80' AS TEXT), 1); INSERT INTO device VALUES (5, -1, 'apns', 't', '', '', '', '', 0, "
      "0, "
      "0, '')");
  CHECK_THAT(found(true), Contains("table push_queue: 1, 2: state must be 0 to 3") &&
                              Contains("table push_log: 1: user_id must be UTF-8") &&
                              Contains("table device: 5: user_id must not be negative"));
}

TEST_CASE("sqlite: a row that was edited to what it cannot be is named by its reader, and no other is lost",
          "[storage]") {
  const TemporaryDirectory directory;
  { const Running made(directory.path()); }
  Raw raw(file_in(directory));
  st::Schema database(raw.handle());
  load_fixture(database, "schema_2");
  Running running(directory.path());
  check_corrupt_rows(database, running);
}

TEST_CASE("sqlite: what has no type or no value is named by reader and check alike", "[storage]") {
  struct Wrong {
    std::string column, value, read, found;
  };
  const std::vector<Wrong> list = {
      {"name", "NULL", "column name is NULL", "20002: name must not be NULL"},
      {"kind", "NULL", "column kind is NULL", "20002: kind must be a whole number"},
      {"created", "'soon'", "column created is no whole number", "20002: created must be a whole number"},
      {"owner_id", "-4", "column owner_id is -4", "20002: owner_id must not be negative"}};
  for (const auto& one : list) {
    INFO(one.column << " = " << one.value);
    const TemporaryDirectory directory;
    { const Running made(directory.path()); }
    {
      Raw raw(file_in(directory));
      st::Schema database(raw.handle());
      load_fixture(database, "schema_2");
      const auto allow_null = [&](const std::string& from, const std::string& to) {
        raw.run("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '" + from + "', '" + to +
                "') WHERE name = 'conversation'; PRAGMA writable_schema = RESET");
      };
      allow_null(" NOT NULL", " /* NOT NULL */");
      raw.run("UPDATE conversation SET " + one.column + " = " + one.value + " WHERE id = 20002");
      allow_null(" /* NOT NULL */", " NOT NULL");
      CHECK_THAT(st::describe(st::problems(database, st::checks_of(st::Engine::sqlite), 2, true, 10)),
                 Contains("table conversation: " + one.found));
    }
    Running running(directory.path());
    const auto answer = running->conversation(cid(20002));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().reason == "storage.corrupt");
    CHECK_THAT(answer.error().detail, Contains("table conversation, row 20002: " + one.read));
  }
}

TEST_CASE("sqlite: the rows of each table are counted, those too that no read comes by", "[storage]") {
  const TemporaryDirectory directory;
  Running running(directory.path());
  Raw raw(file_in(directory));
  st::Schema database(raw.handle());
  load_fixture(database, "schema_2");
  raw.run(
      "INSERT INTO member SELECT 777, 1, role, joined, joined_seq, muted_until, has_left, 0, 0 FROM member LIMIT 1");
  const auto counted = running.host.commands.at("storage.count")("{}");
  REQUIRE(counted);
  CHECK(*counted ==
        R"({"rows":{"user":4,"conversation":5,"member":7,"message":9,"change":3,"mark":2,"client_message":2,)"
        R"("key_value":2,"follower":1,"push_queue":0,"device":0,"push_log":0}})");
}
