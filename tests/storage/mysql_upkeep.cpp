// Schemas of storage.mysql, dirty data, and the command of a dump.
#include <mysql/schema.hpp>
#include <mysql_migrations.hpp>

#include "mysql_server.hpp"
#include "server_upkeep.hpp"

using namespace storage_test;
using Catch::Contains;
namespace my = loft::storage::mysql;

namespace {

const std::span<const st::Migration> all(st::migrations);

class Connected final : public my::Schema {
 public:
  explicit Connected(const OptionValues& values) : Connected(std::make_unique<my::Link>(settings(values))) {}

 private:
  explicit Connected(std::unique_ptr<my::Link> link) : Schema(*link), link_(std::move(link)) {}
  static my::Settings settings(const OptionValues& values) {
    my::Settings settings;
    settings.host = std::get<std::string>(values.at("host"));
    settings.port = static_cast<std::uint16_t>(std::get<std::int64_t>(values.at("port")));
    settings.user = std::get<std::string>(values.at("user"));
    settings.password = std::get<std::string>(values.at("password"));
    settings.database = std::get<std::string>(values.at("database"));
    if (values.contains("statement_timeout")) {
      settings.statement_timeout = std::get<std::int64_t>(values.at("statement_timeout"));
    }
    return settings;
  }
  std::unique_ptr<my::Link> link_;
};

/// What no table keeps out, with what only this server takes.
std::vector<Dirt> all_dirt() {
  auto list =
      dirt({"", "ALTER TABLE \"user\" DROP KEY user_handle", "ALTER TABLE client_message DROP KEY client_message_key"});
  const std::string bad = R"(x'7b22736574223a5b5d2c2278223a22ff227d')";  // {"set":[],"x":"…"}
  list.push_back({"UPDATE mark SET intervals = " + bad + " WHERE user_id = 10002", "mark", "'read' of user 10002"});
  list.push_back({"UPDATE mark SET name = x'72ff' WHERE user_id = 10002", "mark", ": name must be UTF-8"});
  list.push_back({"INSERT INTO follower VALUES (x'c3', 1)", "follower", ": name must be UTF-8"});
  list.push_back({"ALTER TABLE conversation MODIFY name LONGTEXT;UPDATE conversation SET name = NULL WHERE id = 20002",
                  "conversation", "20002: name must not be NULL"});
  list.push_back({"ALTER TABLE \"user\" MODIFY created BIGINT;UPDATE \"user\" SET created = NULL WHERE id = 10002",
                  "\"user\"", "10002: created must not be NULL"});
  return list;
}

ServerHouse house() {
  const auto values = mysql_options(new_mysql_database());
  return {"storage.mysql", st::Engine::mysql, values, std::make_unique<Connected>(values)};
}

}  // namespace

TEST_CASE("mysql: a schema is seen without a change, set up, and its rows are read as written", "[storage]") {
  check_schema_is_seen_and_set_up(house());
}

TEST_CASE("mysql: a row that was edited to what it cannot be is named by its reader, and no other is lost",
          "[storage]") {
  check_corrupt_rows_are_named(house());
}

TEST_CASE("mysql: looking and migrating refuse a foreign, an edited and a newer schema", "[storage]") {
  check_strangers_are_refused(house(), house());
}

TEST_CASE("mysql: a further step keeps the rows", "[storage]") { check_upgrade(house(), all); }

TEST_CASE("mysql: a store of schema 1 is brought up with its push_log, and is good for pushes", "[storage]") {
  const auto one = house();
  move_in(*one.database, all.first(1), "schema_2");
  load_fixture(*one.database, "mysql_1_besides");
  load_fixture(*one.database, "push_log");
  auto values = one.values;
  values["auto_migrate"] = std::int64_t{1};
  Running running("/nonexistent", values, "storage.mysql");
  CHECK(logged(running.host, "migrations_applied=1"));
  compare_push_log(*running.storage);
}

TEST_CASE("mysql: a start finds heads and positions that do not fit the log", "[storage]") {
  check_heads_at_start(house(), all);
}

TEST_CASE("mysql: dirty data refuses a step by table and row, and nothing is changed", "[storage]") {
  const auto clean = house();
  move_in(*clean.database, all, "schema_2");
  load_fixture(*clean.database, "mysql_1_besides");
  CHECK(st::problems(*clean.database, st::checks_of(st::Engine::mysql), 1, true, 9).empty());
  for (const auto& one : all_dirt()) {
    const auto fresh = house();
    move_in(*fresh.database, all, "schema_2");
    check_dirt(*fresh.database, all, st::Engine::mysql, one);
  }
}

