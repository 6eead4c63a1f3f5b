// Every statement is answered by an index: the plans of a filled database say so.
#include <common/sent_count.hpp>
#include <mysql/texts.hpp>

#include "filled_log.hpp"
#include "grown_store.hpp"
#include "mysql_server.hpp"

#include <loft/push_ledger.hpp>
#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;
using Catch::Contains;

namespace {

std::string_view text_of(st::Query query) {
  for (const auto& own : st::mysql::own_texts) {
    if (own.query == query) return own.text;
  }
  return st::text(query);
}

/// A statement with values that make sense in place of its parameters.
std::string sensible(std::string_view text, Values values = {}) {
  values.merge(Values{{"low", "40"},       {"high", "3000"},     {"limit", "10"},        {"before", "100"},
                      {"handle", "'20'"},  {"uuid", "'20'"},     {"name", "'read'"},     {"mark", "'read'"},
                      {"space", "'1'"},    {"key", "'20'"},      {"from", "'20'"},       {"value", "''"},
                      {"after", "3900"},   {"profile", "''"},    {"intervals", "''"},    {"topic", "''"},
                      {"channel", "'20'"}, {"token", "'20'"},    {"users", "'[20,30]'"}, {"state", "1"},
                      {"avatar", "''"},    {"description", "''"}});
  return filled_in(text, values);
}

/// table|type|key|Extra of each step.
std::string plan(RawMysql& raw, const std::string& sql) {
  std::string lines;
  const auto rows = raw.run("EXPLAIN " + sql) + "\n";
  for (std::size_t from = 0; from < rows.size();) {
    const auto end = rows.find('\n', from);
    std::vector<std::string> columns{""};
    for (const char c : rows.substr(from, end - from)) {
      if (c == '|') {
        columns.emplace_back();
      } else {
        columns.back() += c;
      }
    }
    lines += columns.at(2) + "|" + columns.at(3) + "|" + columns.at(5) + "|" + columns.at(9) + "\n";
    from = end + 1;
  }
  return lines;
}

/// Enough rows for the server to find that a scan does not pay.
void fill(RawMysql& raw) {
  raw.run("SET SESSION max_recursive_iterations = 100000");
  const std::string numbers =
      " FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) SELECT i FROM n) t";
  raw.run("INSERT INTO \"user\" (id, handle, uuid, created, profile) SELECT i, i, i, 0, ''" + numbers);
  raw.run(
      "INSERT INTO conversation (id, kind, low_id, high_id, owner_id, join_rule, dissolved, created, updated, "
      "max_members, name, description, avatar, topic) SELECT i, i % 3, i, i + 1, 0, 0, 0, 0, 0, 0, '', '', '', ''" +
      numbers);
  raw.run("INSERT INTO member SELECT i % 400, i, 0, i, 0, 0, 0, 0, 0" + numbers);
  raw.run(
      "INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content) "
      "SELECT i, i % 40, i, i % 7, 1, 'text'" +
      numbers);
  raw.run("INSERT INTO recalled_message SELECT i % 40, i, i % 7" + numbers);
  raw.run("INSERT INTO client_message SELECT i, i % 7, i, i, i" + numbers);
  raw.run("INSERT INTO \"change\" SELECT i, i % 40, 0, 0, 0, 0, 0, NULL" + numbers);
  raw.run("INSERT INTO mark SELECT i, i % 400, 'read', '{}'" + numbers);
  raw.run("INSERT INTO key_value SELECT i % 4, i, 'x'" + numbers);
  raw.run("INSERT INTO follower SELECT i, i" + numbers);
  raw.run(
      "INSERT INTO push_queue (message_id, user_id, conversation_id, state, attempts, created, due, expires, finished, "
      "leased_by, leased_until, reason, plan) SELECT i, i % 40, 1, i % 4, 0, 0, i, i, IF(i % 4 = 0, 0, i), "
      "IF(i % 400 = 0, 1, NULL), IF(i % 400 = 0, i, NULL), '', ''" +
      numbers);
  raw.run(
      "INSERT INTO device (user_id, channel, token, platform, client, app, locale, registered, last_success, failed, "
      "failure) SELECT i % 400, 'apns', i, '', '', '', '', 0, 0, 0, ''" +
      numbers);
  raw.run(
      "INSERT INTO push_log (user_id, message_id, push_type, push_status, push_time) "
      "SELECT i % 400, i, 'apns', 'success', TIMESTAMPADD(SECOND, i, TIMESTAMP'1970-01-01 00:00:00')" +
      numbers);
  raw.run(
      "ANALYZE TABLE \"user\", conversation, member, message, recalled_message, client_message, \"change\", mark, "
      "key_value, follower, push_queue, device, push_log");
}

/// How many rows this session's statements have read so far.
long rows_read(RawMysql& raw) {
  long sum = 0;
  const auto lines = raw.run("SHOW SESSION STATUS LIKE 'Handler_read%'") + "\n";
  for (std::size_t at = lines.find('|'); at != std::string::npos; at = lines.find('|', at + 1))
    sum += std::stol(lines.substr(at + 1));
  return sum;
}

}  // namespace

