// What MariaDB and MySQL say differently from queries.hpp. Both understand everything here.
#pragma once

#include <array>

#include <common/phrasing.hpp>

namespace loft::storage::mysql {

// A time in push_log, of milliseconds since 1970 and back.
#define LOFT_TIME_OF(name) "TIMESTAMPADD(MICROSECOND, " name " * 1000, TIMESTAMP'1970-01-01 00:00:00')"
#define LOFT_ATTEMPT_COLUMNS                                     \
  "id, user_id, message_id, push_type, push_status, error_msg, " \
  "TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', push_time) DIV 1000"

/// `VALUES(column)` in an upsert is the new value: MariaDB knows no other word for it.
inline constexpr std::array own_texts = {
    // An upsert would take a handle that another user has for that other user, so these two insert only.
    OwnText{
        Query::put_user,
        "INSERT INTO \"user\" (id, handle, uuid, created, profile) VALUES (:id, :handle, :uuid, :created, :profile)"},
    OwnText{Query::put_conversation,
            "INSERT INTO conversation (id, kind, low_id, high_id, handle, uuid, name, description, avatar, owner_id, "
            "join_rule, created, updated, topic, max_members, dissolved) VALUES (:id, :kind, :low, :high, :handle, "
            ":uuid, :name, :description, :avatar, :owner, :join, :created, :updated, :topic, :most, :dissolved)"},
    OwnText{Query::put_member,
            "INSERT INTO member (conversation_id, user_id, role, joined, joined_seq, muted_until, muted_by, muted_at, "
            "has_left) VALUES (:conversation, :user, :role, :joined, :seq, :muted, :by, :at, :gone) "
            "ON DUPLICATE KEY UPDATE role = VALUES(role), joined = VALUES(joined), joined_seq = VALUES(joined_seq), "
            "muted_until = VALUES(muted_until), muted_by = VALUES(muted_by), muted_at = VALUES(muted_at), "
            "has_left = VALUES(has_left)"},
    // A key that is there is an error here, which ends the batch: then all conflicts are looked for.
    OwnText{Query::put_key,
            "INSERT INTO client_message (message_id, sender_id, hash0, hash1, digest) "
            "VALUES (:id, :sender, :hash0, :hash1, :digest)"},
    OwnText{Query::put_change,
            "INSERT INTO \"change\" (position, conversation_id, kind, actor_id, subject_id, message_id, role, note) "
            "VALUES (:position, :conversation, :kind, :actor, :subject, :message, :role, :note) "
            "ON DUPLICATE KEY UPDATE position = VALUES(position)"},
    OwnText{Query::put_mark,
            "INSERT INTO mark (user_id, conversation_id, name, intervals) VALUES (:user, :conversation, :name, "
            ":intervals) ON DUPLICATE KEY UPDATE intervals = VALUES(intervals)"},
    OwnText{Query::put_sent_counts,
            "INSERT INTO sent_count (conversation_id, sender_id, upto, sent) SELECT conversation_id, sender_id, :upto, "
            "count(*) FROM message WHERE conversation_id = :id AND seq BETWEEN :low AND :upto "
            "GROUP BY conversation_id, sender_id ON DUPLICATE KEY UPDATE sent = VALUES(sent)"},
    OwnText{Query::put_key_value,
            "INSERT INTO key_value (space, \"key\", value) VALUES (:space, :key, :value) "
            "ON DUPLICATE KEY UPDATE value = VALUES(value)"},
    OwnText{Query::put_progress,
            "UPDATE progress SET applied_upto = GREATEST(applied_upto, :applied), "
            "position = GREATEST(position, :position) WHERE id = 1"},
    OwnText{Query::put_follower,
            "INSERT INTO follower (name, position) VALUES (:name, :position) "
            "ON DUPLICATE KEY UPDATE position = VALUES(position)"},
    OwnText{Query::forget_keys,
            "DELETE FROM client_message WHERE message_id < :before ORDER BY message_id LIMIT :limit"},
    OwnText{Query::forget_messages,
            "DELETE FROM message WHERE conversation_id = :id AND seq BETWEEN 1 AND :upto ORDER BY seq LIMIT :limit"},
    OwnText{Query::user_by_handle,
            "SELECT id, handle, uuid, created, profile FROM \"user\" WHERE handle_key = UNHEX(SHA2(:handle, 256))"},
    OwnText{Query::user_by_uuid,
            "SELECT id, handle, uuid, created, profile FROM \"user\" WHERE uuid_key = UNHEX(SHA2(:uuid, 256))"},
    OwnText{Query::conversation_by_handle,
            "SELECT id, kind, low_id, high_id, handle, uuid, name, description, avatar, owner_id, join_rule, created, "
            "updated, topic, max_members, dissolved, head, last_id, (SELECT max(position) FROM \"change\" "
            "WHERE conversation_id = conversation.id) FROM conversation WHERE handle_key = UNHEX(SHA2(:handle, 256))"},
    OwnText{Query::conversation_by_uuid,
            "SELECT id, kind, low_id, high_id, handle, uuid, name, description, avatar, owner_id, join_rule, created, "
            "updated, topic, max_members, dissolved, head, last_id, (SELECT max(position) FROM \"change\" "
            "WHERE conversation_id = conversation.id) FROM conversation WHERE uuid_key = UNHEX(SHA2(:uuid, 256))"},
    OwnText{Query::own_and_recalled,
            "SELECT (SELECT count(*) FROM message WHERE conversation_id = :id AND seq BETWEEN :low AND :last "
            "AND sender_id = :user) + (SELECT count(*) FROM message WHERE conversation_id = :id "
            "AND seq BETWEEN :next AND :high AND sender_id = :user) + (SELECT coalesce(sum(sent), 0) FROM sent_count "
            "WHERE conversation_id = :id AND sender_id = :user AND upto > :last AND upto < :next), "
            "(SELECT count(*) FROM recalled_message WHERE conversation_id = :id AND seq BETWEEN :low AND :high "
            "AND sender_id <> :user)"},
    OwnText{Query::sent,
            "SELECT m.seq FROM message m WHERE m.conversation_id = :id AND m.seq BETWEEN :low AND :high "
            "AND m.sender_id = :user AND NOT EXISTS (SELECT 1 FROM recalled_message r WHERE r.conversation_id = :id "
            "AND r.seq = m.seq AND r.sender_id = :user) ORDER BY m.seq DESC LIMIT :limit"},
    // An index is not asked for the rows behind a tuple, only for those behind each of its parts.
    OwnText{Query::all_members,
            "SELECT conversation_id, user_id, role, joined, joined_seq, muted_until, muted_by, muted_at, has_left "
            "FROM member WHERE (conversation_id > :conversation OR (conversation_id = :conversation "
            "AND user_id > :user)) AND (SELECT c.id FROM conversation c WHERE c.id = member.conversation_id) IS NOT "
            "NULL ORDER BY conversation_id, user_id LIMIT :limit"},
    OwnText{Query::all_marks,
            "SELECT user_id, conversation_id, name, intervals FROM mark WHERE user_id > :user "
            "OR (user_id = :user AND conversation_id > :conversation) "
            "OR (user_id = :user AND conversation_id = :conversation AND name > :name) "
            "ORDER BY user_id, conversation_id, name LIMIT :limit"},
    OwnText{Query::all_key_values,
            "SELECT space, \"key\", value FROM key_value WHERE (space > :space OR (space = :space AND \"key\" > :key)) "
            "AND space <> 'loft.owner' ORDER BY space, \"key\" LIMIT :limit"},
    // One that is stored by another transaction meanwhile is an error, and then all come again.
    OwnText{Query::owe_push,
            "INSERT INTO push_queue (message_id, user_id, conversation_id, state, attempts, created, due, expires, "
            "finished, reason, plan) SELECT :message, :user, :conversation, :state, :attempts, :created, :due, "
            ":expires, :finished, :reason, :plan FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM push_queue q "
            "WHERE q.message_id = :message AND q.user_id = :user)"},
    OwnText{Query::lease_pushes,
            "SELECT message_id, user_id, conversation_id, state, attempts, created, due, expires, finished, reason, "
            "plan FROM push_queue FORCE INDEX (push_queue_due) WHERE state = 0 AND due <= :now "
            "AND (leased_until IS NULL OR leased_until <= :now) ORDER BY due, message_id, user_id LIMIT :limit "
            "FOR UPDATE SKIP LOCKED"},
    OwnText{Query::forget_pushes,
            "DELETE FROM push_queue WHERE finished > 0 AND finished < :before ORDER BY finished LIMIT :limit"},
    OwnText{Query::forget_attempts,
            "DELETE FROM push_log WHERE push_time < " LOFT_TIME_OF(":before") " ORDER BY push_time LIMIT :limit"},
    OwnText{Query::put_attempt,
            "INSERT INTO push_log (user_id, message_id, push_type, push_status, error_msg, push_time) "
            "VALUES (:handle, :message, :type, :status, nullif(:error, ''), " LOFT_TIME_OF(":time") ")"},
    // Blanks at the end of a text are nothing to the comparison, and something to the length.
    OwnText{Query::erase_attempts,
            "DELETE FROM push_log WHERE user_id = :handle AND char_length(user_id) = char_length(:handle)"},
    OwnText{Query::put_device,
            "INSERT INTO device (user_id, channel, token, platform, client, app, locale, registered, last_success, "
            "failed, failure) VALUES (:user, :channel, :token, :platform, :client, :app, :locale, :registered, 0, 0, "
            "'') ON DUPLICATE KEY UPDATE user_id = VALUES(user_id), platform = VALUES(platform), "
            "client = VALUES(client), app = VALUES(app), locale = VALUES(locale), registered = VALUES(registered), "
            "last_success = 0, failed = 0, failure = ''"},
    OwnText{Query::remove_device,
            "DELETE FROM device WHERE channel = :channel AND token_key = UNHEX(SHA2(:token, 256)) "
            "AND (:user = 0 OR user_id = :user)"},
    OwnText{Query::restore_push,
            "REPLACE INTO push_queue (message_id, user_id, conversation_id, state, attempts, created, due, expires, "
            "finished, reason, plan) VALUES (:message, :user, :conversation, :state, :attempts, :created, :due, "
            ":expires, :finished, :reason, :plan)"},
    OwnText{Query::restore_attempt,
            "REPLACE INTO push_log (id, user_id, message_id, push_type, push_status, error_msg, push_time) "
            "VALUES (:id, :handle, :message, :type, :status, nullif(:error, ''), " LOFT_TIME_OF(":time") ")"},
    OwnText{Query::restore_device,
            "REPLACE INTO device (id, user_id, channel, token, platform, client, app, locale, registered, "
            "last_success, failed, failure) VALUES (:id, :user, :channel, :token, :platform, :client, :app, :locale, "
            ":registered, :success, :failed, :failure)"},
    OwnText{Query::pushes,
            "SELECT message_id, user_id, conversation_id, state, attempts, created, due, expires, finished, reason, "
            "plan FROM push_queue WHERE message_id > :message OR (message_id = :message AND user_id > :user) "
            "ORDER BY message_id, user_id LIMIT :limit"},
    OwnText{Query::pushes_of_state,
            "SELECT message_id, user_id, conversation_id, state, attempts, created, due, expires, finished, reason, "
            "plan FROM push_queue FORCE INDEX (push_queue_state) WHERE state = :state AND (message_id > :message "
            "OR (message_id = :message AND user_id > :user)) ORDER BY message_id, user_id LIMIT :limit"},
    OwnText{Query::attempts_of,
            "SELECT " LOFT_ATTEMPT_COLUMNS " FROM push_log FORCE INDEX (push_log_message) WHERE message_id = :message "
            "AND user_id = :handle AND char_length(user_id) = char_length(:handle) AND id > :after ORDER BY id "
            "LIMIT :limit"},
    OwnText{Query::attempts,
            "SELECT " LOFT_ATTEMPT_COLUMNS " FROM push_log WHERE id > :after ORDER BY id LIMIT :limit"},
    OwnText{Query::devices_of,
            "SELECT d.id, d.user_id, d.channel, d.token, d.platform, d.client, d.app, d.locale, d.registered, "
            "d.last_success, d.failed, d.failure FROM JSON_TABLE(:users, '$[*]' COLUMNS (id BIGINT PATH '$')) wanted "
            "STRAIGHT_JOIN device d FORCE INDEX (device_user) ON d.user_id = wanted.id ORDER BY d.id"},
    OwnText{Query::device_of_token,
            "SELECT id FROM device WHERE channel = :channel AND token_key = UNHEX(SHA2(:token, 256))"},
};

#undef LOFT_TIME_OF
#undef LOFT_ATTEMPT_COLUMNS

inline constexpr Phrasing phrasing{Placeholder::question, own_texts};

/// Statements that only this plugin has.
enum class Extra : unsigned {
  replace_user,
  replace_conversation,
  note_recall,
  key_of_message,
  forget_recalls,
  restore_key,
  owner_shared,
  owner_alone,
  count_old_keys,
  end
};

/// In the order of `Extra`.
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Extra::end)> extra_texts = {
    "UPDATE \"user\" SET handle = :handle, uuid = :uuid, created = :created, profile = :profile WHERE id = :id",
    "UPDATE conversation SET kind = :kind, low_id = :low, high_id = :high, handle = :handle, uuid = :uuid, "
    "name = :name, description = :description, avatar = :avatar, owner_id = :owner, join_rule = :join, "
    "created = :created, updated = :updated, topic = :topic, max_members = :most, dissolved = :dissolved "
    "WHERE id = :id",
    "INSERT INTO recalled_message (conversation_id, seq, sender_id) "
    "SELECT conversation_id, seq, sender_id FROM message WHERE id = :id",
    "SELECT 1 FROM client_message WHERE message_id = :id",
    "DELETE FROM recalled_message WHERE conversation_id = :id AND seq < :first",
    "INSERT IGNORE INTO client_message (message_id, sender_id, hash0, hash1, digest) "
    "VALUES (:id, :sender, :hash0, :hash1, :digest)",
    "SELECT value FROM key_value WHERE space = 'loft.owner' AND \"key\" = 'start' LOCK IN SHARE MODE",
    "SELECT value FROM key_value WHERE space = 'loft.owner' AND \"key\" = 'start' FOR UPDATE",
    "SELECT count(*) FROM (SELECT message_id FROM client_message WHERE message_id < :before ORDER BY message_id "
    "LIMIT :limit) old",
};

}  // namespace loft::storage::mysql
