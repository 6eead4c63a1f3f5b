#include "migration.hpp"

#include <algorithm>
#include <map>

#include "shape.hpp"

namespace loft::storage {
namespace {

constexpr const char* table = "schema_migration";

/// A step that was taken, as table schema_migration remembers it.
struct AppliedStep {
  int number = 0;
  std::string name;
  std::string checksum;
};

std::vector<AppliedStep> applied(SchemaDatabase& database) {
  std::vector<AppliedStep> steps;
  for (auto& row : database.rows("SELECT number, name, checksum FROM schema_migration ORDER BY number")) {
    steps.push_back({std::stoi(row[0]), std::move(row[1]), std::move(row[2])});
  }
  return steps;
}

/// Name and checksum are letters, digits and underscores.
void record(SchemaDatabase& database, const Migration& step, Millis now) {
  database.execute("INSERT INTO schema_migration (number, name, checksum, applied) VALUES (" +
                   std::to_string(step.number) + ", '" + std::string(step.name) + "', '" + checksum(step.sql) + "', " +
                   std::to_string(now) + ")");
}

/// Whether there are tables, and every one has the name of one of ours.
bool has_only_known(SchemaDatabase& database, std::span<const Migration> known) {
  const auto wanted = shape_of(known, database.engine());
  bool has_any = false;
  for (const auto& part : shape_of(database)) {
    if (part.kind != Part::Kind::table) continue;
    if (!wanted.contains(part)) return false;
    has_any = true;
  }
  return has_any;
}

/// True when Loft's tables are there, false when nothing is.
bool is_set_up(SchemaDatabase& database, std::span<const Migration> known, std::string_view where) {
  if (database.has_table(table)) return true;
  if (const auto found = database.elsewhere(); !found.empty()) throw SchemaError(std::string(where) + " " + found);
  if (database.table_count() == 0) return false;
  if (has_only_known(database, known)) {
    throw SchemaError(std::string(where) +
                      " has some of Loft's tables and not table schema_migration: a backup was restored in part, or "
                      "this account may not see all of them; give it its rights, or restore the whole backup into an "
                      "empty database");
  }
  throw SchemaError(std::string(where) + " holds tables of another program: give Loft a database of its own (option `" +
                    std::string(database.option()) + "` of the storage)");
}

void refuse_strangers(const std::vector<AppliedStep>& steps, std::span<const Migration> known, std::string_view where) {
  const int newest = known.empty() ? 0 : known.back().number;
  if (!steps.empty() && steps.back().number > newest) {
    throw SchemaError(std::string(where) + " has schema number " + std::to_string(steps.back().number) +
                      ", this program knows schemas up to number " + std::to_string(newest) +
                      ": start the newer version of loft that wrote it, or restore a backup made before the upgrade");
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& step = steps[i];
    if (i >= known.size() || step.number != known[i].number) {
      throw SchemaError(std::string(where) + " lacks schema migration " + std::to_string(i + 1) + " but has number " +
                        std::to_string(step.number) +
                        ": restore a backup, the list in table schema_migration was edited");
    }
    if (const auto wanted = checksum(known[i].sql); step.checksum != wanted) {
      throw SchemaError(std::string(where) + " was made with another text of schema migration " +
                        std::to_string(step.number) + " (" + step.name + "): checksum " + step.checksum +
                        " is stored, this program has " + wanted +
                        "; start the build of loft that made it, or restore a backup");
    }
  }
}

[[noreturn]] void refuse_to_change(std::size_t taken, const Plan& plan) {
  throw SchemaError(plan.where + " has schema number " + std::to_string(taken) + ", this program needs number " +
                    std::to_string(plan.known.back().number) +
                    ", and option `auto_migrate` is false: take a backup, then run `loft storage migrate`");
}

/// `taken`: what the rows were made for. A check that needs a newer schema waits until that is there.
void refuse_wrong_rows(SchemaDatabase& database, const Plan& plan, int taken, int since) {
  std::vector<Check> due;
  for (const auto& check : plan.checks) {
    if (check.from > since) due.push_back(check);
  }
  constexpr std::size_t shown = 10;
  auto found = problems(database, due, taken, false, shown + 1);
  if (found.empty()) return;
  const bool more = found.size() > shown;
  found.resize(std::min(found.size(), shown));
  throw SchemaError(plan.where + " has rows that the new schema cannot take, so nothing was changed; mend them, then " +
                    "try again:\n" + describe(found) + (more ? "  … and more; `loft storage check` names all\n" : ""));
}

void refuse_lacks(const std::vector<Lack>& lacks, const std::string& where) {
  if (lacks.empty()) return;
  throw SchemaError("the tables of " + where + " are not whole: " + listed(lacks) +
                    (lacks.size() == 1 ? " is" : " are") +
                    " missing. A backup was restored in part, or another program changed them: restore the whole "
                    "backup into an empty database, or undo that change");
}

/// `steps`: those that are missing.
void take(SchemaDatabase& database, std::span<const Migration> steps, Millis now) {
  const LongWork rewrites_tables(database);
  for (const auto& step : steps) {
    each_statement(step.sql, [&](const std::string& statement) { database.execute(statement); });
    record(database, step, now);
  }
}

int bring_up(SchemaDatabase& database, const Plan& plan, Millis now) {
  const bool is_there = is_set_up(database, plan.known, plan.where);
  if (!is_there) database.execute(std::string(schema_migration_text));
  const auto steps = applied(database);
  refuse_strangers(steps, plan.known, plan.where);
  const auto missing = plan.known.subspan(steps.size());
  // Where steps are taken one by one, a first start that was killed has taken some.
  const bool is_upgrade =
      !steps.empty() && !missing.empty() && (database.takes_back() || has_rows(database, plan.known));
  const int before = steps.empty() ? 0 : steps.back().number;
  const auto lacking = is_there ? lacks(database, plan.known) : std::vector<Lack>();
  // What keeps rows from being looked at comes first; else the rows say more than an index that is not there.
  if (std::any_of(lacking.begin(), lacking.end(), [](const Lack& lack) { return lack.hides_rows; })) {
    refuse_lacks(lacking, plan.where);
  }
  if (is_upgrade && !plan.allowed) refuse_to_change(steps.size(), plan);
  if (is_upgrade) refuse_wrong_rows(database, plan, before, 0);
  refuse_lacks(lacking, plan.where);
  if (missing.empty()) return 0;
  take(database, missing, now);
  refuse_lacks(lacks(database, plan.known), plan.where);
  if (is_upgrade && database.takes_back()) refuse_wrong_rows(database, plan, plan.known.back().number, before);
  return static_cast<int>(missing.size());
}

std::string head_problem(SchemaDatabase& database) {
  const auto heads = database.rows(
      "SELECT t.id, t.head, t.last_id, t.seq, t.message FROM (SELECT c.id, c.head, c.last_id, "
      "(SELECT m.seq FROM message m WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1) AS seq, "
      "(SELECT m.id FROM message m WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1) AS message "
      "FROM (SELECT DISTINCT s.conversation_id FROM "
      "(SELECT conversation_id FROM message ORDER BY id DESC LIMIT 1000) s) n "
      "JOIN conversation c ON c.id = n.conversation_id) t WHERE t.head <> t.seq OR t.last_id <> t.message LIMIT 1");
  if (!heads.empty()) {
    const auto& row = heads[0];
    return "conversation " + row[0] + " says its last message is seq " + row[1] + ", id " + row[2] +
           ", but its log ends with seq " + row[3] + ", id " + row[4] +
           ": the data was damaged or edited, or a backup was restored in part; restore a backup, or keep a copy and "
           "run UPDATE conversation SET head = " +
           row[3] + ", last_id = " + row[4] + " WHERE id = " + row[0];
  }
  const auto newest = database.rows(
      "SELECT p.position, (SELECT max(id) FROM message), (SELECT max(position) FROM \"change\") FROM progress p "
      "WHERE p.id = 1");
  if (newest.empty()) return "table progress has no row 1: the data was damaged or edited; restore a backup";
  const auto number = [](const std::string& text) { return text.empty() ? 0 : std::stoll(text); };
  const auto entries = std::max(number(newest[0][1]), number(newest[0][2]));
  if (entries <= number(newest[0][0])) return {};
  return "table progress says that the largest position is " + newest[0][0] + ", but there is an entry at " +
         std::to_string(entries) +
         ": the data was damaged or edited, or a backup was restored in part; restore a backup, or keep a copy and "
         "run UPDATE progress SET position = " +
         std::to_string(entries) + " WHERE id = 1";
}

}  // namespace

void each_statement(std::string_view sql, const std::function<void(const std::string&)>& use) {
  std::string statement;
  while (!sql.empty()) {
    const auto end = sql.find('\n');
    const auto line = sql.substr(0, end);
    sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 1);
    if (line.empty() || line.starts_with("--")) continue;
    statement.append(line).push_back('\n');
    if (!line.ends_with(';')) continue;
    statement.resize(statement.size() - 2);
    use(statement);
    statement.clear();
  }
  if (!statement.empty()) throw StartError("a migration ends without `;` in: " + statement);
}

