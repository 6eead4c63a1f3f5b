// Upgrades of storage.sqlite from each schema there was, dirty data, looking without a trace, backups.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include <sqlite/schema.hpp>
#include <sqlite/startup.hpp>
#include <sqlite_migrations.hpp>

#include "house.hpp"
#include "raw.hpp"
#include "shapes.hpp"

using namespace storage_test;
using namespace loft::testing::storage;
using Catch::Contains;

namespace {

const std::span<const st::Migration> all(st::migrations);

std::string file_in(const TemporaryDirectory& directory) { return directory.path() + "/loft.db"; }

/// A file as the program with that schema left it.
void make_house(const TemporaryDirectory& directory, std::size_t schema) {
  Raw raw(file_in(directory));
  raw.run("PRAGMA journal_mode = WAL");
  st::Schema database(raw.handle());
  move_in(database, all.first(schema), schema == 1 ? "schema_1" : "schema_2");  // schema 3 has the same rows
  if (schema > 1) load_fixture(database, "push_log");
}

/// Configured and set up, never started.
struct Resting {
  explicit Resting(const TemporaryDirectory& directory)
      : host("storage.under_test", directory.path()), storage(make("storage.sqlite", host)) {}
  Storage* operator->() const { return storage.get(); }

  FakeHost host;
  std::unique_ptr<Storage> storage;
};

std::set<std::string> files_in(const TemporaryDirectory& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    names.insert(entry.path().filename().string() + " " + std::to_string(entry.file_size()));
  }
  return names;
}

std::string steps_of(const Result<StorageSchema>& schema) {
  if (!schema) return schema.error().reason + ": " + schema.error().detail;
  std::string text;
  for (const auto& step : schema->steps) text += step.taken ? step.known ? '+' : '?' : '-';
  return text;
}

std::vector<std::string> unlocked() { return {"", "DROP INDEX user_handle", "DROP INDEX client_message_key"}; }

/// As `steps_of` says it when so many of all steps are taken.
std::string taken(std::size_t count) { return std::string(count, '+') + std::string(all.size() - count, '-'); }

}  // namespace

TEST_CASE("sqlite: a store of each schema there was is brought up with all that was in it", "[storage]") {
  for (std::size_t schema = 1; schema < all.size(); ++schema) {
    INFO("schema " << schema);
    const TemporaryDirectory directory;
    make_house(directory, schema);
    {
      Resting resting(directory);
      CHECK(steps_of(resting->schema()) == taken(schema));
      CHECK(steps_of(resting->migrate()) == taken(all.size()));
      CHECK(steps_of(resting->migrate()) == taken(all.size()));
    }
    Running running(directory.path());
    CHECK(logged(running.host, "migrations_applied=0"));
    compare_house(*running.storage, schema == 1);
    if (schema > 1) compare_push_log(*running.storage);
  }
}

