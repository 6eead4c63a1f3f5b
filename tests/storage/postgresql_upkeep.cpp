// Schemas of storage.postgresql, dirty data, and the command of a dump.
#include <postgresql/connection.hpp>
#include <postgresql/schema.hpp>
#include <postgresql_migrations.hpp>

#include "postgresql_store.hpp"
#include "server_upkeep.hpp"

using namespace storage_test;
using Catch::Contains;
namespace pg = loft::storage::postgresql;

namespace {

const std::span<const st::Migration> all(st::migrations);

/// Of the user's own, not in pipeline mode.
class Link final : public pg::Schema {
 public:
  explicit Link(const OptionValues& values) : Link(std::make_unique<pg::Session>(settings(values))) {}

 private:
  explicit Link(std::unique_ptr<pg::Session> session) : Schema(session->native()), session_(std::move(session)) {}
  static pg::Settings settings(const OptionValues& values) {
    pg::Settings settings;
    settings.host = std::get<std::string>(values.at("host"));
    settings.port = static_cast<std::uint16_t>(std::get<std::int64_t>(values.at("port")));
    settings.user = std::get<std::string>(values.at("user"));
    settings.password = std::get<std::string>(values.at("password"));
    settings.database = std::get<std::string>(values.at("database"));
    return settings;
  }
  std::unique_ptr<pg::Session> session_;
};

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

TEST_CASE("postgresql: a start finds heads and positions that do not fit the log", "[storage]") {
  check_heads_at_start(house(), all);
}

TEST_CASE("postgresql: dirty data refuses a step by table and row, and nothing is changed", "[storage]") {
  const auto clean = house();
  move_in(*clean.database, all, "schema_2");
  CHECK(st::problems(*clean.database, st::checks_of(st::Engine::postgresql), 1, true, 9).empty());
  for (const auto& one : dirt({"DROP INDEX message_log", "ALTER TABLE \"user\" DROP CONSTRAINT user_handle",
                               "DROP INDEX client_message_key"})) {
    const auto fresh = house();
    move_in(*fresh.database, all, "schema_2");
    check_dirt(*fresh.database, all, st::Engine::postgresql, one);
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
  CHECK_THAT(text, Contains("--username='lo'\\''ft' --file=loft.dump store_") && Contains("pg_restore ") &&
                       !Contains("secret"));
}
