// Numbered migrations with checksums: applied once, in order, under a lock, all of a start or none.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <loft/clock.hpp>

namespace soci {
class session;
}

namespace loft::storage {

/// One step of a schema. Statements end with `;` at the end of a line; comments are whole lines that begin with `--`.
/// No colon may occur (SOCI would take it for a parameter).
struct Migration {
  int number = 0;  ///< 1, 2, 3 …
  std::string_view name;
  std::string_view sql;
};

/// Why a storage cannot be opened; `what()` is meant for the operator and names the remedy.
struct StartError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What differs between databases when the schema is changed.
class Dialect {
 public:
  virtual ~Dialect() = default;

  /// Begins a transaction that keeps every other process from changing the schema.
  virtual void lock(soci::session& sql) const = 0;
  virtual void commit(soci::session& sql) const = 0;
  virtual void rollback(soci::session& sql) const noexcept = 0;
  /// Tables that exist, whoever made them.
  virtual long long table_count(soci::session& sql) const = 0;
  virtual bool has_table(soci::session& sql, const std::string& name) const = 0;
};

/// 64 bits of FNV-1a in hexadecimal: finds an edited migration, protects against nothing else.
std::string checksum(std::string_view text);

/// Brings the schema to the newest number and returns how many steps it took. `where` names the database in errors.
/// Throws StartError: the schema is newer than `known`, an applied migration was edited, the database belongs to
/// another program; soci::soci_error when the database fails. In every case nothing is changed.
int migrate(soci::session& sql, const Dialect& dialect, std::span<const Migration> known, std::string_view where,
            Millis now);

}  // namespace loft::storage
