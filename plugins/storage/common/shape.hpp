// What the tables of a store are made of: as its migrations say, and as the database has them. A dump that was restored
// in part shows here, and so does a table, column or index that somebody dropped.
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "migration.hpp"

namespace loft::storage {

struct Part {
  /// Without the first two, rows cannot be looked at.
  enum class Kind : std::uint8_t { table, column, index, view, function };

  Kind kind;
  std::string table;  ///< that it belongs to; of a table, view or function its own name
  std::string name;
  bool strict = false;  ///< of a column: NOT NULL; of an index: no two rows are alike

  auto operator<=>(const Part&) const = default;
};

using Shape = std::set<Part>;

/// What steps make, read from their texts: CREATE TABLE, INDEX, VIEW and FUNCTION, ALTER TABLE … ADD COLUMN; keywords
/// are upper-case there, names are not. Table schema_migration is in it.
Shape shape_of(std::span<const Migration> steps, Engine engine);

/// What is there. A view that a dump has only announced is not.
Shape shape_of(SchemaDatabase& database);

/// What a store lacks, in words for the operator.
struct Lack {
  std::string table;  ///< in which it is not
  std::string what;
  bool hides_rows = false;  ///< a table or column, so that rows cannot be looked at
};

/// Whether anybody has ever stored anything. Where tables cannot be taken back, a first start that was cut short leaves
/// them empty.
bool has_rows(SchemaDatabase& database, std::span<const Migration> known);

/// `known` are all steps; those that were taken must have left all they make. Empty: nothing is missing, or nothing is
/// set up. Throws what `database` throws.
std::vector<Lack> lacks(SchemaDatabase& database, std::span<const Migration> known);

/// `table "user", index message_log of table message and 3 more`
std::string listed(std::span<const Lack> lacks);

}  // namespace loft::storage
