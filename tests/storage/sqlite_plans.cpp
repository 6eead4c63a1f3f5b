// Every read is answered by an index: the plans say so.
#include <common/queries.hpp>

#include "plugin_under_test.hpp"
#include "raw.hpp"

#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using loft::testing::storage::TemporaryDirectory;
namespace st = loft::storage;

namespace {

std::string plan(sqlite3* handle, std::string_view sql) {
  const auto text = "EXPLAIN QUERY PLAN " + std::string(sql);
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(handle, text.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  std::string lines;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    const std::string line = reinterpret_cast<const char*>(sqlite3_column_text(statement, 3));
    if (line != "SCAN CONSTANT ROW") lines.append(line).append("\n");  // a SELECT of values, without any table
  }
  sqlite3_finalize(statement);
  return lines;
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
  for (const auto query : {st::Query::count_foreign, st::Query::sent, st::Query::probe}) {
    const auto lines = plan(raw.handle(), st::text(query));
    INFO(lines);
    CHECK(has(lines, "COVERING INDEX message_log"));
    CHECK_FALSE(has(lines, "SEARCH message USING INDEX"));
  }
  CHECK(has(plan(raw.handle(), st::text(st::Query::count_foreign)), "message_recalled"));
  for (const auto query : {st::Query::log_up, st::Query::log_down, st::Query::members}) {
    CHECK(has(plan(raw.handle(), st::text(query)), "SEARCH"));
  }
  CHECK_FALSE(has(plan(raw.handle(), st::text(st::Query::log_down)), "TEMP B-TREE"));
}
