// Upgrades of storage.sqlite from each schema there was.
#include <unistd.h>

#include <thread>

#include <sqlite/startup.hpp>

#include "sqlite_store.hpp"

using namespace storage_test;
using namespace loft::testing::storage;
using Catch::Contains;

TEST_CASE("sqlite: a store of each schema there was is brought up with all that was in it", "[storage]") {
  for (std::size_t schema = 1; schema < all_steps.size(); ++schema) {
    INFO("schema " << schema);
    const TemporaryDirectory directory;
    make_house(directory, schema);
    {
      Resting resting(directory);
      CHECK(steps_of(resting->schema()) == taken(schema));
      CHECK(steps_of(resting->migrate()) == taken(all_steps.size()));
      CHECK(steps_of(resting->migrate()) == taken(all_steps.size()));
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
  CHECK(steps_of(Resting(directory)->migrate()) == taken(all_steps.size()));
  CHECK(raw.run("SELECT group_concat(conversation_id || ' ' || sender_id || ' ' || upto || ' ' || sent, ', ') "
                "FROM (SELECT * FROM sent_count ORDER BY 1, 2, 3)") ==
        "20009 10001 256 117, 20009 10001 512 192, 20009 10002 256 39, 20009 10002 512 64");
  {
    // Retention leaves the second block whole, and the check looks for that one alone.
    st::Schema database(raw.handle());
    const auto found = [&] {
      return st::describe(
          st::problems(database, st::checks_of(st::Engine::sqlite), static_cast<int>(all_steps.size()), true, 10));
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

TEST_CASE("sqlite: dirty data of an older schema is refused by table and row, and nothing is changed", "[storage]") {
  for (std::size_t schema = 1; schema < all_steps.size(); ++schema) {
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

TEST_CASE("sqlite: marks of schema 1 that end in the middle of a number are refused", "[storage]") {
  const TemporaryDirectory directory;
  make_house(directory, 1);
  Raw(file_in(directory)).run("UPDATE mark SET intervals = x'0580' WHERE name = 'hidden'");
  Resting resting(directory);
  CHECK_THAT(steps_of(resting->migrate()),
             Contains("table mark: 'hidden' of user 10001 in conversation 20002 ends in the middle of a number"));
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
  CHECK(done == taken(all_steps.size()));
  const Running running(directory.path());
}

TEST_CASE("sqlite: tables that were changed before an upgrade are refused, not taken for right", "[storage]") {
  const TemporaryDirectory directory;
  make_house(directory, 1);
  Raw(file_in(directory)).run("INSERT INTO meta VALUES ('schema', 'what they were')");
  CHECK_THAT(steps_of(Resting(directory)->migrate()), Contains("were changed by another program"));
  CHECK(steps_of(Resting(directory)->schema()) == taken(1));
}
