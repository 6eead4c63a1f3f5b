// What storages on servers promise of schemas, the same for both engines.
#pragma once

#include <functional>
#include <thread>

#include "house.hpp"
#include "shapes.hpp"

namespace storage_test {

/// One database of an engine.
struct ServerHouse {
  std::string id;  ///< of the plugin
  st::Engine engine;
  OptionValues values;
  std::unique_ptr<st::SchemaDatabase> database;  ///< as the user of the plugin
};

struct AtRest {
  explicit AtRest(const ServerHouse& house)
      : host("storage.under_test", "/nonexistent"), storage(make(house.id, host, house.values)) {}
  Storage* operator->() const { return storage.get(); }

  FakeHost host;
  std::unique_ptr<Storage> storage;
};

inline void furnish(const ServerHouse& house) {
  load_fixture(*house.database, "schema_2");
  if (house.engine == st::Engine::mysql) load_fixture(*house.database, "mysql_1_besides");
}

inline std::string steps_of(const Result<StorageSchema>& schema) {
  if (!schema) return schema.error().reason + ": " + schema.error().detail;
  std::string text;
  for (const auto& step : schema->steps) text += step.taken ? step.known ? '+' : '?' : '-';
  return text;
}

/// What `storage.describe` says is missing.
inline std::string lacks_of(const ServerHouse& house) {
  AtRest resting(house);
  const auto said = resting.host.commands.at("storage.describe")("");
  return said ? said->substr(said->find("\"lacks\"")) : said.error().detail;
}

inline std::string start_of(const ServerHouse& house) {
  try {
    const Running running("/nonexistent", house.values, house.id);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "it started";
}

/// Of both engines.
inline constexpr int newest = 2;
/// As `steps_of` says it.
inline const std::string none_taken(newest, '-'), all_taken(newest, '+');

inline void check_schema_is_seen_and_set_up(const ServerHouse& house) {
  CHECK(steps_of(AtRest(house)->schema()) == none_taken);
  CHECK(house.database->table_count() == 0);
  CHECK(steps_of(AtRest(house)->migrate()) == all_taken);
  CHECK(steps_of(AtRest(house)->schema()) == all_taken);
  furnish(house);
  Running running("/nonexistent", house.values, house.id);
  compare_house(*running.storage, false);
  // Beside a host it is seen, and not changed.
  CHECK(steps_of(AtRest(house)->schema()) == all_taken);
  CHECK_THAT(steps_of(AtRest(house)->migrate()),
             Catch::Contains("storage.unavailable") && Catch::Contains("is in use by another host"));
}

/// See check_corrupt_rows.
inline void check_corrupt_rows_are_named(const ServerHouse& house) {
  REQUIRE(steps_of(AtRest(house)->migrate()) == all_taken);
  furnish(house);
  Running running("/nonexistent", house.values, house.id);
  check_corrupt_rows(*house.database, running);
}

inline void check_strangers_are_refused(const ServerHouse& house, const ServerHouse& foreign) {
  foreign.database->execute("CREATE TABLE songs (title VARCHAR(9))");
  for (const auto& answer : {AtRest(foreign)->schema(), AtRest(foreign)->migrate()}) {
    CHECK_THAT(steps_of(answer), Catch::Contains("storage.schema") && Catch::Contains("tables of another program"));
  }
  CHECK(foreign.database->table_count() == 1);
  REQUIRE(start_of(house) == "it started");
  const auto sum = house.database->rows("SELECT checksum FROM schema_migration WHERE number = 1").at(0).at(0);
  house.database->execute("UPDATE schema_migration SET checksum = 'x' WHERE number = 1");
  CHECK(steps_of(AtRest(house)->schema()) == "?" + all_taken.substr(1));
  CHECK_THAT(steps_of(AtRest(house)->migrate()), Catch::Contains("another text of schema migration 1"));
  house.database->execute("UPDATE schema_migration SET checksum = '" + sum + "' WHERE number = 1");
  house.database->execute("INSERT INTO schema_migration VALUES (" + std::to_string(newest + 1) + ", 'later', 'y', 0)");
  CHECK(steps_of(AtRest(house)->schema()) == all_taken + "?");
  CHECK_THAT(steps_of(AtRest(house)->migrate()),
             Catch::Contains("storage.schema: ") && Catch::Contains("has schema number " + std::to_string(newest + 1)));
}

/// A store as a host of schema 1 has left it.
inline void move_in_first(const ServerHouse& house, std::span<const st::Migration> known) {
  move_in(*house.database, known.first(1), "schema_2");
  if (house.engine == st::Engine::mysql) load_fixture(*house.database, "mysql_1_besides");
  load_fixture(*house.database, "push_log");
}

/// Dirty rows of schema 1 refuse the steps that follow it, by migrate and by a start, and nothing is changed.
inline void check_dirt_of_first(const std::function<ServerHouse()>& make_house, std::span<const st::Migration> known,
                                const std::vector<Dirt>& list) {
  const auto first_taken = '+' + std::string(known.size() - 1, '-');
  for (const auto& one : list) {
    INFO(one.sql);
    auto house = make_house();
    move_in_first(house, known);
    execute_all(*house.database, one.sql);
    const auto before = st::shape_of(*house.database);
    house.values["auto_migrate"] = std::int64_t{1};
    for (const auto& said : {steps_of(AtRest(house)->migrate()), start_of(house)}) {
      CHECK_THAT(said, Catch::Contains("table " + one.table + ": ") && Catch::Contains(one.words));
      CHECK_THAT(said, Catch::Contains("has rows that the new schema cannot take, so nothing was changed"));
    }
    CHECK(st::shape_of(*house.database) == before);
    CHECK(steps_of(AtRest(house)->schema()) == first_taken);
  }
}

/// What is odd in schema 1 and does no harm comes through all steps as it was: `asked` answers the same after them.
inline void check_oddity_of_first(const ServerHouse& made, std::span<const st::Migration> known, const std::string& sql,
                                  const std::string& asked) {
  INFO(sql);
  move_in_first(made, known);
  execute_all(*made.database, sql);
  const auto before = made.database->rows(asked);
  CHECK_FALSE(before.empty());
  CHECK(steps_of(AtRest(made)->migrate()) == all_taken);
  CHECK(made.database->rows(asked) == before);
  CHECK(start_of(made) == "it started");
}

/// By a start, by the runner, and by who only looks.
inline void check_losses(const std::function<ServerHouse()>& make_house, std::span<const st::Migration> known,
                         const std::vector<Loss>& losses) {
  for (const auto& loss : losses) {
    const auto house = make_house();
    move_in(*house.database, known, "schema_2");
    CHECK_THAT(lacks_of(house), Catch::StartsWith("\"lacks\":[],"));
    check_loss(*house.database, known, loss);
    CHECK_THAT(start_of(house), Catch::Contains("are not whole: " + loss.words + " "));
    CHECK_THAT(lacks_of(house), Catch::Contains(loss.words.substr(0, loss.words.find(','))));
  }
}

/// The runner over several steps, as there will be: an upgrade keeps the rows, may be forbidden, and can be taken up.
inline void check_upgrade(const ServerHouse& house, std::span<const st::Migration> known) {
  REQUIRE(st::migrate(*house.database, {known, "the house", true, {}}, 0) == newest);
  furnish(house);
  const auto next = std::to_string(newest + 1);
  const auto steps = with_next_step(known);
  const auto checks = st::checks_of(house.engine);
  CHECK_THROWS_WITH(st::migrate(*house.database, {steps, "the house", false, checks}, 0),
                    Catch::Contains("needs number " + next) && Catch::Contains("`loft storage migrate`"));
  CHECK(st::migrate(*house.database, {steps, "the house", true, checks}, 0) == 1);
  CHECK(st::migrate(*house.database, {steps, "the house", true, checks}, 0) == 0);
  CHECK(st::look(*house.database, steps, "the house").stored == newest + 1);
  CHECK_THAT(start_of(house), Catch::Contains("has schema number " + next +
                                              ", this program knows schemas up to number " + std::to_string(newest)));
  house.database->execute("DELETE FROM schema_migration WHERE number = " + next);
  Running running("/nonexistent", house.values, house.id);
  compare_house(*running.storage, false);
}

/// `held`: whether the migration waits, in its middle, for what somebody holds; `let_go` ends that.
inline void check_second_host_during_migration(const ServerHouse& house, const std::function<bool()>& held,
                                               const std::function<void()>& let_go) {
  std::string taken;
  std::thread migration([&] { taken = steps_of(AtRest(house)->migrate()); });
  while (!held()) std::this_thread::yield();
  const auto said = start_of(house);
  let_go();
  migration.join();
  CHECK_THAT(said, Catch::Contains("is in use by another host"));
  CHECK(taken == all_taken);
  CHECK(start_of(house) == "it started");
}

/// After whatever happened to the server, and of a backup that was restored in part.
inline void check_heads_at_start(const ServerHouse& house, std::span<const st::Migration> known) {
  REQUIRE(st::migrate(*house.database, {known, "the house", true, {}}, 0) == newest);
  furnish(house);
  CHECK(start_of(house) == "it started");
  house.database->execute("UPDATE conversation SET head = 3 WHERE id = 20002");
  CHECK_THAT(start_of(house), Catch::Contains("conversation 20002 says its last message is seq 3") &&
                                  Catch::Contains("its log ends with seq 4, id 99530342400014") &&
                                  Catch::Contains("UPDATE conversation SET head = 4"));
  house.database->execute("UPDATE conversation SET head = 4 WHERE id = 20002");
  house.database->execute("UPDATE progress SET position = 1");
  CHECK_THAT(start_of(house), Catch::Contains("the largest position is 1, but there is an entry at 99530342400018"));
  house.database->execute("UPDATE progress SET position = 99530342400018");
  CHECK(start_of(house) == "it started");
}

}  // namespace storage_test