TEST_CASE("mysql: dirty data of schema 1 refuses the step to 2 by table and row, and nothing is changed", "[storage]") {
  check_dirt_of_first(house, all, all_dirt());
}

TEST_CASE("mysql: odd rows of schema 1's push_log come through the step to 2, and can be read", "[storage]") {
  const auto one = house();
  check_oddity_of_first(one, all,
                        "INSERT INTO push_log (id, user_id, message_id, push_time) VALUES (20, '', 1, NULL), (21, "
                        "'nobody', 1, NULL), (22, 'nobody', 1, '2025-10-09 08:53:20'), (23, 'bob', 1, NULL);INSERT "
                        "INTO push_log (id, user_id, message_id, push_time) VALUES (30, 'x', 1, '0000-00-00 00:00:00')",
                        "SELECT id, user_id, message_id, push_type, error_msg FROM push_log ORDER BY id");
  Running running("/nonexistent", one.values, "storage.mysql");
  auto& ledger = *running->push_ledger();
  using loft::testing::storage::value;
  const auto rows = value(ledger.attempts(0, 100));
  REQUIRE(rows.size() == 8);
  CHECK(rows.back().time == 0);  // what is no moment
  CHECK(rows[5].time == 1760000000000);
}

TEST_CASE("mysql: the shape of the tables is read from the migrations", "[storage]") {
  check_shape_is_read_from_migrations(*house().database, all);
}

TEST_CASE("mysql: a table, column, index or view that is missing refuses a start by name", "[storage]") {
  const std::string announced = "CREATE VIEW offline_message_index AS SELECT 1 AS id, 1 AS user_id";
  check_losses(
      house, all,
      {{"DROP VIEW offline_message_index", "view offline_message_index"},
       {"DROP TABLE \"user\"", "table user"},
       {"ALTER TABLE message DROP COLUMN extras", "column extras of table message"},
       {"ALTER TABLE message MODIFY content LONGTEXT", "NOT NULL at column content of table message"},
       {"ALTER TABLE push_log MODIFY user_id LONGTEXT", "NOT NULL at column user_id of table push_log"},
       {"ALTER TABLE message DROP KEY message_log", "unique index message_log of table message"},
       {"ALTER TABLE member DROP KEY member_user", "index member_user of table member"},
       {"ALTER TABLE mark DROP PRIMARY KEY", "unique index PRIMARY of table mark"},
       // As a dump leaves them that was cut in the middle: it announces views, and says at its end what they are.
       {"DROP VIEW offline_message_index;" + announced, "view offline_message_index"},
       {"DROP VIEW offline_message_index;DROP TABLE \"user\", progress, push_log, recalled_message;" + announced,
        "table progress, table push_log, table recalled_message, table user, view offline_message_index"}});
}

TEST_CASE("mysql: rows without the list of steps are part of a backup, not a first start that was cut short",
          "[storage]") {
  const auto one = house();
  move_in(*one.database, all, "schema_2");
  one.database->execute("DELETE FROM schema_migration");
  CHECK_THAT(start_of(one), Contains("are not whole: what table schema_migration should say is missing"));
  CHECK_THAT(lacks_of(one), Contains("schema_migration"));
  one.database->execute("DROP TABLE schema_migration");
  for (const auto& said : {start_of(one), steps_of(AtRest(one)->schema())}) {
    CHECK_THAT(said, Contains("some of Loft's tables and not table schema_migration") &&
                         Contains("a backup was restored in part"));
  }
}

TEST_CASE("mysql: a lock on the tables is waited for as long as a statement may take, by a start and a look",
          "[storage]") {
  auto one = house();
  REQUIRE(start_of(one) == "it started");
  one.values["statement_timeout"] = std::int64_t{2000};
  Connected holder(one.values);
  holder.execute("LOCK TABLES schema_migration WRITE");
  for (const auto& said : {start_of(one), steps_of(AtRest(one)->schema())}) {
    CHECK_THAT(said, Contains("database " + std::get<std::string>(one.values.at("database")) + " of MySQL at ") &&
                         Contains("did not answer within 2000 ms") && Contains("`statement_timeout` of the storage"));
  }
}

