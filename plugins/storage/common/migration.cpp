#include "migration.hpp"

#include <soci/soci.h>

#include <vector>

namespace loft::storage {
namespace {

struct Applied {
  int number = 0;
  std::string name;
  std::string checksum;
};

std::vector<Applied> applied_steps(soci::session& sql) {
  std::vector<Applied> steps;
  Applied row;
  soci::statement select = (sql.prepare << "SELECT number, name, checksum FROM schema_migration ORDER BY number",
                            soci::into(row.number), soci::into(row.name), soci::into(row.checksum));
  select.execute();
  while (select.fetch()) steps.push_back(row);
  return steps;
}

void refuse_strangers(const std::vector<Applied>& steps, std::span<const Migration> known, std::string_view where) {
  const int newest = known.empty() ? 0 : known.back().number;
  if (!steps.empty() && steps.back().number > newest) {
    throw StartError(std::string(where) + " has schema number " + std::to_string(steps.back().number) +
                     ", this program knows schemas up to number " + std::to_string(newest) +
                     ": start the newer version of loft that wrote it, or restore a backup made before the upgrade");
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& step = steps[i];
    if (i >= known.size() || step.number != known[i].number) {
      throw StartError(std::string(where) + " lacks schema migration " + std::to_string(i + 1) + " but has number " +
                       std::to_string(step.number) +
                       ": restore a backup, the list in table schema_migration was edited");
    }
    if (const auto wanted = checksum(known[i].sql); step.checksum != wanted) {
      throw StartError(std::string(where) + " was made with another text of schema migration " +
                       std::to_string(step.number) + " (" + step.name + "): checksum " + step.checksum +
                       " is stored, this program has " + wanted +
                       "; start the build of loft that made it, or restore a backup");
    }
  }
}

/// Statements one by one: not every driver takes several at once.
void run(soci::session& sql, std::string_view text) {
  std::string statement;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.starts_with("--")) continue;
    statement.append(line).push_back('\n');
    if (!line.ends_with(';')) continue;
    statement.resize(statement.size() - 2);
    sql << statement;
    statement.clear();
  }
  if (!statement.empty()) throw StartError("a migration ends without `;` in: " + statement);
}

int bring_up(soci::session& sql, const Dialect& dialect, std::span<const Migration> known, std::string_view where,
             long long now) {
  if (!dialect.has_table(sql, "schema_migration")) {
    if (dialect.table_count(sql) != 0) {
      throw StartError(
          std::string(where) +
          " holds tables of another program: give Loft a database of its own (option `path` of the storage)");
    }
    sql << "CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, "
           "checksum VARCHAR(16) NOT NULL, applied BIGINT NOT NULL)";
  }
  const auto steps = applied_steps(sql);
  refuse_strangers(steps, known, where);
  int count = 0;
  for (const auto& migration : known.subspan(steps.size())) {
    run(sql, migration.sql);
    const int number = migration.number;
    const std::string name(migration.name);
    const auto sum = checksum(migration.sql);
    sql << "INSERT INTO schema_migration (number, name, checksum, applied) VALUES (:n, :m, :c, :a)", soci::use(number),
        soci::use(name), soci::use(sum), soci::use(now);
    ++count;
  }
  return count;
}

}  // namespace

std::string checksum(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; hash >>= 4) out[i] = "0123456789abcdef"[hash & 15];
  return out;
}

int migrate(soci::session& sql, const Dialect& dialect, std::span<const Migration> known, std::string_view where,
            Millis now) {
  dialect.lock(sql);
  try {
    const int count = bring_up(sql, dialect, known, where, now);
    dialect.commit(sql);
    return count;
  } catch (...) {
    dialect.rollback(sql);
    throw;
  }
}

}  // namespace loft::storage
