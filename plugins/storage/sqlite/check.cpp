#include "check.hpp"

#include <common/shape.hpp>

#include "schema.hpp"

namespace loft::storage {
namespace {

std::string schema_checksum(Connection& db) {
  // Views are left out: they change nothing here, and contracts may bring their own.
  return checksum(
      db.ask("SELECT group_concat(part, char(10)) FROM (SELECT type || ' ' || name || ' ' || tbl_name || ' ' || "
             "coalesce(sql, '') AS part FROM sqlite_schema WHERE type <> 'view' AND name NOT LIKE 'sqlite_%' "
             "ORDER BY type, name)"));
}

std::string meta(Connection& db, const std::string& name) {
  return db.ask("SELECT value FROM meta WHERE name = '" + name + "'");
}

/// `value` is one of our own words.
void set_meta(Connection& db, const std::string& name, const std::string& value) {
  db.execute("INSERT INTO meta (name, value) VALUES ('" + name + "', '" + value +
             "') ON CONFLICT (name) DO UPDATE SET value = excluded.value");
}

}  // namespace

void check_schema(Connection& db, const std::string& path, std::span<const Migration> known, bool just_migrated) {
  const auto now = schema_checksum(db);
  if (just_migrated) return set_meta(db, "schema", now);
  if (const auto stored = meta(db, "schema"); stored != now) {
    Schema schema(db.handle());
    const auto lacking = lacks(schema, known);
    throw SchemaError("the tables of " + path + " were changed by another program (schema checksum " + now +
                      ", expected " + stored + (lacking.empty() ? "" : "; missing: " + listed(lacking)) +
                      "): undo that change, or restore a backup");
  }
}

bool remembers_schema(Connection& db) { return !meta(db, "schema").empty(); }

bool was_closed_in_order(Connection& db) { return meta(db, "closed") != "no"; }

void set_closed_in_order(Connection& db, bool value) { set_meta(db, "closed", value ? "yes" : "no"); }

}  // namespace loft::storage
