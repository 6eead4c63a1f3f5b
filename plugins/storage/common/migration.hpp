// Numbered migrations with checksums: applied once, in order, under a lock, all of a start or none.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <loft/clock.hpp>
#include <loft/storage.hpp>

#include "checks.hpp"
#include "schema_database.hpp"

namespace loft::storage {

/// One step of a schema. Statements end with `;` at the end of a line; comments are whole lines that begin with `--`.
struct Migration {
  int number = 0;  ///< 1, 2, 3 …
  std::string_view name;
  std::string_view sql;
};

/// Statements one by one, without their `;`: not every driver takes several at once. Throws StartError when the last
/// one has no end, and what `use` throws.
void each_statement(std::string_view sql, const std::function<void(const std::string&)>& use);

/// What remembers the steps that were taken; made before the first one.
inline constexpr std::string_view schema_migration_text =
    "CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, "
    "checksum VARCHAR(16) NOT NULL, applied BIGINT NOT NULL)";

/// Why a storage cannot be opened; `what()` is meant for the operator and names the remedy.
struct StartError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The database answers, but what is in it is not for this program, or not without a change that may not be made.
struct SchemaError : StartError {
  using StartError::StartError;
};

/// What the runner is to bring a database to.
struct Plan {
  std::span<const Migration> known;
  std::string where;          ///< the database, in errors
  bool allowed = true;        ///< whether an older schema may be changed; an empty database is always set up
  std::vector<Check> checks;  ///< what must hold of rows before and after a step
};

/// 64 bits of FNV-1a in hexadecimal: finds an edited migration, protects against nothing else.
std::string checksum(std::string_view text);

/// Brings the schema to the newest number and returns how many steps it took. Throws SchemaError: the schema is newer
/// than what is known, an applied migration was edited, the database belongs to another program, some of what the steps
/// have made is missing, it has an older schema and that may not be changed, or holds rows that a step cannot take
/// (named with table, row and remedy); what `database` throws when it fails. In every case nothing is changed, unless
/// the database failed and cannot take back.
int migrate(SchemaDatabase& database, const Plan& plan, Millis now);

/// How the tables came to be what they are; changes nothing. Throws SchemaError when they are another program's.
StorageSchema look(SchemaDatabase& database, std::span<const Migration> known, std::string_view where);

/// Compares head and last id with the log for the conversations of the newest messages, and the largest position with
/// the newest entries: a crash of the database or a backup that does not fit shows there first, and a wrong one would
/// give a seq or an id twice. Costs a few milliseconds, whatever there is. Throws SchemaError; nothing is mended
/// silently.
void check_heads(SchemaDatabase& database, std::string_view where);

}  // namespace loft::storage
