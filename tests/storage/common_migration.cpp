// The runner of migrations, and what a schema is found to be.
#include <sqlite3.h>

#include <catch2/catch.hpp>

#include <common/migration.hpp>
#include <sqlite/schema.hpp>

#include "raw.hpp"

using namespace loft::storage;
using Catch::Contains;

namespace {

constexpr Migration steps[] = {{1, "one", "CREATE TABLE a (n INTEGER, c INTEGER);\n"},
                               {2, "two", "-- a comment\nCREATE TABLE b (n INTEGER);\nINSERT INTO b VALUES (7);\n"},
                               {3, "three", "CREATE TABLE c (n INTEGER);\n"}};

struct Store {
  storage_test::Raw raw{":memory:"};
  Schema schema{raw.handle()};

  int bring(std::size_t newest, bool allowed = true, std::vector<Check> checks = {}) {
    return migrate(schema, {std::span(steps).first(newest), "the store", allowed, std::move(checks)}, 5);
  }
  loft::StorageSchema seen(std::size_t newest) { return look(schema, std::span(steps).first(newest), "the store"); }
};

std::string states(const loft::StorageSchema& schema) {
  std::string text;
  for (const auto& step : schema.steps) {
    text += std::to_string(step.number) + step.name + (step.taken ? "+" : "-") + (step.known ? "" : "?") + " ";
  }
  return text + std::to_string(schema.stored) + "/" + std::to_string(schema.newest);
}

}  // namespace

TEST_CASE("storage common: where migrations are not allowed an empty database is set up, an older schema refused") {
  Store store;
  CHECK(store.bring(1, false) == 1);
  CHECK_THROWS_WITH(store.bring(2, false), Contains("the store has schema number 1, this program needs number 2") &&
                                               Contains("run `loft storage migrate`"));
  CHECK_FALSE(store.schema.has_table("b"));
  CHECK(store.bring(2) == 1);
  CHECK(store.schema.has_table("b"));
  CHECK(store.bring(2, false) == 0);
}

TEST_CASE("storage common: what is taken, missing, unknown or edited is told apart, and looking changes nothing") {
  Store store;
  CHECK(states(store.seen(2)) == "1one- 2two- 0/2");
  CHECK(store.schema.table_count() == 0);
  store.bring(1);
  CHECK(states(store.seen(3)) == "1one+ 2two- 3three- 1/3");
  store.bring(3);
  CHECK(states(store.seen(3)) == "1one+ 2two+ 3three+ 3/3");
  CHECK(states(store.seen(2)) == "1one+ 2two+ 3three+? 3/2");
  store.raw.run("UPDATE schema_migration SET checksum = 'x' WHERE number = 2");
  CHECK(states(store.seen(3)) == "1one+ 2two+? 3three+ 3/3");
}

TEST_CASE(
    "storage common: a newer schema, an edited step, a step that is not in the list and a foreign database are "
    "refused") {
  Store store;
  store.bring(3);
  CHECK_THROWS_AS(store.bring(2), SchemaError);
  CHECK_THROWS_WITH(store.bring(2), Contains("schema number 3") && Contains("up to number 2"));
  store.raw.run("DELETE FROM schema_migration WHERE number = 2");
  CHECK_THROWS_WITH(store.bring(3), Contains("lacks schema migration 2 but has number 3"));
  store.raw.run("DELETE FROM schema_migration WHERE number = 3; UPDATE schema_migration SET checksum = 'x'");
  CHECK_THROWS_WITH(store.bring(3), Contains("another text of schema migration 1"));

  Store foreign;
  foreign.raw.run("CREATE TABLE songs (title TEXT)");
  CHECK_THROWS_WITH(foreign.bring(1), Contains("the store holds tables of another program"));
  CHECK_THROWS_WITH(foreign.seen(1), Contains("the store holds tables of another program"));
  CHECK(foreign.schema.table_count() == 1);
}

TEST_CASE("storage common: a step that fails in the middle leaves nothing behind") {
  Store store;
  store.bring(1);
  store.raw.run("CREATE VIEW b AS SELECT 1");
  store.raw.run("DROP VIEW b");
  const Migration broken[] = {steps[0],
                              {2, "broken", "CREATE TABLE b (n INTEGER);\nINSERT INTO nothing VALUES (1);\n"}};
  CHECK_THROWS_WITH(migrate(store.schema, {broken, "the store"}, 0), Contains("nothing"));
  CHECK_FALSE(store.schema.has_table("b"));
  CHECK(states(store.seen(1)) == "1one+ 1/1");
}

TEST_CASE("storage common: rows that are wrong refuse a step by table, row and remedy, before it or after it") {
  Store store;
  const std::vector<Check> checks{
      {"a", "{0} and {1} differ", "UPDATE a SET n = {1} WHERE n = {0}", "SELECT n, c FROM a WHERE n <> c"},
      {"b", "{0} is there", "DELETE FROM b", "SELECT n FROM b WHERE n = 7", 2},
      {"a", "deep", "", "SELECT 1 FROM a", 1, 9, true}};
  // Nothing is asked of a database that is being made.
  CHECK(store.bring(1, true, checks) == 1);
  store.raw.run("INSERT INTO a VALUES (1, 2), (3, 3)");
  CHECK_THROWS_WITH(store.bring(2, true, checks),
                    Contains("nothing was changed") &&
                        Contains("table a: 1 and 2 differ; UPDATE a SET n = 2 WHERE n = 1") && !Contains("deep"));
  CHECK_FALSE(store.schema.has_table("b"));
  store.raw.run("UPDATE a SET n = c");
  CHECK_THROWS_WITH(store.bring(2, true, checks), Contains("table b: 7 is there"));
  CHECK_FALSE(store.schema.has_table("b"));
  CHECK(states(store.seen(2)) == "1one+ 2two- 1/2");
  CHECK(problems(store.schema, checks, 1, true, 1).size() == 1);
}
