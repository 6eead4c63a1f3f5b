#include "shape.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace loft::storage {
namespace {

/// A word of a statement: a keyword or name, a name that was quoted, a sign.
struct Word {
  std::string text;
  bool is_quoted = false;
};

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size();) {
    auto end = at + 1;
    if (const char c = text[at]; c == '"' || c == '\'') {
      end = std::min(text.find(c, at + 1), text.size() - 1) + 1;
      words.push_back({std::string(text.substr(at + 1, end - at - 2)), true});
    } else if (is_letter(c)) {
      while (end < text.size() && is_letter(text[end])) ++end;
      words.push_back({std::string(text.substr(at, end - at))});
    } else if (c == '(' || c == ')' || c == ',') {
      words.push_back({std::string(1, c)});
    }
    at = end;
  }
  return words;
}

/// Reads one statement into a shape.
class Reader {
 public:
  Reader(Shape& shape, Engine engine, std::string_view statement)
      : shape_(shape), engine_(engine), words_(words_of(statement)) {}

  void read() {
    if (skips("CREATE")) {
      while (skips("OR") || skips("REPLACE")) continue;
      const bool is_unique = skips("UNIQUE");
      if (skips("TABLE")) return read_table();
      if (skips("INDEX")) return read_index(is_unique);
      if (skips("VIEW")) return put_own(Part::Kind::view);
      if (skips("FUNCTION")) return put_own(Part::Kind::function);
    } else if (skips("ALTER") && skips("TABLE")) {
      table_ = name();
      if (skips("ADD") && skips("COLUMN")) read_item();
    }
  }

 private:
  bool is(std::string_view word) const {
    return at_ < words_.size() && !words_[at_].is_quoted && words_[at_].text == word;
  }
  bool skips(std::string_view word) { return is(word) && ++at_ != 0; }
  std::string name() {
    while (skips("IF") || skips("NOT") || skips("EXISTS")) continue;
    return at_ < words_.size() ? words_[at_++].text : std::string();
  }
  void put(Part::Kind kind, const std::string& name, bool strict) { shape_.insert({kind, table_, name, strict}); }
  void put_own(Part::Kind kind) {
    table_ = name();
    put(kind, table_, false);
  }

  void read_table() {
    put_own(Part::Kind::table);
    skips("(");
    while (at_ < words_.size() && !is(")")) read_item();
  }

  void read_index(bool is_unique) {
    const auto index = name();
    skips("ON");
    table_ = name();
    put(Part::Kind::index, index, is_unique);
  }

  /// A column or a constraint, up to its comma or the end of the table.
  void read_item() {
    if (skips("PRIMARY")) {
      put_primary();
      for (skips("KEY"), skips("("); !is(")") && at_ < words_.size(); skips(",")) be_strict(name());
      skips(")");
    } else if (skips("UNIQUE")) {
      if (skips("KEY")) put(Part::Kind::index, name(), true);
    } else if (skips("KEY")) {
      put(Part::Kind::index, name(), false);
    } else if (skips("CONSTRAINT")) {
      const auto constraint = name();
      if (is("EXCLUDE") || is("UNIQUE") || is("PRIMARY")) put(Part::Kind::index, constraint, true);
    } else {
      return read_column();
    }
    skip_rest([] {});
  }

  void read_column() {
    const auto column = name();
    bool strict = false;
    skip_rest([&] {
      if (is("PRIMARY")) put_primary();
      if (is("UNIQUE") && engine_ == Engine::postgresql) put(Part::Kind::index, table_ + "_" + column + "_key", true);
      if (is("UNIQUE") && engine_ == Engine::mysql) put(Part::Kind::index, column, true);
      strict = strict || is("PRIMARY") || (is("NOT") && at_ + 1 < words_.size() && words_[at_ + 1].text == "NULL");
    });
    put(Part::Kind::column, column, strict);
  }

  /// Calls `see` at each word of the item's own, behind what was read of it.
  template <class F>
  void skip_rest(F see) {
    for (int depth = 0; at_ < words_.size(); ++at_) {
      if (depth == 0 && (is(",") || is(")"))) break;
      if (depth == 0) see();
      depth += is("(") ? 1 : is(")") ? -1 : 0;
    }
    skips(",");
  }

  /// The keys of SQLite's tables cannot be dropped and mostly have no index.
  void put_primary() {
    if (engine_ == Engine::postgresql) put(Part::Kind::index, table_ + "_pkey", true);
    if (engine_ == Engine::mysql) put(Part::Kind::index, "PRIMARY", true);
  }
  void be_strict(const std::string& column) {
    if (shape_.erase({Part::Kind::column, table_, column, false}) != 0) put(Part::Kind::column, column, true);
  }

  Shape& shape_;
  Engine engine_;
  std::vector<Word> words_;
  std::size_t at_ = 0;
  std::string table_;
};

constexpr const char* sqlite_parts =
    "SELECT 'table', name, name, '' FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
    "UNION ALL SELECT 'column', t.name, c.name, CASE WHEN c.\"notnull\" <> 0 OR c.pk <> 0 THEN 'strict' ELSE '' END "
    "FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' "
    "UNION ALL SELECT 'index', t.name, i.name, CASE WHEN i.\"unique\" THEN 'strict' ELSE '' END "
    "FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND i.origin = 'c' "
    "UNION ALL SELECT 'view', name, name, '' FROM sqlite_schema WHERE type = 'view'";