TEST_CASE("sqlite: an upgrade counts what each sender has in each whole block of a log", "[storage]") {
  const TemporaryDirectory directory;
  make_house(directory, 2);
  Raw raw(file_in(directory));
  raw.run(
      "INSERT INTO conversation (id, head, last_id, kind, name, description, avatar, owner_id, join_rule, created, "
      "updated) VALUES (20009, 600, 99530342300600, 1, '', '', '', 10001, 0, 0, 0);"
      "INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content) "
      "WITH RECURSIVE n(i) AS (SELECT 101 UNION ALL SELECT i + 1 FROM n WHERE i < 600) "
      "SELECT 99530342300000 + i, 20009, i, CASE WHEN i % 4 = 0 THEN 10002 ELSE 10001 END, 1, '{}' FROM n");
  CHECK(steps_of(Resting(directory)->migrate()) == taken(all.size()));
  CHECK(raw.run("SELECT group_concat(conversation_id || ' ' || sender_id || ' ' || upto || ' ' || sent, ', ') "
                "FROM (SELECT * FROM sent_count ORDER BY 1, 2, 3)") ==
        "20009 10001 256 117, 20009 10001 512 192, 20009 10002 256 39, 20009 10002 512 64");
  {
    // Retention leaves the second block whole, and the check looks for that one alone.
    st::Schema database(raw.handle());
    const auto found = [&] {
      return st::describe(
          st::problems(database, st::checks_of(st::Engine::sqlite), static_cast<int>(all.size()), true, 10));
    };
    CHECK(found().empty());
    raw.run("UPDATE sent_count SET sent = 9 WHERE conversation_id = 20009 AND sender_id = 10002");
    CHECK_THAT(found(), Contains("user 10002 wrote 64 messages in the 256 up to seq 512 of conversation 20009") &&
                            Contains("INSERT INTO sent_count VALUES (20009, 10002, 512, 64)") &&
                            !Contains("up to seq 256"));
    raw.run("DELETE FROM sent_count WHERE conversation_id = 20009 AND sender_id = 10002 AND upto = 512");
    CHECK_THAT(found(), Contains("user 10002 wrote 64 messages in the 256 up to seq 512 of conversation 20009"));
    raw.run("INSERT INTO sent_count VALUES (20009, 10002, 512, 64); UPDATE sent_count SET sent = 39 WHERE sent = 9");
    CHECK(found().empty());
    raw.run("INSERT INTO sent_count VALUES (20009, 10003, 512, 1)");
    CHECK_THAT(found(), Contains("user 10003 wrote nothing in the 256 up to seq 512 of conversation 20009"));
    raw.run("DELETE FROM sent_count WHERE sender_id = 10003");
    CHECK(found().empty());
    // Of a log that was longer, and lost its end.
    raw.run("INSERT INTO sent_count VALUES (20009, 10001, 768, 9)");
    CHECK(found().empty());
  }
  Running running(directory.path());
  CHECK(value(running->count_foreign(cid(20009), 1, 600, uid(10001))) == 125);
  CHECK(value(running->count_foreign(cid(20009), 1, 600, uid(10002))) == 375);
  BatchData batch;
  for (Seq head = 600; head < 768;) batch.say(cid(20009), head, mid(99530342300001 + head), uid(10001), "{}");
  REQUIRE(value(running->commit(batch.view())).empty());
  CHECK(value(running->count_foreign(cid(20009), 1, 768, uid(10001))) == 125);
  CHECK(value(running->count_foreign(cid(20009), 1, 768, uid(10002))) == 543);
}

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

TEST_CASE("sqlite: dirty data of an older schema is refused by table and row, and nothing is changed", "[storage]") {
  for (std::size_t schema = 1; schema < all.size(); ++schema) {
    for (const auto& one : dirt(unlocked())) {
      INFO("schema " << schema << ": " << one.sql);
      const TemporaryDirectory directory;
      make_house(directory, schema);
      {
        Raw raw(file_in(directory));
        st::Schema database(raw.handle());
        execute_all(database, one.sql);
      }
      Resting resting(directory);
      const auto answer = resting->migrate();
      REQUIRE_FALSE(answer);
      CHECK(answer.error().reason == "storage.schema");
      CHECK_THAT(answer.error().detail, Contains(file_in(directory) + " has rows that the new schema cannot take") &&
                                            Contains("table " + one.table + ": ") && Contains(one.words));
      CHECK(steps_of(resting->schema()) == taken(schema));
      CHECK_THAT(refusal(directory.path()), Contains(one.words));
    }
  }
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
    move_in(database, all, "schema_2");
    check_dirt(database, all, st::Engine::sqlite, one);
  }
}

TEST_CASE("sqlite: the shape of the tables is read from the migrations", "[storage]") {
  Raw raw(":memory:");
  st::Schema database(raw.handle());
  check_shape_is_read_from_migrations(database, all);
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
    move_in(database, all, "schema_2");
    check_loss(database, all, loss);
  }
}

