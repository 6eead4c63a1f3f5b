#include "check.hpp"

#include <algorithm>

namespace loft::storage {
namespace {

constexpr const char* newest_conversations =
    "SELECT c.id, c.head, c.last_id, "
    "(SELECT m.seq FROM message m WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1), "
    "(SELECT m.id FROM message m WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1) "
    "FROM (SELECT DISTINCT conversation_id FROM (SELECT conversation_id FROM message ORDER BY id DESC LIMIT 1000)) n "
    "JOIN conversation c ON c.id = n.conversation_id";

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

void check_schema(Connection& db, const std::string& path, bool just_migrated) {
  const auto now = schema_checksum(db);
  if (just_migrated) return set_meta(db, "schema", now);
  if (const auto stored = meta(db, "schema"); stored != now) {
    throw StartError("the tables of " + path + " were changed by another program (schema checksum " + now +
                     ", expected " + stored + "): undo that change, or restore a backup");
  }
}

bool was_closed_in_order(Connection& db) { return meta(db, "closed") != "no"; }

void set_closed_in_order(Connection& db, bool value) { set_meta(db, "closed", value ? "yes" : "no"); }

void check_heads(Connection& db, const std::string& path) {
  struct Close {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3_stmt* raw_statement = nullptr;
  if (const int result = sqlite3_prepare_v2(db.handle(), newest_conversations, -1, &raw_statement, nullptr)) {
    throw Failure(db.handle(), result);
  }
  const std::unique_ptr<sqlite3_stmt, Close> statement(raw_statement);
  Cursor row(statement.get());
  while (row.next()) {
    if (row.number(1) == row.number(3) && row.number(2) == row.number(4)) continue;
    throw StartError(
        "after an unclean stop, conversation " + std::to_string(row.number(0)) + " in " + path +
        " says its last message is seq " + std::to_string(row.number(1)) + ", id " + std::to_string(row.number(2)) +
        ", but its log ends with seq " + std::to_string(row.number(3)) + ", id " + std::to_string(row.number(4)) +
        ": the file was damaged or edited; restore a backup, or keep a copy and set head and last_id of that "
        "row in table conversation to the log's values");
  }
}

}  // namespace loft::storage