TEST_CASE("mysql: no statement looks through a table that grows", "[storage]") {
  const auto name = new_mysql_database();
  const Running running("/nonexistent", mysql_options(name), "storage.mysql");
  RawMysql raw(name);
  fill(raw);
  std::vector<std::string_view> texts(st::mysql::extra_texts.begin(), st::mysql::extra_texts.end());
  for (std::size_t i = 0; i < st::query_count; ++i) texts.push_back(text_of(static_cast<st::Query>(i)));
  for (const auto text : texts) {
    const bool plain_insert =
        text.starts_with("REPLACE") || (text.starts_with("INSERT") && text.find("SELECT") == std::string::npos);
    if (plain_insert) continue;
    const auto lines = plan(raw, sensible(text));
    INFO(text << "\n" << lines);
    for (const auto* table :
         {"user", "conversation", "member", "message", "m", "k", "r", "recalled_message", "client_message", "change",
          "mark", "key_value", "push_queue", "q", "device", "d", "push_log"}) {
      for (const auto* scan : {"|ALL|", "|index|"})
        CHECK_THAT("\n" + lines, !Contains("\n" + (table + std::string(scan))));
    }
  }
}

TEST_CASE("mysql: pages and counts of a log come from its index, in its order", "[storage]") {
  const auto name = new_mysql_database();
  const Running running("/nonexistent", mysql_options(name), "storage.mysql");
  RawMysql raw(name);
  fill(raw);
  for (const auto query : {st::Query::bounds, st::Query::own_and_recalled, st::Query::sent, st::Query::probe}) {
    const auto lines = plan(raw, sensible(text_of(query)));
    INFO(lines);
    CHECK_THAT(lines, Contains("|message_log|") && Contains("Using index"));
    CHECK_THAT(lines, !Contains("filesort"));
  }
  for (const auto query :
       {st::Query::log_up, st::Query::log_down, st::Query::changes_of, st::Query::messages_since,
        st::Query::changes_since, st::Query::key_values, st::Query::memberships, st::Query::all_conversations,
        st::Query::client_keys, st::Query::all_marks, st::Query::all_key_values, st::Query::followers}) {
    const auto lines = plan(raw, sensible(text_of(query)));
    INFO(text_of(query) << "\n" << lines);
    CHECK_THAT(lines, !Contains("filesort"));
  }
}

TEST_CASE("mysql: what a count looks at does not grow with the messages that are unread", "[storage]") {
  const auto name = new_mysql_database();
  Running running("/nonexistent", mysql_options(name), "storage.mysql");
  RawMysql raw(name);
  raw.run("SET SESSION max_recursive_iterations = 100000");
  raw.run(filled_log);
  raw.run(filled_blocks);
  raw.run(
      "INSERT INTO recalled_message SELECT conversation_id, seq, sender_id FROM message WHERE recalled IS NOT NULL");
  raw.run("ANALYZE TABLE message, recalled_message, sent_count");
  const auto blocks = st::whole_blocks(1, 20'000);
  const auto examined = [&](st::Query query) {
    const auto sql = sensible(text_of(query), {{"low", "1"},
                                               {"high", "20000"},
                                               {"last", std::to_string(blocks.last)},
                                               {"next", std::to_string(blocks.next)}});
    INFO(plan(raw, sql));
    const auto before = rows_read(raw);
    const auto answer = raw.run(sql);
    const auto rows = rows_read(raw) - before;
    CHECK(rows > 0);
    CHECK(rows < few_rows);
    return answer;
  };
  CHECK(examined(st::Query::bounds) == "1|20000");
  CHECK(examined(st::Query::own_and_recalled) ==
        std::to_string(own_in_filled_log) + "|" + std::to_string(recalled_in_filled_log));
  CHECK(value(running->count_foreign(cid(20), 1, 20'000, uid(20))) == standing_in_filled_log);
}

TEST_CASE("mysql: what reads look at does not grow with the store", "[storage]") {
  std::vector<std::unique_ptr<RawMysql>> stores;
  const auto grown = [&](int size) {
    const auto name = new_mysql_database();
    Running("/nonexistent", mysql_options(name), "storage.mysql").stop();
    auto& raw = *stores.emplace_back(std::make_unique<RawMysql>(name));
    raw.run("SET SESSION max_recursive_iterations = 100000");
    for (const auto& sql : grown_store(size)) raw.run(sql);
    raw.run(
        "ANALYZE TABLE \"user\", conversation, member, mark, message, client_message, \"change\", key_value, follower, "
        "domain");
    return Grown{size, [&raw](st::Query query, const Values& values) {
                   const auto before = rows_read(raw);
                   raw.run(filled_in(text_of(query), values));
                   return rows_read(raw) - before;
                 }};
  };
  const auto small = grown(2000), large = grown(20'000);
  check_reads_are_bounded(small, large, 3);
  // What does grow is seen.
  const auto before = rows_read(*stores[1]);
  stores[1]->run("SELECT count(*) FROM \"change\" WHERE kind = 0");
  CHECK(rows_read(*stores[1]) - before >= 20'000);
}

TEST_CASE("mysql: what is counted of pushes does not grow with those that are finished", "[storage]") {
  const auto name = new_mysql_database();
  Running running("/nonexistent", mysql_options(name), "storage.mysql");
  RawMysql raw(name);
  raw.run("SET SESSION max_recursive_iterations = 100000");
  raw.run(filled_ledger);
  raw.run("ANALYZE TABLE push_queue");
  const auto sql = filled_in(text_of(st::Query::push_counts), {{"most", "1000"}});
  INFO(plan(raw, sql));
  const auto before = rows_read(raw);
  CHECK(raw.run(sql) == "5|10");
  CHECK(rows_read(raw) - before < few_rows);
  CHECK(value(running->push_ledger()->push_counts(1'000)) == PushCounts{5, 10});
}
