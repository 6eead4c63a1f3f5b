// What MariaDB and MySQL say differently from queries.hpp. Both understand everything here.
#pragma once

#include <array>

#include <common/phrasing.hpp>

namespace loft::storage::mysql {

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
};

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
