#include "checks.hpp"

#include <optional>
#include <utility>

#include "row_rules.hpp"

namespace loft::storage {
namespace {

/// Two rows with one name. `column` is what the rows are grouped by.
Check unique(const std::string& table, const std::string& what, const std::string& column) {
  return {table, "{0} and {1} have the same " + what,
          "give one of them another: UPDATE " + table + " SET … WHERE id = {1}",
          "SELECT min(id), max(id) FROM " + table + " WHERE " + column + " IS NOT NULL GROUP BY " + column +
              " HAVING count(*) > 1"};
}

void of_users(std::vector<Check>& list, Engine engine) {
  // MySQL's names are unique by a column of their own, because its collations take blanks at the end for nothing.
  const std::string key = engine == Engine::mysql ? "_key" : "";
  list.push_back({"\"user\"", "{0} is no id of a user", "delete the row, or give it a positive id in all tables",
                  "SELECT id FROM \"user\" WHERE id < 1"});
  list.push_back(unique("\"user\"", "handle", "handle" + key));
  list.push_back(unique("\"user\"", "uuid", "uuid" + key));
  list.push_back({"conversation", "{0} is no id of a conversation",
                  "delete the row, or give it a positive id in all tables",
                  "SELECT id FROM conversation WHERE id < 1"});
  list.push_back(unique("conversation", "handle", "handle" + key));
  list.push_back(unique("conversation", "uuid", "uuid" + key));
  list.push_back({"conversation", "{0} and {1} are of the same two users",
                  "make them one: move the messages of one to the other's log, then delete it",
                  "SELECT min(id), max(id) FROM conversation WHERE low_id IS NOT NULL GROUP BY low_id, high_id "
                  "HAVING count(*) > 1"});
  list.push_back({"conversation", "{0} is of two users and names the pair '{1}', '{2}', who are not both there",
                  "add the missing user, or set low_id and high_id to the two that are meant, the smaller one first",
                  "SELECT c.id, c.low_id, c.high_id FROM conversation c WHERE c.kind = 0 AND (c.low_id IS NULL OR "
                  "c.high_id IS NULL OR c.low_id > c.high_id OR "
                  "NOT EXISTS (SELECT 1 FROM \"user\" u WHERE u.id = c.low_id) OR "
                  "NOT EXISTS (SELECT 1 FROM \"user\" u WHERE u.id = c.high_id))"});
}

void of_members(std::vector<Check>& list) {
  list.push_back({"member", "user {1} is a member of conversation {0}, which is not there",
                  "DELETE FROM member WHERE conversation_id = {0} AND user_id = {1}",
                  "SELECT b.conversation_id, b.user_id FROM member b WHERE NOT EXISTS "
                  "(SELECT 1 FROM conversation c WHERE c.id = b.conversation_id)"});
  list.push_back({"member", "conversation {0} has the member {1}, and there is no such user",
                  "DELETE FROM member WHERE conversation_id = {0} AND user_id = {1}",
                  "SELECT b.conversation_id, b.user_id FROM member b WHERE NOT EXISTS "
                  "(SELECT 1 FROM \"user\" u WHERE u.id = b.user_id)"});
  list.push_back({"mark", "user {0} has marked '{2}' in conversation {1}, and one of the two is not there",
                  "DELETE FROM mark WHERE user_id = {0} AND conversation_id = {1}",
                  "SELECT k.user_id, k.conversation_id, k.name FROM mark k WHERE NOT EXISTS "
                  "(SELECT 1 FROM \"user\" u WHERE u.id = k.user_id) OR NOT EXISTS "
                  "(SELECT 1 FROM conversation c WHERE c.id = k.conversation_id)"});
}

/// Of bytes in MySQL. A conversion of others has a question mark in place of each, or is NULL.
std::string is_utf8(const std::string& column) {
  return "(CAST(CONVERT(" + column + " USING utf8mb4) AS BINARY) <=> " + column + ")";
}

void of_marks(std::vector<Check>& list, Engine engine) {
  Check json{"mark", "'{2}' of user {0} in conversation {1} is not JSON, so nothing of that user could be read",
             "DELETE FROM mark WHERE user_id = {0} AND conversation_id = {1} AND name = '{2}'; what it said is lost",
             "SELECT user_id, conversation_id, name FROM mark WHERE "};
  switch (engine) {
    case Engine::sqlite:
      json.sql += "NOT (json_valid(CAST(intervals AS TEXT)) AND loft_utf8(intervals))";
      json.from = 2;  // before that they were numbers of seven bits a byte
      // Their last number must have come to its end.
      list.push_back({"mark", "'{2}' of user {0} in conversation {1} ends in the middle of a number", json.remedy,
                      "SELECT user_id, conversation_id, name FROM mark WHERE length(intervals) = 0 OR "
                      "substr(hex(intervals), -2, 1) >= '8'",
                      1, 1});
      break;
    case Engine::postgresql:
      // What is no JSON is an empty set to this function, and so is an empty set.
      // No byte of one that the core wrote is beyond ASCII; those are said with a backslash.
      json.sql +=
          "mark_set(intervals) = '[]' AND (position(CAST('\"set\":[]' AS BYTEA) IN intervals) = 0 OR "
          "position('\\' IN encode(intervals, 'escape')) > 0)";
      break;
    case Engine::mysql:
      json.sql += "coalesce(JSON_VALID(CONVERT(intervals USING utf8mb4)), 0) = 0 OR NOT " + is_utf8("intervals");
      break;
  }
  list.push_back(std::move(json));
}

void of_logs(std::vector<Check>& list) {
  list.push_back({"message", "there are messages of conversation {0}, which is not there",
                  "add that conversation, or DELETE FROM message WHERE conversation_id = {0}",
                  "SELECT d.conversation_id FROM (SELECT DISTINCT conversation_id FROM message) d WHERE NOT EXISTS "
                  "(SELECT 1 FROM conversation c WHERE c.id = d.conversation_id)"});
  list.push_back({"message", "seq {1} is in conversation {0} {2} times; seqs begin at 1 and are there once",
                  "number that log anew in the order of ids, then set head and last_id of the conversation",
                  "SELECT conversation_id, seq, count(*) FROM message GROUP BY conversation_id, seq "
                  "HAVING count(*) > 1 OR seq < 1"});
  list.push_back({"message", "{0} is no id of a message",
                  "delete the row, and set head and last_id of its conversation",
                  "SELECT id FROM message WHERE id < 1"});
  list.push_back({"conversation", "{0} says its last message is seq {1}, id {2}, its log ends with seq {3}, id {4}",
                  "UPDATE conversation SET head = {3}, last_id = {4} WHERE id = {0}",
                  "SELECT t.id, t.head, t.last_id, t.seq, t.message FROM (SELECT c.id, c.head, c.last_id, "
                  "(SELECT m.seq FROM message m WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1) AS seq, "
                  "(SELECT m.id FROM message m WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1) AS message "
                  "FROM conversation c) t WHERE t.head <> t.seq OR t.last_id <> t.message OR t.head < 0 OR "
                  "t.last_id < 0"});
  list.push_back({"\"change\"", "there are changes of conversation {0}, which is not there",
                  "DELETE FROM \"change\" WHERE conversation_id = {0}",
                  "SELECT d.conversation_id FROM (SELECT DISTINCT conversation_id FROM \"change\") d WHERE NOT EXISTS "
                  "(SELECT 1 FROM conversation c WHERE c.id = d.conversation_id)"});
  list.push_back({"\"change\"", "{0} is no position", "DELETE FROM \"change\" WHERE position = {0}",
                  "SELECT position FROM \"change\" WHERE position < 1"});
  list.push_back({"client_message", "{0} is no id of a message", "DELETE FROM client_message WHERE message_id = {0}",
                  "SELECT message_id FROM client_message WHERE message_id < 1"});
  list.push_back({"client_message", "sender {0} has the client ids of the messages {1} and {2} in common",
                  "DELETE FROM client_message WHERE message_id = {2}",
                  "SELECT sender_id, min(message_id), max(message_id) FROM client_message "
                  "GROUP BY sender_id, hash0, hash1 HAVING count(*) > 1"});
}

void of_progress(std::vector<Check>& list) {
  list.push_back({"progress", "it has {0} rows in place of one",
                  "leave the one with id 1 and the largest position, or restore a backup",
                  "SELECT t.n FROM (SELECT count(*) AS n FROM progress) t WHERE t.n <> 1"});
  list.push_back({"progress", "the largest position is said to be {0}, and message {1} is there",
                  "UPDATE progress SET position = {1} WHERE id = 1",
                  "SELECT p.position, m.id FROM progress p CROSS JOIN (SELECT max(id) AS id FROM message) m "
                  "WHERE m.id > p.position"});
  list.push_back({"progress", "the largest position is said to be {0}, and a change at {1} is there",
                  "UPDATE progress SET position = {1} WHERE id = 1",
                  "SELECT p.position, m.id FROM progress p CROSS JOIN (SELECT max(position) AS id FROM \"change\") m "
                  "WHERE m.id > p.position"});
}

void of_messages(std::vector<Check>& list, Engine engine) {
  const auto add = [&](Check check) {
    check.deep = true;
    list.push_back(std::move(check));
  };
  // Retention takes the oldest of a log, so only what lies between the rest must be there.
  add({"message", "of conversation {0} the seqs {1} to {2} should be there, which is not so of all",
       "messages are lost: restore a backup, or let them be: only counts of unread messages take them for there",
       "SELECT conversation_id, min(seq), max(seq) FROM message GROUP BY conversation_id "
       "HAVING count(*) <> max(seq) - min(seq) + 1"});
  add({"message", "seq {1} of conversation {0} is from user {2}, who is not there", "add that user",
       "SELECT m.conversation_id, m.seq, m.sender_id FROM message m WHERE NOT EXISTS "
       "(SELECT 1 FROM \"user\" u WHERE u.id = m.sender_id)"});
  add({"message", "seq {1} of conversation {0} is of domain number {2}, which is not there",
       "add that number and its name to table domain",
       "SELECT m.conversation_id, m.seq, m.domain_id FROM message m WHERE NOT EXISTS "
       "(SELECT 1 FROM domain d WHERE d.id = m.domain_id)"});
  // Of blocks that retention has left whole. 256 is `sent_block`.
  const std::string block = engine == Engine::mysql ? "(seq + 255) DIV 256 * 256" : "(seq + 255) / 256 * 256";
  add({"sent_count",
       "user {1} wrote {3} messages in the 256 up to seq {2} of conversation {0}, which the table does not say",
       "DELETE FROM sent_count WHERE conversation_id = {0} AND sender_id = {1} AND upto = {2}; INSERT INTO sent_count "
       "VALUES ({0}, {1}, {2}, {3})",
       "SELECT b.conversation_id, b.sender_id, b.upto, b.sent FROM (SELECT conversation_id, sender_id, " + block +
           " AS upto, count(*) AS sent FROM message GROUP BY 1, 2, 3) b JOIN conversation c ON c.id = "
           "b.conversation_id "
           "LEFT JOIN sent_count s ON s.conversation_id = b.conversation_id AND s.sender_id = b.sender_id AND "
           "s.upto = b.upto WHERE b.upto <= c.head AND (s.sent IS NULL OR s.sent <> b.sent) AND b.upto - 255 >= "
           "(SELECT m.seq FROM message m WHERE m.conversation_id = b.conversation_id ORDER BY m.seq LIMIT 1)",
       engine == Engine::sqlite ? 3 : 1});
  add({"sent_count",
       "user {1} wrote nothing in the 256 up to seq {2} of conversation {0}, and the table says otherwise",
       "DELETE FROM sent_count WHERE conversation_id = {0} AND sender_id = {1} AND upto = {2}",
       "SELECT s.conversation_id, s.sender_id, s.upto FROM sent_count s JOIN conversation c ON c.id = "
       "s.conversation_id WHERE s.upto <= c.head AND s.upto - 255 >= (SELECT m.seq FROM message m WHERE "
       "m.conversation_id = s.conversation_id ORDER BY m.seq LIMIT 1) AND NOT EXISTS (SELECT 1 FROM message m WHERE "
       "m.conversation_id = s.conversation_id AND m.seq BETWEEN s.upto - 255 AND s.upto AND m.sender_id = "
       "s.sender_id)",
       engine == Engine::sqlite ? 3 : 1});
  if (engine != Engine::mysql) return;
  add({"recalled_message", "seq {1} of conversation {0} is recalled, which the table does not say",
       "INSERT INTO recalled_message SELECT conversation_id, seq, sender_id FROM message WHERE recalled IS NOT NULL ON "
       "DUPLICATE KEY UPDATE seq = recalled_message.seq",
       "SELECT m.conversation_id, m.seq FROM message m WHERE m.recalled IS NOT NULL AND NOT EXISTS "
       "(SELECT 1 FROM recalled_message r WHERE r.conversation_id = m.conversation_id AND r.seq = m.seq)"});
}

/// What other databases see to by themselves. SQLite keeps bytes as they come, and NULL where a table was edited.
void of_sqlite(std::vector<Check>& list) {
  list.push_back({"domain", "the name of {0} is not UTF-8 or NULL", "write it anew as UTF-8, or restore a backup",
                  "SELECT id FROM domain WHERE name IS NULL OR NOT loft_utf8(name)"});
  // By an index, so that it can be asked before each step; for the other columns see of_columns.
  list.push_back({"message", "conversation, seq or sender of {0} is NULL or no number", "set it, or delete the row",
                  "SELECT id FROM message WHERE typeof(conversation_id) || typeof(seq) || typeof(sender_id) <> "
                  "'integerintegerinteger'"});
}

// ---- columns by themselves, as who reads the rows looks at them

std::string in_quotes(std::string_view name) { return '"' + std::string(name) + '"'; }

/// As the other checks name it: in quotes where it is a word of some dialect.
std::string name_of(const RowRules& rules) {
  const bool is_word = &rules == &row_rules::user || &rules == &row_rules::change;
  return is_word ? in_quotes(rules.table) : std::string(rules.table);
}

/// ` WHEN … THEN 'kind must be 0 to 3'`, for each way in which the column can be wrong.
std::string cases_of(const Column& column, Engine engine, bool is_key) {
  const auto name = in_quotes(column.name);
  const auto must = [&](const std::string& condition, const std::string& what) {
    return " WHEN " + condition + " THEN '" + std::string(column.name) + " must " + what + "'";
  };
  const bool is_sqlite = engine == Engine::sqlite;
  std::string cases;
  if (column.is_text || !is_sqlite) {
    // SQLite takes the schema's word for `IS NULL`, and this is about rows that break it.
    if (!column.may_be_null)
      cases += must(is_sqlite ? "typeof(" + name + ") = 'null'" : name + " IS NULL", "not be NULL");
    if (is_sqlite && !column.is_bytes) cases += must("NOT loft_utf8(" + name + ")", "be UTF-8");
    // Names that are part of a key are bytes there.
    if (engine == Engine::mysql && column.is_text && is_key) cases += must("NOT " + is_utf8(name), "be UTF-8");
  } else {
    const auto types = column.may_be_null ? "('integer', 'null')" : "('integer')";
    cases += must("typeof(" + name + ") NOT IN " + types,
                  std::string("be a whole number") + (column.may_be_null ? " or NULL" : ""));
  }
  if (column.is_text || column.least != 0) return cases;
  if (column.most == std::numeric_limits<std::int64_t>::max()) return cases + must(name + " < 0", "not be negative");
  const auto most = std::to_string(column.most);
  return cases + must(name + " NOT BETWEEN 0 AND " + most, "be 0 to " + most);
}

/// Whether another check sees to it: numbers that are keys, and what of_sqlite and of_logs ask an index for.
bool is_seen_to(const RowRules& rules, std::size_t at) {
  const auto& column = rules.columns[at];
  if (at < rules.keys) return !column.is_text;
  return &rules == &row_rules::message &&
         (column.name == "conversation_id" || column.name == "seq" || column.name == "sender_id");
}

/// Of the columns that a schema has.
std::optional<Check> of_columns(const RowRules& rules, Engine engine, int schema) {
  std::string keys, cases, what;
  for (std::size_t i = 0; i < rules.columns.size(); ++i) {
    if (rules.columns[i].since > schema) continue;
    if (i < rules.keys) keys += in_quotes(rules.columns[i].name) + ", ";
    if (i < rules.keys) what += (i == 0 ? "{" : ", {") + std::to_string(i) + "}";
    if (!is_seen_to(rules, i)) cases += cases_of(rules.columns[i], engine, i < rules.keys);
  }
  if (keys.empty() || cases.empty()) return std::nullopt;
  Check check{name_of(rules), what + ": {" + std::to_string(rules.keys) + "}",
              "set that column to what it was, restore a backup, or delete the row",
              "SELECT t.* FROM (SELECT " + keys + "CASE" + cases + " END AS wrong FROM " + in_quotes(rules.table) +
                  ") t WHERE t.wrong IS NOT NULL"};
  // These grow with what is sent.
  check.deep = &rules == &row_rules::message || &rules == &row_rules::change || &rules == &row_rules::client_message ||
               &rules == &row_rules::key_value || &rules == &row_rules::push_queue || &rules == &row_rules::push_log;
  return check;
}

void of_columns(std::vector<Check>& list, Engine engine) {
  for (const auto* rules : row_rules::all) {
    // Schema 1 of the others is SQLite's schema 2, schema 2 its schema 4.
    if (auto check = of_columns(*rules, engine, 2)) {
      check->from = engine == Engine::sqlite ? 2 : 1;
      list.push_back(std::move(*check));
    } else if (auto late = of_columns(*rules, engine, 4)) {
      late->from = engine == Engine::sqlite ? 4 : 2;
      list.push_back(std::move(*late));
    }
    if (engine != Engine::sqlite) continue;
    if (auto check = of_columns(*rules, engine, 1)) {
      check->upto = 1;
      list.push_back(std::move(*check));
    }
  }
}

/// What stands between single quotes there becomes a text of SQL.
std::string filled_in(const std::string& text, const std::vector<std::string>& columns) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto column = at + 2 < text.size() && text[at] == '{' && text[at + 2] == '}'
                            ? static_cast<std::size_t>(text[at + 1] - '0')
                            : columns.size();
    if (column < columns.size()) {
      const bool is_quoted = at != 0 && text[at - 1] == '\'';
      for (const char c : columns[column]) out.append(is_quoted && c == '\'' ? 2 : 1, c);
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

std::vector<Check> checks_of(Engine engine) {
  std::vector<Check> list;
  if (engine == Engine::sqlite) of_sqlite(list);
  of_columns(list, engine);
  of_users(list, engine);
  of_members(list);
  of_marks(list, engine);
  of_logs(list);
  of_progress(list);
  of_messages(list, engine);
  // Its programs take texts in double quotes for values.
  if (engine == Engine::mysql) {
    for (auto& check : list) {
      for (char& c : check.remedy) c = c == '"' ? '`' : c;
    }
  }
  return list;
}

std::vector<Problem> problems(SchemaDatabase& database, std::span<const Check> checks, int taken, bool deep,
                              std::size_t limit) {
  const LongWork reads_tables(database);
  std::vector<Problem> list;
  for (const auto& check : checks) {
    if (check.from > taken || check.upto < taken || (check.deep && !deep)) continue;
    for (const auto& row : database.rows(check.sql + " LIMIT " + std::to_string(limit))) {
      list.push_back({check.table, filled_in(check.what, row), filled_in(check.remedy, row)});
    }
  }
  return list;
}

std::string describe(std::span<const Problem> list) {
  std::string text;
  for (const auto& problem : list) {
    text += "  table " + problem.table + ": " + problem.what + "; " + problem.remedy + "\n";
  }
  return text;
}

}  // namespace loft::storage
