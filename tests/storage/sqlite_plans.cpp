// Every read is answered by an index: the plans say so.
#include <common/queries.hpp>
#include <common/sent_count.hpp>

#include <array>

#include "filled_log.hpp"
#include "grown_store.hpp"
#include "plugin_under_test.hpp"
#include "raw.hpp"

#include <loft/push_ledger.hpp>
#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;

namespace {

std::string plan(sqlite3* handle, std::string_view sql) {
  const auto text = "EXPLAIN QUERY PLAN " + std::string(sql);
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(handle, text.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  std::string lines;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    const std::string line = reinterpret_cast<const char*>(sqlite3_column_text(statement, 3));
    // A SELECT of values, without any table, the array of a parameter, and what was found by an index and is counted.
    if (line != "SCAN CONSTANT ROW" && line != "SCAN counted" &&
        line.find("json_each VIRTUAL TABLE") == std::string::npos)
      lines.append(line).append("\n");
  }
  sqlite3_finalize(statement);
  return lines;
}

/// What a statement answers, and how many steps the database's machine took for that: some for each row it looks at.
std::pair<std::array<std::int64_t, 2>, int> examined(sqlite3* handle, std::string_view sql,
                                                     std::initializer_list<std::int64_t> values) {
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(handle, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) == SQLITE_OK);
  int place = 0;
  for (const auto value : values) sqlite3_bind_int64(statement, ++place, value);
  REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
  const std::array<std::int64_t, 2> answer{sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1)};
  const std::pair found(answer, sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0));
  sqlite3_finalize(statement);
  return found;
}

/// How many of those steps all rows of an answer took.
long steps_of(sqlite3* handle, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(handle, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) == SQLITE_OK);
  while (sqlite3_step(statement) == SQLITE_ROW) continue;
  const auto steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
  sqlite3_finalize(statement);
  return steps;
}

bool has(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("sqlite: no statement looks through a whole table", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  const Raw raw(directory.path() + "/loft.db");
  for (std::size_t i = 0; i < st::query_count; ++i) {
    const auto sql = st::query_texts[i];
    REQUIRE_FALSE(sql.empty());
    const auto lines = plan(raw.handle(), sql);
    INFO(sql << "\n" << lines);
    CHECK_FALSE(has(lines, "SCAN "));
    CHECK_FALSE(has(lines, "AUTOMATIC"));
  }
}

TEST_CASE("sqlite: counts and seqs of unread messages come from indexes alone", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  const Raw raw(directory.path() + "/loft.db");
  for (const auto query : {st::Query::bounds, st::Query::own_and_recalled, st::Query::sent, st::Query::probe}) {
    const auto lines = plan(raw.handle(), st::text(query));
    INFO(lines);
    CHECK(has(lines, "COVERING INDEX message_log"));
    CHECK_FALSE(has(lines, "SEARCH message USING INDEX"));
  }
  const auto less = plan(raw.handle(), st::text(st::Query::own_and_recalled));
  CHECK(has(less, "message_recalled"));
  CHECK(has(less, "sent_count USING PRIMARY KEY (conversation_id=? AND sender_id=? AND upto>? AND upto<?)"));
  for (const auto query : {st::Query::log_up, st::Query::log_down, st::Query::members}) {
    CHECK(has(plan(raw.handle(), st::text(query)), "SEARCH"));
  }
  CHECK_FALSE(has(plan(raw.handle(), st::text(st::Query::log_down)), "TEMP B-TREE"));
}

TEST_CASE("sqlite: what a count looks at does not grow with the messages that are unread", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  Raw raw(directory.path() + "/loft.db");
  raw.run(filled_log);
  raw.run(filled_blocks);
  const auto [bounds, steps] = examined(raw.handle(), st::text(st::Query::bounds), {20, 1, 20'000});
  CHECK(bounds == std::array<std::int64_t, 2>{1, 20'000});
  CHECK(steps < 100);
  const auto blocks = st::whole_blocks(1, 20'000);
  const auto [less, more] =
      examined(raw.handle(), st::text(st::Query::own_and_recalled),
               {20, 1, static_cast<std::int64_t>(blocks.last), 20, static_cast<std::int64_t>(blocks.next), 20'000});
  CHECK(less == std::array<std::int64_t, 2>{own_in_filled_log, recalled_in_filled_log});
  CHECK(more < 10 * few_rows);
  CHECK(value(running->count_foreign(cid(20), 1, 20'000, uid(20))) == standing_in_filled_log);
}

TEST_CASE("sqlite: what reads look at does not grow with the store", "[storage]") {
  struct Store {
    explicit Store(int size) {
      Running(directory.path()).stop();
      raw = std::make_unique<Raw>(directory.path() + "/loft.db");
      for (const auto& sql : grown_store(size)) raw->run(sql);
    }
    long steps(const std::string& sql) const { return steps_of(raw->handle(), sql); }
    TemporaryDirectory directory;
    std::unique_ptr<Raw> raw;
  };
  const Store few(2000), many(20'000);
  const auto in = [](const Store& store, int size) {
    return Grown{size, [&store](st::Query query, const Values& values) {
                   return store.steps(filled_in(st::text(query), values));
                 }};
  };
  check_reads_are_bounded(in(few, 2000), in(many, 20'000), 20);
  // What does grow is seen.
  CHECK(many.steps("SELECT count(*) FROM \"change\" WHERE kind = 0") > 20'000);
}

TEST_CASE("sqlite: what is counted of pushes does not grow with those that are finished", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  Raw raw(directory.path() + "/loft.db");
  raw.run(filled_ledger);
  const auto [counts, steps] = examined(raw.handle(), st::text(st::Query::push_counts), {1'000});
  CHECK(counts == std::array<std::int64_t, 2>{5, 10});
  CHECK(steps < 10 * few_rows);
  CHECK(value(running->push_ledger()->push_counts(1'000)) == PushCounts{5, 10});
  CHECK(has(plan(raw.handle(), st::text(st::Query::attempts_of)), "push_log_message (message_id=? AND rowid>?)"));
}
