// What must hold of stored rows beyond what their tables enforce, as questions whose answer is empty when it does.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "schema_database.hpp"

namespace loft::storage {

struct Check {
  std::string table;
  std::string what;    ///< of a row that is wrong; `{0}`, `{1}` … are columns of the answer
  std::string remedy;  ///< the same
  std::string sql;     ///< a SELECT without LIMIT, of the rows that are wrong
  int from = 1;        ///< the schema numbers that the question can be asked of
  int upto = std::numeric_limits<int>::max();
  /// Reads whole messages: for `loft storage check` only. The others read indexes and small tables, and are asked
  /// before a step is taken as well.
  bool deep = false;
};

struct Problem {
  std::string table;
  std::string what;
  std::string remedy;
};

/// SQLite's have a function `loft_utf8(text)` that its connection must know.
std::vector<Check> checks_of(Engine engine);

/// What is wrong, at most `limit` of each check. `taken`: the schema's number.
std::vector<Problem> problems(SchemaDatabase& database, std::span<const Check> checks, int taken, bool deep,
                              std::size_t limit);

/// Lines for the operator.
std::string describe(std::span<const Problem> list);

}  // namespace loft::storage