TEST_CASE("sqlite: clean data has no problems, and what only the deep check reads is found by it", "[storage]") {
  Raw raw(":memory:");
  st::Schema database(raw.handle());
  move_in(database, all, "schema_2");
  const auto checks = st::checks_of(st::Engine::sqlite);
  const auto found = [&](bool deep) {
    return st::describe(st::problems(database, checks, static_cast<int>(all.size()), deep, 10));
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

TEST_CASE("sqlite: marks of schema 1 that end in the middle of a number are refused", "[storage]") {
  const TemporaryDirectory directory;
  make_house(directory, 1);
  Raw(file_in(directory)).run("UPDATE mark SET intervals = x'0580' WHERE name = 'hidden'");
  Resting resting(directory);
  CHECK_THAT(steps_of(resting->migrate()),
             Contains("table mark: 'hidden' of user 10001 in conversation 20002 ends in the middle of a number"));
}

TEST_CASE("sqlite: looking at a store makes no file and changes none, whatever there is", "[storage]") {
  const TemporaryDirectory empty;
  CHECK(steps_of(Resting(empty)->schema()) == taken(0));
  CHECK(files_in(empty).empty());

  const TemporaryDirectory directory;
  make_house(directory, 1);
  const auto before = files_in(directory);
  CHECK(steps_of(Resting(directory)->schema()) == taken(1));
  CHECK(files_in(directory) == before);

  Raw(file_in(directory))
      .run(
          "INSERT INTO schema_migration VALUES (2, 'five_contracts', 'x', 0), (3, 'sent_counts', 'y', 0), "
          "(4, 'push', 'z', 0), (5, 'later', 'z', 0)");
  CHECK(steps_of(Resting(directory)->schema()) == "+????");
  CHECK_THAT(steps_of(Resting(directory)->migrate()), Contains("storage.schema") && Contains("schema number 5"));

  const TemporaryDirectory foreign;
  Raw(file_in(foreign)).run("CREATE TABLE songs (title TEXT)");
  CHECK_THAT(steps_of(Resting(foreign)->schema()), Contains("storage.schema") && Contains("tables of another program"));
  CHECK_THAT(steps_of(Resting(foreign)->migrate()),
             Contains("storage.schema") && Contains("tables of another program"));
}

TEST_CASE("sqlite: beside a running host the schema is seen, and a migration is refused by the owner's name",
          "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  Resting resting(directory);
  CHECK(steps_of(resting->schema()) == taken(all.size()));
  CHECK_THAT(steps_of(resting->migrate()),
             Contains("is in use by another process (pid " + std::to_string(::getpid()) + ")"));
}

TEST_CASE("sqlite: a host that starts during a migration is refused", "[storage]") {
  const TemporaryDirectory directory;
  make_house(directory, 1);
  Raw holder(file_in(directory));
  holder.run("BEGIN IMMEDIATE");
  std::string done;
  std::thread migration([&] { done = steps_of(Resting(directory)->migrate()); });
  // The migration owns the store and waits for the writer.
  while (st::owner_of(file_in(directory)).empty()) std::this_thread::yield();
  const auto said = refusal(directory.path());
  holder.run("ROLLBACK");
  migration.join();
  CHECK_THAT(said, Contains("is in use by another process"));
  CHECK(done == taken(all.size()));
  const Running running(directory.path());
}

TEST_CASE("sqlite: tables that were changed before an upgrade are refused, not taken for right", "[storage]") {
  const TemporaryDirectory directory;
  make_house(directory, 1);
  Raw(file_in(directory)).run("INSERT INTO meta VALUES ('schema', 'what they were')");
  CHECK_THAT(steps_of(Resting(directory)->migrate()), Contains("were changed by another program"));
  CHECK(steps_of(Resting(directory)->schema()) == taken(1));
}

TEST_CASE("sqlite: a backup beside commits is one state, private, sound, and starts as a store", "[storage]") {
  const TemporaryDirectory directory, other;
  Running running(directory.path());
  BatchData first;
  first.users = {a_user(1)};
  first.conversations = {a_group(10)};
  Seq head = 0;
  std::uint64_t id = 100;
  for (; id < 2100; ++id) first.say(cid(10), head, mid(id), uid(1), std::string(1000, 'x'), a_key(id));
  REQUIRE(value(running->commit(first.view())).empty());

  const auto file = other.path() + "/loft.db";
  std::atomic<bool> done{false};
  const Seq before = head;
  std::thread sender([&] {
    for (; !done; ++id) {
      BatchData batch;
      batch.say(cid(10), head, mid(id), uid(1), "{}", a_key(id));
      const auto stored = running->commit(batch.view());
      if (!stored || !stored->empty()) return;
    }
  });
  std::uint64_t last = 0, total = 0;
  const auto copied = Resting(directory)->backup(file, [&](std::uint64_t now, std::uint64_t all_of_it) {
    last = now, total = all_of_it;
    return true;
  });
  done = true;
  sender.join();
  INFO((copied ? "" : copied.error().detail));
  REQUIRE(copied);
  CHECK(last == total);
  CHECK(total > 2'000'000);
  CHECK(files_in(other).size() == 1);
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  Running copy(other.path());
  CHECK(logged(copy.host, "clean=true"));
  const auto stored = value(copy->conversation(cid(10)));
  REQUIRE(stored);
  CHECK(stored->head >= before);
  CHECK(value(copy->log(cid(10), 1, everything, 100'000, false)).size() == stored->head);
}

TEST_CASE("sqlite: a backup overwrites nothing and leaves nothing when it fails or is ended", "[storage]") {
  const TemporaryDirectory directory, other;
  { const Running made(directory.path()); }
  Resting resting(directory);
  const auto file = other.path() + "/copy.db";
  const auto says = [&](const std::string& name, Progress progress = {}) {
    const auto done = resting->backup(name, std::move(progress));
    return done ? std::string("done") : done.error().reason + ": " + done.error().detail;
  };
  CHECK_THAT(says(file, [](std::uint64_t, std::uint64_t) { return false; }), Contains("storage.cancelled"));
  CHECK(files_in(other).empty());
  CHECK_THAT(says(other.path() + "/nowhere/copy.db"), Contains("cannot be made: No such file or directory"));
  CHECK(says(file) == "done");
  CHECK_THAT(says(file), Contains("storage.file_exists") && Contains("overwrites nothing"));
  CHECK(files_in(other).size() == 1);

  const TemporaryDirectory empty;
  const auto nothing = Resting(empty)->backup(other.path() + "/second.db", {});
  REQUIRE_FALSE(nothing);
  CHECK_THAT(nothing.error().detail, Contains("there is nothing to back up"));
  CHECK(files_in(other).size() == 1);
  CHECK(files_in(empty).empty());
}

TEST_CASE("sqlite: a damaged store gives no backup but an error that says so", "[storage]") {
  const TemporaryDirectory directory, other;
  {
    Running running(directory.path());
    BatchData batch;
    batch.conversations = {a_group(10)};
    Seq head = 0;
    for (std::uint64_t i = 1; i < 200; ++i) batch.say(cid(10), head, mid(i), uid(1), std::string(500, 'x'), a_key(i));
    REQUIRE(value(running->commit(batch.view())).empty());
  }
  const auto page = Raw(file_in(directory)).run("SELECT rootpage FROM sqlite_schema WHERE name = 'message_log'");
  {
    std::fstream bytes(file_in(directory), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp((std::stol(page) - 1) * 4096);
    bytes << std::string(4096, '\xA5');
  }
  const auto answer = Resting(directory)->backup(other.path() + "/copy.db", {});
  REQUIRE_FALSE(answer);
  CHECK_THAT(answer.error().detail, Contains("damaged") || Contains("restore a"));
  CHECK(files_in(other).empty());
}
