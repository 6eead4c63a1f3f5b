#include "checks.hpp"

#include <utility>

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
      json.sql += "mark_set(intervals) = '[]' AND position(CAST('\"set\":[]' AS BYTEA) IN intervals) = 0";
      break;
    case Engine::mysql:
      json.sql += "coalesce(JSON_VALID(CONVERT(intervals USING utf8mb4)), 0) = 0";
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
  if (engine != Engine::mysql) return;
  add({"recalled_message", "seq {1} of conversation {0} is recalled, which the table does not say",
       "INSERT INTO recalled_message SELECT conversation_id, seq, sender_id FROM message WHERE recalled IS NOT NULL ON "
       "DUPLICATE KEY UPDATE seq = recalled_message.seq",
       "SELECT m.conversation_id, m.seq FROM message m WHERE m.recalled IS NOT NULL AND NOT EXISTS "
       "(SELECT 1 FROM recalled_message r WHERE r.conversation_id = m.conversation_id AND r.seq = m.seq)"});
}

/// What other databases see to by themselves. SQLite keeps bytes as they come, and NULL where a table was edited.
void of_sqlite(std::vector<Check>& list) {
  const std::string text = "write it anew as UTF-8, or restore a backup";
  const std::string null = "set it, or delete the row";
  list.push_back({"\"user\"", "handle or uuid of {0} is not UTF-8", text,
                  "SELECT id FROM \"user\" WHERE NOT (loft_utf8(handle) AND loft_utf8(uuid))"});
  list.push_back(
      {"conversation", "a text of {0} is not UTF-8", text,
       "SELECT id FROM conversation WHERE NOT (loft_utf8(handle) AND loft_utf8(uuid) AND loft_utf8(name) AND "
       "loft_utf8(description) AND loft_utf8(avatar))"});
  list.push_back({"domain", "the name of {0} is not UTF-8 or NULL", text,
                  "SELECT id FROM domain WHERE name IS NULL OR NOT loft_utf8(name)"});
  list.push_back({"\"user\"", "created of {0} is NULL", null, "SELECT id FROM \"user\" WHERE created IS NULL"});
  list.push_back(
      {"conversation", "a column of {0} that must have a value is NULL", null,
       "SELECT id FROM conversation WHERE kind IS NULL OR head IS NULL OR last_id IS NULL OR name IS NULL OR "
       "owner_id IS NULL OR join_rule IS NULL OR created IS NULL OR updated IS NULL"});
  list.push_back(
      {"member", "a column of user {1} in conversation {0} that must have a value is NULL", null,
       "SELECT conversation_id, user_id FROM member WHERE role IS NULL OR joined IS NULL OR joined_seq IS NULL "
       "OR muted_until IS NULL OR has_left IS NULL"});
  list.push_back({"message", "conversation, seq or sender of {0} is NULL or no number", null,
                  "SELECT id FROM message WHERE typeof(conversation_id) || typeof(seq) || typeof(sender_id) <> "
                  "'integerintegerinteger'"});
  list.push_back({"message", "content or domain of seq {1} of conversation {0} is NULL", null,
                  "SELECT conversation_id, seq FROM message WHERE content IS NULL OR domain_id IS NULL"});
  list.back().deep = true;
  list.push_back({"message", "content or extras of seq {1} of conversation {0} are not UTF-8", text,
                  "SELECT conversation_id, seq FROM message WHERE NOT (loft_utf8(content) AND loft_utf8(extras))", 2});
  list.back().deep = true;
}

std::string filled_in(const std::string& text, const std::vector<std::string>& columns) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto column = at + 2 < text.size() && text[at] == '{' && text[at + 2] == '}'
                            ? static_cast<std::size_t>(text[at + 1] - '0')
                            : columns.size();
    if (column < columns.size()) {
      out += columns[column];
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
  of_users(list, engine);
  of_members(list);
  of_marks(list, engine);
  of_logs(list);
  of_progress(list);
  of_messages(list, engine);
  return list;
}

std::vector<Problem> problems(SchemaDatabase& database, std::span<const Check> checks, int taken, bool deep,
                              std::size_t limit) {
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