// An index that could not be built to its end is as good as none.
constexpr const char* postgresql_parts =
    "WITH own AS (SELECT oid FROM pg_namespace WHERE nspname = current_schema()), "
    "t AS (SELECT c.oid, CAST(c.relname AS TEXT) AS name FROM pg_class c JOIN own ON c.relnamespace = own.oid "
    "WHERE c.relkind IN ('r', 'p')) "
    "SELECT 'table', name, name, '' FROM t "
    "UNION ALL SELECT 'column', t.name, CAST(a.attname AS TEXT), CASE WHEN a.attnotnull THEN 'strict' ELSE '' END "
    "FROM t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped "
    "UNION ALL SELECT 'index', t.name, CAST(i.relname AS TEXT), "
    "CASE WHEN x.indisunique OR x.indisexclusion THEN 'strict' ELSE '' END "
    "FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indisvalid "
    "UNION ALL SELECT 'view', CAST(c.relname AS TEXT), CAST(c.relname AS TEXT), '' "
    "FROM pg_class c JOIN own ON c.relnamespace = own.oid WHERE c.relkind = 'v' "
    "UNION ALL SELECT 'function', CAST(p.proname AS TEXT), CAST(p.proname AS TEXT), '' "
    "FROM pg_proc p JOIN own ON p.pronamespace = own.oid";

// A dump announces each view as one of constants, and says at its end what it is. Who may not see its text finds it
// empty.
constexpr const char* mysql_parts =
    "SELECT 'table', table_name, table_name, '' FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') "
    "UNION ALL SELECT 'column', table_name, column_name, IF(is_nullable = 'NO', 'strict', '') "
    "FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name NOT IN "
    "(SELECT v.table_name FROM information_schema.views v WHERE v.table_schema = DATABASE()) "
    "UNION ALL SELECT 'index', table_name, index_name, IF(MIN(non_unique) = 0, 'strict', '') "
    "FROM information_schema.statistics WHERE table_schema = DATABASE() GROUP BY table_name, index_name "
    "UNION ALL SELECT 'view', table_name, table_name, '' FROM information_schema.views "
    "WHERE table_schema = DATABASE() AND (coalesce(view_definition, '') = '' OR view_definition LIKE '% from %')";

Part::Kind kind_of(const std::string& word) {
  return word == "table"    ? Part::Kind::table
         : word == "column" ? Part::Kind::column
         : word == "index"  ? Part::Kind::index
         : word == "view"   ? Part::Kind::view
                            : Part::Kind::function;
}

/// What is said of a part that is not there, or not as it should be.
std::string missing(const Part& part, const Shape& there) {
  auto otherwise = part;
  otherwise.strict = !part.strict;
  const bool is_other = there.contains(otherwise);
  const auto of = " of table " + part.table;
  switch (part.kind) {
    case Part::Kind::table:
      return "table " + part.name;
    case Part::Kind::column:
      return (is_other ? (part.strict ? "NOT NULL at column " : "NULL at column ") : "column ") + part.name + of;
    case Part::Kind::index:
      return (part.strict ? "unique index " : "index ") + part.name + of;
    case Part::Kind::view:
      return "view " + part.name;
    case Part::Kind::function:
      return "function " + part.name;
  }
  return part.name;
}

}  // namespace

Shape shape_of(std::span<const Migration> steps, Engine engine) {
  Shape shape;
  Reader(shape, engine, schema_migration_text).read();
  for (const auto& step : steps) {
    each_statement(step.sql, [&](const std::string& statement) { Reader(shape, engine, statement).read(); });
  }
  return shape;
}

Shape shape_of(SchemaDatabase& database) {
  const auto engine = database.engine();
  Shape shape;
  for (const auto& row : database.rows(engine == Engine::sqlite       ? sqlite_parts
                                       : engine == Engine::postgresql ? postgresql_parts
                                                                      : mysql_parts)) {
    shape.insert({kind_of(row[0]), row[1], row[2], !row[3].empty()});
  }
  return shape;
}

bool has_rows(SchemaDatabase& database, std::span<const Migration> known) {
  const auto there = shape_of(database);
  for (const auto& part : shape_of(known, database.engine())) {
    // These have rows of the start itself.
    if (part.name == "progress" || part.name == "key_value" || part.name == "schema_migration") continue;
    if (part.kind != Part::Kind::table || !there.contains(part)) continue;
    if (!database.rows("SELECT 1 FROM \"" + part.name + "\" LIMIT 1").empty()) return true;
  }
  return false;
}

std::vector<Lack> lacks(SchemaDatabase& database, std::span<const Migration> known) {
  std::vector<Lack> list;
  if (!database.has_table("schema_migration")) return list;
  const auto there = shape_of(database);
  const auto taken =
      static_cast<std::size_t>(std::stoll(database.rows("SELECT count(*) FROM schema_migration").at(0).at(0)));
  if (taken == 0) {
    if (database.takes_back() || has_rows(database, known))
      list.push_back({"schema_migration", "what table schema_migration should say", true});
    return list;
  }
  const auto wanted = shape_of(known.first(std::min(taken, known.size())), database.engine());
  for (const auto& part : wanted) {
    const bool is_hidden =
        part.kind != Part::Kind::table && !there.contains({Part::Kind::table, part.table, part.table});
    if (there.contains(part) || (is_hidden && part.kind <= Part::Kind::index)) continue;
    auto otherwise = part;
    otherwise.strict = !part.strict;
    list.push_back({part.table, missing(part, there), part.kind <= Part::Kind::column && !there.contains(otherwise)});
  }
  return list;
}

std::string listed(std::span<const Lack> lacks) {
  constexpr std::size_t shown = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(lacks.size(), shown); ++i) text += (i == 0 ? "" : ", ") + lacks[i].what;
  if (lacks.size() > shown) text += " and " + std::to_string(lacks.size() - shown) + " more";
  return text;
}

}  // namespace loft::storage