TEST_CASE("mysql: a step may take longer than a statement of a host", "[storage]") {
  const auto one = house();
  REQUIRE(start_of(one) == "it started");
  auto values = one.values;
  values["statement_timeout"] = std::int64_t{2000};
  Connected impatient(values);
  {
    const st::LongWork step(impatient);
    impatient.execute("DO SLEEP(3)");
  }
  CHECK_THROWS_WITH(impatient.execute("DO SLEEP(6)"), Contains("did not answer within 2000 ms"));
}

TEST_CASE("mysql: a step that was cut short is taken up", "[storage]") {
  const auto one = house();
  move_in(*one.database, all, "schema_2");
  auto steps = with_next_step(all);
  steps.back().sql = "CREATE TABLE IF NOT EXISTS next_step (id BIGINT);\nINSERT INTO nowhere VALUES (1);\n";
  CHECK_THROWS_WITH(st::migrate(*one.database, {steps, "the house", true, {}}, 0), Contains("nowhere"));
  CHECK(st::look(*one.database, steps, "the house").stored == newest);
  one.database->execute("CREATE TABLE nowhere (id BIGINT)");
  CHECK(st::migrate(*one.database, {steps, "the house", true, {}}, 0) == 1);
}

TEST_CASE("mysql: the step that made the tables of pushes may be taken again wherever it was cut short", "[storage]") {
  const auto one = house();
  REQUIRE(steps_of(AtRest(one)->migrate()) == all_taken);
  const auto whole = st::shape_of(*one.database);
  for (const auto* cut :
       {"DROP TABLE push_queue", "DROP TABLE device", "DROP INDEX push_log_user ON push_log", "DO 0"}) {
    INFO(cut);
    one.database->execute(cut);
    one.database->execute("DELETE FROM schema_migration WHERE number = 2");
    CHECK(steps_of(AtRest(one)->migrate()) == all_taken);
    CHECK(st::shape_of(*one.database) == whole);
  }
}

TEST_CASE("mysql: a host that starts during a migration is refused", "[storage]") {
  const auto one = house();
  REQUIRE(start_of(one) == "it started");
  // All is to be done again, and somebody looks at a view that will be made anew.
  one.database->execute("DELETE FROM schema_migration");
  Connected holder(one.values);
  holder.execute("BEGIN");
  holder.rows("SELECT * FROM mark_run");
  const auto waiting = [] {
    return !mariadb().sql("SELECT id FROM information_schema.processlist WHERE state LIKE '%metadata lock%'").empty();
  };
  check_second_host_during_migration(one, waiting, [&] { holder.execute("COMMIT"); });
}

TEST_CASE("mysql: a backup is made by a command that names everything but the password", "[storage]") {
  auto values = house().values;
  values["user"] = "lo'ft", values["password"] = "secret", values["host"] = "db.example";
  const ServerHouse named{"storage.mysql", st::Engine::mysql, values, nullptr};
  const auto answer = AtRest(named)->backup("/nonexistent/x", {});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().reason == "storage.backup_elsewhere");
  const auto& text = answer.error().detail;
  CHECK_THAT(text, Catch::StartsWith("mariadb-dump --single-transaction "));
  CHECK_THAT(text, Contains("--protocol=tcp --host=db.example --port=") && Contains("--user='lo'\\''ft'") &&
                       !Contains("secret"));
}

TEST_CASE("mysql: names are quoted in the commands and the SQL that are shown", "[storage]") {
  auto values = house().values;
  values["database"] = "x`;\"y";
  CHECK_THAT(start_of({"storage.mysql", st::Engine::mysql, values, nullptr}),
             Contains("GRANT ALL ON `x``;\"y`.* TO 'loft'@"));
  CHECK_THAT(AtRest({"storage.mysql", st::Engine::mysql, values, nullptr})->backup("", {}).error().detail,
             Contains("--result-file=loft.sql 'x`;\"y'\n") && Contains(" 'x`;\"y' < loft.sql"));
  values["user"] = "o'b\\c", values["database"] = "-x";
  CHECK_THAT(start_of({"storage.mysql", st::Engine::mysql, values, nullptr}), Contains(R"(CREATE USER 'o''b\\c'@)"));
  CHECK_THAT(AtRest({"storage.mysql", st::Engine::mysql, values, nullptr})->backup("", {}).error().detail,
             Contains("--result-file=loft.sql -- -x\n"));
}
