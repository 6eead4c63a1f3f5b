// Stores of which something is missing, the same for every engine.
#pragma once

#include <string>
#include <vector>

#include <common/shape.hpp>

#include "house.hpp"

namespace storage_test {

/// What the text of the migrations is read to say is what a database that took them has, nothing more and nothing less.
inline void check_shape_is_read_from_migrations(st::SchemaDatabase& fresh, std::span<const st::Migration> steps) {
  st::migrate(fresh, {steps, "the house", true, {}}, 0);
  const auto wanted = st::shape_of(steps, fresh.engine()), there = st::shape_of(fresh);
  const auto difference = [](const st::Shape& all, const st::Shape& without) {
    std::string text;
    for (const auto& part : all) {
      if (!without.contains(part)) text += part.table + "." + part.name + (part.strict ? "! " : " ");
    }
    return text;
  };
  CHECK(difference(wanted, there) == "");
  CHECK(difference(there, wanted) == "");
  CHECK(wanted.size() > 100);
  CHECK(st::lacks(fresh, steps).empty());
}

struct Loss {
  std::string sql;
  std::string words;  ///< of what is said to be missing
};

/// Each is named, by what looks and by the runner, which changes nothing.
inline void check_loss(st::SchemaDatabase& database, std::span<const st::Migration> steps, const Loss& loss) {
  INFO(loss.sql);
  execute_all(database, loss.sql);
  CHECK_THAT(st::listed(st::lacks(database, steps)), Catch::Contains(loss.words));
  const auto before = st::shape_of(database);
  std::string said;
  try {
    st::migrate(database, {steps, "the house", true, st::checks_of(database.engine())}, 0);
  } catch (const st::SchemaError& e) {
    said = e.what();
  }
  CHECK_THAT(said, Catch::Contains("the tables of the house are not whole: ") && Catch::Contains(loss.words) &&
                       Catch::Contains("restore the whole backup into an empty database"));
  CHECK(st::shape_of(database) == before);
}

}  // namespace storage_test
