// Schemas of storage.postgresql, dirty data, and the command of a dump.
#include <postgresql/connection.hpp>
#include <postgresql/schema.hpp>
#include <postgresql_migrations.hpp>

#include "postgresql_store.hpp"
#include "server_upkeep.hpp"
#include "shapes.hpp"

using namespace storage_test;
using Catch::Contains;
namespace pg = loft::storage::postgresql;

namespace {

const std::span<const st::Migration> all(st::migrations);

pg::Settings settings_of(const OptionValues& values) {
  pg::Settings settings;
  settings.host = std::get<std::string>(values.at("host"));
  settings.port = static_cast<std::uint16_t>(std::get<std::int64_t>(values.at("port")));
  settings.user = std::get<std::string>(values.at("user"));
  settings.password = std::get<std::string>(values.at("password"));
  settings.database = std::get<std::string>(values.at("database"));
  return settings;
}

/// Of the user's own, not in pipeline mode.
class Link final : public pg::Schema {
 public:
  explicit Link(const OptionValues& values) : Link(std::make_unique<pg::Connection>(settings_of(values))) {}

 private:
  explicit Link(std::unique_ptr<pg::Connection> connection) : Schema(*connection), connection_(std::move(connection)) {}
  std::unique_ptr<pg::Connection> connection_;
};

/// What no table keeps out, with what only this server takes.
std::vector<Dirt> all_dirt() {
  auto list = dirt(
      {"DROP INDEX message_log", "ALTER TABLE \"user\" DROP CONSTRAINT user_handle", "DROP INDEX client_message_key"});
  for (const auto* bad : {"7b22736574223a5b5d2c2278223a22ff227d", "7b22736574223a5b5b312c315d5d2c2278223a22ff227d"}) {
    list.push_back({R"(UPDATE mark SET intervals = '\x)" + std::string(bad) + "' WHERE user_id = 10002", "mark",
                    "'read' of user 10002"});  // {"set":[],"x":"…"}, {"set":[[1,1]],"x":"…"}
  }
  list.push_back(
      {"ALTER TABLE conversation ALTER name DROP NOT NULL;UPDATE conversation SET name = NULL WHERE id = "
       "20002",
       "conversation", "20002: name must not be NULL"});
  list.push_back(
      {"ALTER TABLE \"user\" ALTER created DROP NOT NULL;UPDATE \"user\" SET created = NULL WHERE id = "
       "10002",
       "\"user\"", "10002: created must not be NULL"});
  return list;
}

ServerHouse house() {
  const auto values = coordinates(postgresql_server(), new_database());
  return {"storage.postgresql", st::Engine::postgresql, values, std::make_unique<Link>(values)};
}

}  // namespace

TEST_CASE("postgresql: a schema is seen without a change, set up, and its rows are read as written", "[storage]") {
  check_schema_is_seen_and_set_up(house());
}

TEST_CASE("postgresql: a row that was edited to what it cannot be is named by its reader, and no other is lost",
          "[storage]") {
  check_corrupt_rows_are_named(house());
}

TEST_CASE("postgresql: looking and migrating refuse a foreign, an edited and a newer schema", "[storage]") {
  check_strangers_are_refused(house(), house());
}

TEST_CASE("postgresql: a further step keeps the rows", "[storage]") { check_upgrade(house(), all); }

TEST_CASE("postgresql: a store of schema 1 is brought up with its push_log, and is good for pushes", "[storage]") {
  const auto one = house();
  move_in(*one.database, all.first(1), "schema_2");
  load_fixture(*one.database, "push_log");
  auto values = one.values;
  values["auto_migrate"] = std::int64_t{1};
  Running running("/nonexistent", values, "storage.postgresql");
  CHECK(logged(running.host, "migrations_applied=1"));
  compare_push_log(*running.storage);
}

TEST_CASE("postgresql: a start finds heads and positions that do not fit the log", "[storage]") {
  check_heads_at_start(house(), all);
}

TEST_CASE("postgresql: dirty data refuses a step by table and row, and nothing is changed", "[storage]") {
  const auto clean = house();
  move_in(*clean.database, all, "schema_2");
  CHECK(st::problems(*clean.database, st::checks_of(st::Engine::postgresql), 1, true, 9).empty());
  for (const auto& one : all_dirt()) {
    const auto fresh = house();
    move_in(*fresh.database, all, "schema_2");
    check_dirt(*fresh.database, all, st::Engine::postgresql, one);
  }
}

TEST_CASE("postgresql: dirty data of schema 1 refuses the step to 2 by table and row, and nothing is changed",
          "[storage]") {
  check_dirt_of_first(house, all, all_dirt());
}

TEST_CASE("postgresql: odd rows of schema 1's push_log come through the step to 2, and can be read", "[storage]") {
  const auto one = house();
  check_oddity_of_first(one, all,
                        "INSERT INTO push_log (id, user_id, message_id, push_time) VALUES (20, '', 1, NULL), (21, "
                        "'nobody', 1, NULL), (22, 'nobody', 1, '2025-10-09 08:53:20'), (23, 'bob', 1, NULL), (30, 'x', "
                        "1, 'infinity'), (31, 'x', 1, '-infinity')",
                        "SELECT id, user_id, message_id, push_type, error_msg FROM push_log ORDER BY id");
  Running running("/nonexistent", one.values, "storage.postgresql");
  auto& ledger = *running->push_ledger();
  using loft::testing::storage::value;
  const auto rows = value(ledger.attempts(0, 100));
  REQUIRE(rows.size() == 9);
  CHECK(rows[5].time == 1760000000000);
  CHECK(rows.back().time == 0);  // what is no moment
  // Behind ids that others have given.
  const std::vector more{loft::testing::storage::an_attempt(1, "bob")};
  REQUIRE(ledger.settle(1, {{}, more, {}}));
  CHECK(value(ledger.attempts(31, 10)).at(0).id > 31);
}

