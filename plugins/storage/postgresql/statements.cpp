#include "statements.hpp"

#include <common/phrasing.hpp>

#include <algorithm>
#include <iterator>

namespace loft::storage::postgresql {
namespace {

// A time in push_log, of milliseconds since 1970 and back.
#define LOFT_TIME_OF(name) "TIMESTAMP 'epoch' + " name " * INTERVAL '1 millisecond'"
#define LOFT_ATTEMPT_COLUMNS                                     \
  "id, user_id, message_id, push_type, push_status, error_msg, " \
  "CASE WHEN isfinite(push_time) THEN CAST(floor(extract(epoch FROM push_time) * 1000 + 0.5) AS BIGINT) END"
#define LOFT_PUSH_COLUMNS \
  "message_id, user_id, conversation_id, state, attempts, created, due, expires, finished, reason, plan"
#define LOFT_PUSH_VALUES \
  ":message, :user, :conversation, :state, :attempts, :created, :due, :expires, :finished, :reason, :plan"

constexpr OwnText own_words[] = {
    {Query::put_progress,
     "UPDATE progress SET applied_upto = greatest(applied_upto, :applied), position = greatest(position, :position) "
     "WHERE id = 1"},
    {Query::marks,
     "SELECT k.user_id, k.conversation_id, k.name, k.intervals FROM member m JOIN mark k "
     "ON k.user_id = m.user_id AND k.conversation_id = m.conversation_id AND k.name = :mark "
     "WHERE m.conversation_id = :id ORDER BY k.user_id"},
    // A join would be planned as if few were recalled, and be quadratic when many are.
    {Query::sent,
     "SELECT m.seq FROM message m WHERE m.conversation_id = :id AND m.seq BETWEEN :low AND :high "
     "AND m.sender_id = :user AND (SELECT r.seq FROM message r WHERE r.conversation_id = m.conversation_id "
     "AND r.seq = m.seq AND r.recalled IS NOT NULL) IS NULL ORDER BY m.seq DESC LIMIT :limit"},
    // The rows are locked once, however often the plan looks at them.
    {Query::lease_pushes,
     "UPDATE push_queue q SET leased_by = :holder, leased_until = :until FROM (WITH free AS MATERIALIZED ("
     "SELECT message_id, user_id FROM push_queue WHERE state = 0 AND due <= :now "
     "AND (leased_until IS NULL OR leased_until <= :now) ORDER BY due, message_id, user_id LIMIT :limit "
     "FOR UPDATE SKIP LOCKED) SELECT * FROM free) f WHERE q.message_id = f.message_id AND q.user_id = f.user_id "
     "RETURNING q.message_id, q.user_id, conversation_id, state, attempts, created, due, expires, finished, reason, "
     "plan"},
    // What was revived since it was chosen is looked at again.
    {Query::forget_pushes,
     "DELETE FROM push_queue q USING (SELECT message_id, user_id FROM push_queue WHERE finished > 0 "
     "AND finished < :before ORDER BY finished LIMIT :limit) old WHERE q.message_id = old.message_id "
     "AND q.user_id = old.user_id AND q.finished > 0 AND q.finished < :before"},
    {Query::forget_attempts, "DELETE FROM push_log l USING (SELECT id FROM push_log WHERE push_time < " LOFT_TIME_OF(
                                 ":before") " ORDER BY push_time LIMIT :limit) old WHERE l.id = old.id"},
    {Query::put_attempt,
     "INSERT INTO push_log (user_id, message_id, push_type, push_status, error_msg, push_time) "
     "VALUES (:handle, :message, :type, :status, nullif(:error, ''), " LOFT_TIME_OF(":time") ")"},
    {Query::put_device,
     "INSERT INTO device (user_id, channel, token, platform, client, app, locale, registered, last_success, failed, "
     "failure) VALUES (:user, :channel, :token, :platform, :client, :app, :locale, :registered, 0, 0, '') "
     "ON CONFLICT (channel, md5(token)) DO UPDATE SET user_id = excluded.user_id, token = excluded.token, "
     "platform = excluded.platform, client = excluded.client, app = excluded.app, locale = excluded.locale, "
     "registered = excluded.registered, last_success = 0, failed = 0, failure = ''"},
    {Query::remove_device,
     "DELETE FROM device WHERE channel = :channel AND token = :token AND md5(token) = md5(:token) "
     "AND (:user = 0 OR user_id = :user)"},
    {Query::restore_push,
     "INSERT INTO push_queue (" LOFT_PUSH_COLUMNS ") VALUES (" LOFT_PUSH_VALUES
     ") ON CONFLICT (message_id, user_id) DO UPDATE SET conversation_id = excluded.conversation_id, "
     "state = excluded.state, attempts = excluded.attempts, created = excluded.created, due = excluded.due, "
     "expires = excluded.expires, finished = excluded.finished, reason = excluded.reason, plan = excluded.plan"},
    {Query::restore_attempt,
     "INSERT INTO push_log (id, user_id, message_id, push_type, push_status, error_msg, push_time) VALUES (:id, "
     ":handle, :message, :type, :status, nullif(:error, ''), " LOFT_TIME_OF(
         ":time") ") ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, message_id = excluded.message_id, "
                  "push_type = excluded.push_type, push_status = excluded.push_status, error_msg = excluded.error_msg, "
                  "push_time = excluded.push_time"},
    {Query::restore_device,
     "INSERT INTO device (id, user_id, channel, token, platform, client, app, locale, registered, last_success, "
     "failed, failure) VALUES (:id, :user, :channel, :token, :platform, :client, :app, :locale, :registered, :success, "
     ":failed, :failure) ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, channel = excluded.channel, "
     "token = excluded.token, platform = excluded.platform, client = excluded.client, app = excluded.app, "
     "locale = excluded.locale, registered = excluded.registered, last_success = excluded.last_success, "
     "failed = excluded.failed, failure = excluded.failure"},
    {Query::raise_attempt_ids,
     "SELECT setval(pg_get_serial_sequence('push_log', 'id'), (SELECT max(id) FROM push_log))"},
    {Query::raise_device_ids, "SELECT setval(pg_get_serial_sequence('device', 'id'), (SELECT max(id) FROM device))"},
    // Not by the primary key, which has the order and nothing of the message.
    {Query::attempts_of,
     "SELECT " LOFT_ATTEMPT_COLUMNS " FROM push_log WHERE message_id = :message AND user_id = :handle AND id > :after "
     "ORDER BY id + 0 LIMIT :limit"},
    {Query::attempts, "SELECT " LOFT_ATTEMPT_COLUMNS " FROM push_log WHERE id > :after ORDER BY id LIMIT :limit"},
    {Query::devices_of,
     "SELECT id, user_id, channel, token, platform, client, app, locale, registered, last_success, failed, failure "
     "FROM json_array_elements_text(CAST(:users AS JSON)) AS wanted (wanted_id) "
     "JOIN device ON user_id = CAST(wanted_id AS BIGINT) ORDER BY id"},
    {Query::device_of_token,
     "SELECT id FROM device WHERE channel = :channel AND token = :token AND md5(token) = md5(:token)"},
};

#undef LOFT_TIME_OF
#undef LOFT_ATTEMPT_COLUMNS
#undef LOFT_PUSH_COLUMNS
#undef LOFT_PUSH_VALUES

constexpr Phrasing phrasing{Placeholder::numbered, own_words};

/// The columns of a query for one id, for many: in the order of the ids.
std::string for_each_id(Query one, std::string_view table) {
  auto columns = std::string(text(one));
  columns.resize(columns.rfind(" FROM "));
  return columns + " FROM unnest($1) WITH ORDINALITY AS wanted (wanted_id, place) JOIN " + std::string(table) +
         " ON id = wanted_id ORDER BY place";
}

/// A query of numbers whose row has two, for many: in their order.
std::string for_each_row(Query one) {
  auto [sql, order] = phrased(phrasing, one);
  std::string columns, parameters;
  for (std::size_t i = 1; i <= order.size(); ++i) {
    parameters += (i == 1 ? "$" : ", $") + std::to_string(i);
    columns += "v" + std::to_string(i) + ", ";
  }
  const std::string_view column = "wanted.v";
  for (auto at = sql.find('$'); at != std::string::npos; at = sql.find('$', at)) sql.replace(at, 1, column);
  return sql + " FROM unnest(" + parameters + ") WITH ORDINALITY AS wanted (" + columns + "place) ORDER BY place";
}

// The state of a search between `low`, which is within the position, and `high`, behind which nothing is. One step for
// each doubling of the log, all in the server.
constexpr std::string_view seq_at_text =
    "WITH RECURSIVE narrow (low, high) AS ("
    "SELECT CASE WHEN last_id <= $2 THEN head ELSE 0 END, head FROM conversation WHERE id = $1 "
    "UNION ALL "
    "SELECT CASE WHEN p.inside THEN p.seq ELSE s.low END, CASE WHEN p.inside THEN s.high ELSE s.middle - 1 END "
    "FROM (SELECT low, high, low + (high - low + 1) / 2 AS middle FROM narrow WHERE low < high) s "
    "LEFT JOIN LATERAL (SELECT m.seq, m.seq <= s.high AND m.id <= $2 AS inside FROM message m "
    "WHERE m.conversation_id = $1 AND m.seq >= s.middle ORDER BY m.seq LIMIT 1) p ON TRUE) "
    "SELECT low FROM narrow WHERE low >= high LIMIT 1";

struct Batched {
  Own statement;
  std::string_view text;
};

constexpr Batched batched[] = {
    {Own::begin, "BEGIN ISOLATION LEVEL READ COMMITTED"},
    {Own::begin_reading, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
    {Own::commit, "COMMIT"},
    {Own::rollback, "ROLLBACK"},
    {Own::stored_heads,
     "SELECT id, head, last_id FROM unnest($1) AS wanted (wanted_id) JOIN conversation ON id = wanted_id"},
    {Own::stored_keys,
     "SELECT place, message_id, digest FROM unnest($1, $2, $3) WITH ORDINALITY AS wanted (s, h0, h1, place) "
     "JOIN client_message ON sender_id = s AND hash0 = h0 AND hash1 = h1 ORDER BY place"},
    {Own::put_users,
     "INSERT INTO \"user\" (id, handle, uuid, created, profile) SELECT * FROM unnest($1, $2, $3, $4, $5) "
     "ON CONFLICT (id) DO UPDATE SET handle = excluded.handle, uuid = excluded.uuid, "
     "created = excluded.created, profile = excluded.profile"},
    {Own::put_conversations,
     "INSERT INTO conversation (id, kind, low_id, high_id, handle, uuid, name, description, avatar, owner_id, "
     "join_rule, created, updated, topic, max_members, dissolved) SELECT * FROM "
     "unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) "
     "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, low_id = excluded.low_id, "
     "high_id = excluded.high_id, handle = excluded.handle, uuid = excluded.uuid, name = excluded.name, "
     "description = excluded.description, avatar = excluded.avatar, owner_id = excluded.owner_id, "
     "join_rule = excluded.join_rule, created = excluded.created, updated = excluded.updated, "
     "topic = excluded.topic, max_members = excluded.max_members, dissolved = excluded.dissolved"},
    {Own::put_members,
     "INSERT INTO member (conversation_id, user_id, role, joined, joined_seq, muted_until, muted_by, muted_at, "
     "has_left) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) "
     "ON CONFLICT (conversation_id, user_id) DO UPDATE SET role = excluded.role, joined = excluded.joined, "
     "joined_seq = excluded.joined_seq, muted_until = excluded.muted_until, muted_by = excluded.muted_by, "
     "muted_at = excluded.muted_at, has_left = excluded.has_left"},
    {Own::put_heads,
     "UPDATE conversation c SET head = n.head, last_id = n.last_id "
     "FROM unnest($1, $2, $3, $4) AS n (id, expected, head, last_id) "
     "WHERE c.id = n.id AND c.head = n.expected RETURNING c.id"},
    {Own::put_keys,
     "INSERT INTO client_message (message_id, sender_id, hash0, hash1, digest) "
     "SELECT * FROM unnest($1, $2, $3, $4, $5)"},
    {Own::put_messages,
     "INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content, extras) "
     "SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)"},
    {Own::put_changes,
     "INSERT INTO \"change\" (position, conversation_id, kind, actor_id, subject_id, message_id, role, note) "
     "SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"},
    {Own::put_recalls,
     "UPDATE message m SET recalled = r.position, recalled_by = r.by_user "
     "FROM unnest($1, $2, $3) AS r (id, position, by_user) WHERE m.id = r.id AND m.recalled IS NULL"},
    {Own::erase_messages,
     "UPDATE message m SET content = '{}', extras = NULL FROM unnest($1) AS e (id) WHERE m.id = e.id"},
    {Own::erase_notes,
     "UPDATE \"change\" c SET note = NULL FROM unnest($1) AS e (id) JOIN message m ON m.id = e.id "
     "WHERE c.position = m.recalled AND c.message_id = m.id"},
    {Own::put_marks,
     "INSERT INTO mark (user_id, conversation_id, name, intervals) SELECT * FROM unnest($1, $2, $3, $4) "
     "ON CONFLICT (user_id, conversation_id, name) DO UPDATE SET intervals = excluded.intervals"},
    {Own::put_key_values,
     "INSERT INTO key_value (space, \"key\", value) SELECT * FROM unnest($1, $2, $3) "
     "ON CONFLICT (space, \"key\") DO UPDATE SET value = excluded.value"},
    {Own::remove_key_values,
     "DELETE FROM key_value k USING unnest($1, $2) AS gone (space, \"key\") "
     "WHERE k.space = gone.space AND k.\"key\" = gone.\"key\""},
    {Own::restore_keys,
     "INSERT INTO client_message (message_id, sender_id, hash0, hash1, digest) "
     "SELECT * FROM unnest($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING message_id"},
    {Own::owner_shared, "SELECT value FROM key_value WHERE space = 'loft.owner' AND \"key\" = 'start' FOR SHARE"},
    {Own::owner_alone, "SELECT value FROM key_value WHERE space = 'loft.owner' AND \"key\" = 'start' FOR UPDATE"},
};

std::string own_text(Own own) {
  if (own == Own::each_conversation) return for_each_id(Query::conversation, "conversation");
  if (own == Own::each_message) return for_each_id(Query::message, "message");
  if (own == Own::each_bounds) return for_each_row(Query::bounds);
  if (own == Own::each_own_and_recalled) return for_each_row(Query::own_and_recalled);
  if (own == Own::seq_at) return std::string(seq_at_text);
  const auto* found =
      std::find_if(std::begin(batched), std::end(batched), [own](const Batched& row) { return row.statement == own; });
  return std::string(found->text);
}

}  // namespace

std::string statement_text(unsigned number) {
  if (number < static_cast<unsigned>(Query::end)) return phrased(phrasing, static_cast<Query>(number)).sql;
  return own_text(static_cast<Own>(number));
}

}  // namespace loft::storage::postgresql