std::string checksum(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; hash >>= 4) out[i] = "0123456789abcdef"[hash & 15];
  return out;
}

int migrate(SchemaDatabase& database, const Plan& plan, Millis now) {
  database.lock();
  try {
    const int count = bring_up(database, plan, now);
    database.commit();
    return count;
  } catch (...) {
    database.rollback();
    throw;
  }
}

StorageSchema look(SchemaDatabase& database, std::span<const Migration> known, std::string_view where) {
  std::map<int, StorageSchema::Step> steps;
  for (const auto& step : known) {
    steps[step.number] = {static_cast<std::uint32_t>(step.number), std::string(step.name), checksum(step.sql)};
  }
  StorageSchema schema;
  schema.newest = known.empty() ? 0 : static_cast<std::uint32_t>(known.back().number);
  if (is_set_up(database, known, where)) {
    for (const auto& [number, name, sum] : applied(database)) {
      auto& step = steps[number];
      step.known = step.checksum == sum;
      step.number = static_cast<std::uint32_t>(number);
      step.name = name;
      step.checksum = sum;
      step.taken = true;
      schema.stored = std::max(schema.stored, step.number);
    }
  }
  for (auto& [number, step] : steps) schema.steps.push_back(std::move(step));
  return schema;
}

void check_heads(SchemaDatabase& database, std::string_view where) {
  if (const auto problem = head_problem(database); !problem.empty()) {
    throw SchemaError("in " + std::string(where) + ", " + problem);
  }
}

}  // namespace loft::storage