TEST_CASE("postgresql: the shape of the tables is read from the migrations", "[storage]") {
  check_shape_is_read_from_migrations(*house().database, all);
}

TEST_CASE("postgresql: a table, column, index, view or function that is missing refuses a start by name", "[storage]") {
  check_losses(house, all,
               {{"DROP VIEW offline_message_index", "view offline_message_index"},
                {"DROP TABLE follower", "table follower"},
                {"ALTER TABLE message DROP COLUMN extras", "column extras of table message"},
                {"ALTER TABLE message ALTER content DROP NOT NULL", "NOT NULL at column content of table message"},
                {"DROP INDEX message_log", "unique index message_log of table message"},
                {"DROP INDEX message_log;CREATE INDEX message_log ON message (conversation_id)",
                 "unique index message_log of table message"},
                {"ALTER TABLE member DROP CONSTRAINT member_pkey", "unique index member_pkey of table member"},
                {"ALTER TABLE \"user\" DROP CONSTRAINT user_handle", "unique index user_handle of table user"},
                {"DROP FUNCTION mark_set CASCADE", "view mark_run, view offline_message_index, function mark_set"},
                // As a dump leaves it that was cut in the middle of the indexes, which come behind the rows.
                {"ALTER TABLE mark DROP CONSTRAINT mark_pkey;DROP INDEX member_user",
                 "unique index mark_pkey of table mark, index member_user of table member"}});
}

TEST_CASE("postgresql: a lock on the tables is waited for as long as a statement may take, by a start and a look",
          "[storage]") {
  auto one = house();
  REQUIRE(start_of(one) == "it started");
  one.values["statement_timeout"] = std::int64_t{500};
  Link holder(one.values);
  holder.execute("BEGIN");
  holder.execute("LOCK TABLE schema_migration IN ACCESS EXCLUSIVE MODE");
  for (const auto& said : {start_of(one), steps_of(AtRest(one)->schema())}) {
    CHECK_THAT(said, Contains("database " + std::get<std::string>(one.values.at("database")) + " of PostgreSQL at ") &&
                         Contains("did not answer within 2500 ms") && Contains("`statement_timeout` of the storage"));
  }
}

TEST_CASE("postgresql: two that migrate at once do it once", "[storage]") {
  const auto values = house().values;
  Link first(values), second(values);
  first.lock();
  int taken = 0;
  std::thread other([&] { taken = st::migrate(second, {all, "the house", true, {}}, 0); });
  // The other one waits for the lock, which the server shows.
  Link watch(values);
  while (watch.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").empty()) {
    std::this_thread::yield();
  }
  CHECK_FALSE(watch.has_table("schema_migration"));
  first.rollback();
  other.join();
  CHECK(taken == static_cast<int>(all.size()));
  CHECK(st::migrate(first, {all, "the house", true, {}}, 0) == 0);
}

TEST_CASE("postgresql: a host that starts during a migration is refused", "[storage]") {
  const auto one = house();
  Link holder(one.values), watch(one.values);
  holder.lock();
  check_second_host_during_migration(
      one, [&] { return !watch.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").empty(); },
      [&] { holder.rollback(); });
}

TEST_CASE("postgresql: a backup is made by a command that names everything but the password", "[storage]") {
  const auto values = with(house().values, {{"user", "lo'ft"}, {"password", "secret"}, {"host", "/run/a b"}});
  const ServerHouse named{"storage.postgresql", st::Engine::postgresql, values, nullptr};
  const auto answer = AtRest(named)->backup("/nonexistent/x", {});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().reason == "storage.backup_elsewhere");
  const auto& text = answer.error().detail;
  CHECK_THAT(text, Catch::StartsWith("pg_dump --format=custom --host='/run/a b' --port="));
  CHECK_THAT(text, Contains("--username='lo'\\''ft' --file=loft.dump --dbname=store_") && Contains("pg_restore ") &&
                       !Contains("secret"));
}

TEST_CASE("postgresql: names are quoted in the commands and the SQL that are shown", "[storage]") {
  const auto odd = with(house().values, {{"user", "a\"b"}, {"database", "x\";y"}});
  const ServerHouse named{"storage.postgresql", st::Engine::postgresql, odd, nullptr};
  CHECK_THAT(AtRest(named)->backup("", {}).error().detail, Contains("--username='a\"b'") &&
                                                               Contains("--file=loft.dump --dbname='x\";y'\n") &&
                                                               Contains("--dbname='x\";y' loft.dump"));
  // What has a "=" would be taken for more than a name.
  const ServerHouse other{"storage.postgresql", st::Engine::postgresql, with(odd, {{"database", "a=b c"}}), nullptr};
  CHECK_THAT(AtRest(other)->backup("", {}).error().detail, Contains(R"(--dbname='dbname='\''a=b c'\''')"));
  CHECK_THAT(postgresql_refusal(with(house().values, {{"database", "x\";y"}})),
             Contains("CREATE DATABASE \"x\"\";y\" OWNER \"loft\""));
}

TEST_CASE("postgresql: a host whose own former session still has the lock does not call it another host", "[storage]") {
  const auto settings = settings_of(coordinates(postgresql_server(), new_database()));
  pg::Connection first(settings), second(settings);
  const auto former = pg::own_database(first, settings, {});
  CHECK_THROWS_WITH(
      pg::own_database(second, settings, former),
      Contains("by the session that this host had before (loft") && Contains("pg_terminate_backend(" + former + ")"));
  CHECK_THROWS_WITH(pg::own_database(second, settings, former + "0"), Contains("is in use by another host (loft"));
}
