// Every statement is answered by an index: the plans say so.
#include <common/sent_count.hpp>
#include <postgresql/statements.hpp>

#include "filled_log.hpp"
#include "grown_store.hpp"
#include "postgresql_store.hpp"

#include <loft/push_ledger.hpp>
#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;
namespace pg = loft::storage::postgresql;

namespace {

/// The types of the arrays that a batch is sent in: i integers, t texts, b bytes. Empty: no array.
std::string arrays(pg::Own own) {
  switch (own) {
    case pg::Own::put_users:
      return "ittit";
    case pg::Own::put_conversations:
      return "iiiitttttiiiitii";
    case pg::Own::put_members:
      return "iiiiiiiii";
    case pg::Own::put_heads:
      return "iiii";
    case pg::Own::each_own_and_recalled:
      return "iiiiii";
    case pg::Own::put_keys:
    case pg::Own::restore_keys:
      return "iiiii";
    case pg::Own::put_messages:
      return "iiiiitt";
    case pg::Own::put_changes:
      return "iiiiiiit";
    case pg::Own::put_recalls:
      return "iii";
    case pg::Own::put_marks:
      return "iitb";
    case pg::Own::put_key_values:
      return "ttt";
    case pg::Own::remove_key_values:
      return "tt";
    case pg::Own::each_conversation:
    case pg::Own::each_message:
    case pg::Own::stored_heads:
    case pg::Own::erase_messages:
    case pg::Own::erase_notes:
      return "i";
    case pg::Own::stored_keys:
    case pg::Own::each_bounds:
      return "iii";
    default:
      return {};
  }
}

std::string plan(const std::string& database, unsigned statement) {
  const auto text = pg::statement_text(statement);
  std::string types, values;
  for (const char type : arrays(static_cast<pg::Own>(statement))) {
    types += std::string(types.empty() ? "(" : ", ") + (type == 'i' ? "BIGINT[]" : type == 't' ? "TEXT[]" : "BYTEA[]");
  }
  for (int i = 1; text.find("$" + std::to_string(i)) != std::string::npos; ++i)
    values += values.empty() ? "(NULL" : ", NULL";
  return postgresql_server().sql(std::string(pg::planner_settings) +
                                     "; SET plan_cache_mode = force_generic_plan; PREPARE s" +
                                     (types.empty() ? "" : types + ")") + " AS " + text +
                                     "; EXPLAIN (COSTS OFF) EXECUTE s" + (values.empty() ? "" : values + ")"),
                                 database);
}

bool is_transaction(unsigned statement) {
  return statement >= static_cast<unsigned>(pg::Own::begin) && statement <= static_cast<unsigned>(pg::Own::rollback);
}

bool has(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

/// Scans of an index without a condition are as long as the table; broadcasts are all of a partial index, and so is
/// what is owed and what is leased.
bool scans_whole_index(const std::string& lines) {
  for (auto at = lines.find("Scan "); at != std::string::npos; at = lines.find("Scan ", at + 1)) {
    const auto end = lines.find('\n', at);
    const auto line = lines.substr(at, end - at);
    const bool is_index =
        line.starts_with("Scan using ") || line.starts_with("Scan Backward using ") ||
        (line.starts_with("Scan on ") && has(lines.substr(at > 13 ? at - 13 : 0, 13), "Bitmap Index"));
    if (!is_index || has(line, "conversation_broadcast") || has(line, "push_queue_due") ||
        has(line, "push_queue_lease")) {
      continue;
    }
    if (!has(lines.substr(end, lines.find('\n', end + 1) - end), "Index Cond:")) return true;
  }
  return false;
}

/// How many rows a statement looks at with these values; `types` of its parameters, or empty. The plan stands in
/// `lines`.
int rows_examined(const std::string& database, unsigned statement, const std::string& types, const std::string& values,
                  std::string& lines) {
  const auto prepare = std::string(pg::planner_settings) + "; SET plan_cache_mode = force_generic_plan; PREPARE s" +
                       (types.empty() ? "" : "(" + types + ")") + " AS " + pg::statement_text(statement) + "; ";
  lines = postgresql_server().sql(prepare + "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE s" +
                                      (values.empty() ? "" : "(" + values + ")"),
                                  database);
  int rows = 0;
  for (auto at = lines.find("rows="); at != std::string::npos; at = lines.find("rows=", at + 1)) {
    rows += std::stoi(lines.substr(at + 5)) * std::stoi(lines.substr(lines.find("loops=", at) + 6));
  }
  constexpr std::string_view removed = "Removed by Filter: ";
  for (auto at = lines.find(removed); at != std::string::npos; at = lines.find(removed, at + 1))
    rows += std::stoi(lines.substr(at + removed.size()));
  return rows;
}

struct Planned {
  Planned() { Running("/nonexistent", coordinates(postgresql_server(), database), "storage.postgresql").stop(); }
  std::string of(unsigned statement) const { return plan(database, statement); }
  template <class Statement>
  std::string of(Statement statement) const {
    return plan(database, static_cast<unsigned>(statement));
  }
  std::string database = new_database();
};

}  // namespace

TEST_CASE("postgresql: no statement looks through a whole table or index", "[storage]") {
  const Planned planned;
  for (unsigned i = 0; i < pg::statement_count; ++i) {
    // Of the shared texts, those are not used here that have batches of their own.
    if (is_transaction(i) || (i < static_cast<unsigned>(st::Query::put_progress))) continue;
    const auto lines = planned.of(i);
    INFO(pg::statement_text(i) << "\n" << lines);
    CHECK_FALSE(lines.empty());
    CHECK_FALSE(has(lines, "Seq Scan"));
    CHECK_FALSE(scans_whole_index(lines));
  }
}

TEST_CASE("postgresql: counts and seqs of unread messages come from indexes alone", "[storage]") {
  const Planned planned;
  const auto less = static_cast<unsigned>(pg::Own::each_own_and_recalled);
  for (const auto statement : {less, static_cast<unsigned>(pg::Own::each_bounds),
                               static_cast<unsigned>(st::Query::sent), static_cast<unsigned>(st::Query::probe)}) {
    const auto lines = planned.of(statement);
    INFO(lines);
    CHECK(has(lines, "Index Only Scan"));
    CHECK(has(lines, "using message_log"));
    if (statement != less) CHECK_FALSE(has(lines, "Index Scan using"));
  }
  CHECK(has(planned.of(less), "using message_recalled"));
  CHECK(has(planned.of(less), "Index Scan using sent_count_pkey"));
  CHECK(has(planned.of(pg::Own::seq_at), "Index Only Scan using message_log"));
  CHECK_FALSE(has(planned.of(st::Query::log_down), "Sort"));
  CHECK_FALSE(has(planned.of(st::Query::changes_of), "Sort"));
}

TEST_CASE("postgresql: what a count looks at does not grow with the messages that are unread", "[storage]") {
  const auto database = new_database();
  Running running("/nonexistent", coordinates(postgresql_server(), database), "storage.postgresql");
  postgresql_server().sql(filled_log, database);
  postgresql_server().sql(filled_blocks, database);
  const auto examined = [&](pg::Own statement, const std::string& types, const std::string& values) {
    std::string lines;
    const auto rows = rows_examined(database, static_cast<unsigned>(statement), types, values, lines);
    INFO(lines);
    CHECK(rows > 0);
    CHECK(rows < few_rows);
  };
  examined(pg::Own::each_bounds, "BIGINT[], BIGINT[], BIGINT[]", "'{20}', '{1}', '{20000}'");
  const auto [last, next] = st::whole_blocks(1, 20'000);
  examined(pg::Own::each_own_and_recalled, "BIGINT[], BIGINT[], BIGINT[], BIGINT[], BIGINT[], BIGINT[]",
           "'{20}', '{1}', '{" + std::to_string(last) + "}', '{20}', '{" + std::to_string(next) + "}', '{20000}'");
  CHECK(value(running->count_foreign(cid(20), 1, 20'000, uid(20))) == standing_in_filled_log);
}

TEST_CASE("postgresql: what reads look at does not grow with the store", "[storage]") {
  const auto grown = [](int size) {
    const auto database = new_database();
    Running("/nonexistent", coordinates(postgresql_server(), database), "storage.postgresql").stop();
    for (const auto& sql : grown_store(size)) postgresql_server().sql(sql, database);
    return Grown{size, [database](st::Query query, const Values& values) -> long {
                   std::string list, lines;
                   for (const auto& name : parameters_of(st::text(query))) {
                     list += (list.empty() ? "" : ", ") + value_of(values, name);
                   }
                   const auto rows = rows_examined(database, static_cast<unsigned>(query), "", list, lines);
                   CHECK_THAT(lines, !Catch::Contains("Seq Scan"));
                   return rows;
                 }};
  };
  const auto small = grown(2000), large = grown(20'000);
  check_reads_are_bounded(small, large, 3);
}

TEST_CASE("postgresql: what is counted of pushes does not grow with those that are finished", "[storage]") {
  const auto database = new_database();
  Running running("/nonexistent", coordinates(postgresql_server(), database), "storage.postgresql");
  postgresql_server().sql(filled_ledger, database);
  std::string lines;
  const auto rows = rows_examined(database, static_cast<unsigned>(st::Query::push_counts), "BIGINT", "1000", lines);
  INFO(lines);
  CHECK(rows > 0);
  CHECK(rows < few_rows);
  CHECK(value(running->push_ledger()->push_counts(1'000)) == PushCounts{5, 10});
  // By message or by user, as the statistics say.
  CHECK_FALSE(has(plan(database, static_cast<unsigned>(st::Query::attempts_of)), "push_log_pkey"));
}
