// The statements of the SQL storages. Parameters are bound by place: each name's first appearance counts.
// SQLite takes these texts as they are. Where the words of another database differ, its plugin has a text of its own in
// place of the one here, see phrasing.hpp. Names that are words of some dialect stand in double quotes.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "ledger_queries.hpp"

namespace loft::storage {

enum class Query : unsigned {
  // writes
  put_user,
  put_conversation,
  put_member,
  put_head,
  put_domain,
  put_message,
  put_key,
  put_change,
  put_recall,
  put_mark,
  put_key_value,
  remove_key_value,
  put_progress,
  put_follower,
  forget_keys,
  erase_message,
  erase_note,
  forget_messages,
  put_sent_counts,
  forget_sent_counts,
  // reads
  head,
  key,
  domains,
  last_position,
  user_by_id,
  user_by_handle,
  user_by_uuid,
  users,
  conversation,
  conversation_by_handle,
  conversation_by_uuid,
  conversation_by_pair,
  broadcasts,
  members,
  memberships,
  member_marks,
  marks,
  log_up,
  log_down,
  message,
  probe,
  bounds,
  own_and_recalled,
  sent,
  messages_since,
  changes_since,
  changes_of,
  key_value,
  key_values,
  follower,
  // everything that is stored, page by page
  all_conversations,
  all_members,
  client_keys,
  all_marks,
  all_key_values,
  followers,
  // the push ledger's, see ledger_queries.hpp: writes
  owe_push,
  lease_pushes,
  take_lease,
  settle_push,
  revive_push,
  forget_pushes,
  forget_attempts,
  put_attempt,
  erase_pushes,
  erase_devices,
  erase_attempts,
  put_device,
  device_worked,
  device_failed,
  device_died,
  remove_device,
  restore_push,
  restore_attempt,
  restore_device,
  raise_attempt_ids,
  raise_device_ids,
  // and reads
  next_due,
  push,
  pushes,
  pushes_of_state,
  pushes_of_user,
  push_counts,
  attempts_of,
  attempts,
  devices_of,
  devices,
  device_of_token,
  end,
};

inline constexpr std::size_t query_count = static_cast<std::size_t>(Query::end);
inline constexpr Query first_read = Query::head;
inline constexpr Query first_of_ledger = Query::owe_push;

#define LOFT_USER_COLUMNS "id, handle, uuid, created, profile"
#define LOFT_CONVERSATION_COLUMNS                                                                               \
  "id, kind, low_id, high_id, handle, uuid, name, description, avatar, owner_id, join_rule, created, updated, " \
  "topic, max_members, dissolved"
#define LOFT_CONVERSATION_STATE \
  "head, last_id, (SELECT max(position) FROM \"change\" WHERE conversation_id = conversation.id)"
#define LOFT_MEMBER_COLUMNS \
  "conversation_id, user_id, role, joined, joined_seq, muted_until, muted_by, muted_at, has_left"
#define LOFT_MESSAGE_COLUMNS "id, conversation_id, seq, sender_id, domain_id, content, recalled, recalled_by, extras"
#define LOFT_CHANGE_COLUMNS "position, conversation_id, kind, actor_id, subject_id, message_id, role, note"

/// In the order of `Query`, up to `first_of_ledger`.
inline constexpr std::array<std::string_view, static_cast<std::size_t>(first_of_ledger)> message_texts = {
    // put_user
    "INSERT INTO \"user\" (" LOFT_USER_COLUMNS
    ") VALUES (:id, :handle, :uuid, :created, :profile) "
    "ON CONFLICT (id) DO UPDATE SET handle = excluded.handle, uuid = excluded.uuid, created = excluded.created, "
    "profile = excluded.profile",
    // put_conversation; never touches the head
    "INSERT INTO conversation (" LOFT_CONVERSATION_COLUMNS
    ") VALUES (:id, :kind, :low, :high, :handle, :uuid, :name, "
    ":description, :avatar, :owner, :join, :created, :updated, :topic, :most, :dissolved) "
    "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, low_id = excluded.low_id, high_id = excluded.high_id, "
    "handle = excluded.handle, uuid = excluded.uuid, name = excluded.name, description = excluded.description, "
    "avatar = excluded.avatar, owner_id = excluded.owner_id, join_rule = excluded.join_rule, "
    "created = excluded.created, updated = excluded.updated, topic = excluded.topic, "
    "max_members = excluded.max_members, dissolved = excluded.dissolved",
    // put_member
    "INSERT INTO member (" LOFT_MEMBER_COLUMNS
    ") VALUES (:conversation, :user, :role, :joined, :seq, :muted, :by, :at, :gone) "
    "ON CONFLICT (conversation_id, user_id) DO UPDATE SET role = excluded.role, joined = excluded.joined, "
    "joined_seq = excluded.joined_seq, muted_until = excluded.muted_until, muted_by = excluded.muted_by, "
    "muted_at = excluded.muted_at, has_left = excluded.has_left",
    // put_head
    "UPDATE conversation SET head = :head, last_id = :last WHERE id = :id AND head = :expected",
    // put_domain
    "INSERT INTO domain (id, name) VALUES (:id, :name)",
    // put_message
    "INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content, extras) "
    "VALUES (:id, :conversation, :seq, :sender, :domain, :content, :extras)",
    // put_key; an existing one is left alone, which the number of changes tells
    "INSERT INTO client_message (message_id, sender_id, hash0, hash1, digest) "
    "VALUES (:id, :sender, :hash0, :hash1, :digest) ON CONFLICT DO NOTHING",
    // put_change
    "INSERT INTO \"change\" (" LOFT_CHANGE_COLUMNS
    ") "
    "VALUES (:position, :conversation, :kind, :actor, :subject, :message, :role, :note) ON CONFLICT DO NOTHING",
    // put_recall; the first recall of a message stands
    "UPDATE message SET recalled = :position, recalled_by = :user WHERE id = :id AND recalled IS NULL",
    // put_mark
    "INSERT INTO mark (user_id, conversation_id, name, intervals) VALUES (:user, :conversation, :name, :intervals) "
    "ON CONFLICT (user_id, conversation_id, name) DO UPDATE SET intervals = excluded.intervals",
    // put_key_value
    "INSERT INTO key_value (space, \"key\", value) VALUES (:space, :key, :value) "
    "ON CONFLICT (space, \"key\") DO UPDATE SET value = excluded.value",
    // remove_key_value
    "DELETE FROM key_value WHERE space = :space AND \"key\" = :key",
    // put_progress
    "UPDATE progress SET applied_upto = max(applied_upto, :applied), position = max(position, :position) WHERE id = 1",
    // put_follower
    "INSERT INTO follower (name, position) VALUES (:name, :position) "
    "ON CONFLICT (name) DO UPDATE SET position = excluded.position",
    // forget_keys
    "DELETE FROM client_message WHERE message_id IN "
    "(SELECT message_id FROM client_message WHERE message_id < :before ORDER BY message_id LIMIT :limit)",
    // erase_message; then erase_note: the reason that was given with its recall
    "UPDATE message SET content = '{}', extras = NULL WHERE id = :id",
    "UPDATE \"change\" SET note = NULL WHERE position = (SELECT recalled FROM message WHERE id = :id) "
    "AND message_id = :id",
    // forget_messages
    "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE conversation_id = :id AND seq BETWEEN 1 AND :upto "
    "ORDER BY seq LIMIT :limit)",
    // put_sent_counts: of the block that ends at :upto; some are there where a log was longer before and lost its end
    "INSERT INTO sent_count (conversation_id, sender_id, upto, sent) SELECT conversation_id, sender_id, :upto, "
    "count(*) FROM message WHERE conversation_id = :id AND seq BETWEEN :low AND :upto "
    "GROUP BY conversation_id, sender_id "
    "ON CONFLICT (conversation_id, sender_id, upto) DO UPDATE SET sent = excluded.sent",
    // forget_sent_counts: of blocks without a message
    "DELETE FROM sent_count WHERE conversation_id = :id AND upto < coalesce((SELECT seq FROM message "
    "WHERE conversation_id = :id ORDER BY seq LIMIT 1), 9223372036854775807)",

    // head
    "SELECT head, last_id FROM conversation WHERE id = :id",
    // key
    "SELECT message_id, digest FROM client_message WHERE sender_id = :sender AND hash0 = :hash0 AND hash1 = :hash1",
    // domains
    "SELECT id, name FROM domain WHERE id >= :from ORDER BY id",
    // last_position
    "SELECT position FROM progress WHERE id = 1",
    // user_by_id
    "SELECT " LOFT_USER_COLUMNS " FROM \"user\" WHERE id = :id",
    // user_by_handle
    "SELECT " LOFT_USER_COLUMNS " FROM \"user\" WHERE handle = :handle",
    // user_by_uuid
    "SELECT " LOFT_USER_COLUMNS " FROM \"user\" WHERE uuid = :uuid",
    // users
    "SELECT " LOFT_USER_COLUMNS " FROM \"user\" WHERE id > :after ORDER BY id LIMIT :limit",
    // conversation
    "SELECT " LOFT_CONVERSATION_COLUMNS ", " LOFT_CONVERSATION_STATE " FROM conversation WHERE id = :id",
    // conversation_by_handle
    "SELECT " LOFT_CONVERSATION_COLUMNS ", " LOFT_CONVERSATION_STATE " FROM conversation WHERE handle = :handle",
    // conversation_by_uuid
    "SELECT " LOFT_CONVERSATION_COLUMNS ", " LOFT_CONVERSATION_STATE " FROM conversation WHERE uuid = :uuid",
    // conversation_by_pair
    "SELECT " LOFT_CONVERSATION_COLUMNS ", " LOFT_CONVERSATION_STATE
    " FROM conversation WHERE low_id = :low AND high_id = :high",
    // broadcasts; 3 is ConversationKind::broadcast
    "SELECT " LOFT_CONVERSATION_COLUMNS ", " LOFT_CONVERSATION_STATE " FROM conversation WHERE kind = 3 ORDER BY id",
    // members
    "SELECT " LOFT_MEMBER_COLUMNS " FROM member WHERE conversation_id = :id ORDER BY joined, user_id",
    // memberships
    "SELECT " LOFT_MEMBER_COLUMNS " FROM member WHERE user_id = :user ORDER BY conversation_id",
    // member_marks
    "SELECT user_id, conversation_id, name, intervals FROM mark WHERE user_id = :user ORDER BY conversation_id, name",
    // marks
    "SELECT k.user_id, k.conversation_id, k.name, k.intervals FROM member m CROSS JOIN mark k "
    "ON k.user_id = m.user_id AND k.conversation_id = m.conversation_id AND k.name = :mark "
    "WHERE m.conversation_id = :id ORDER BY k.user_id",
    // log_up
    "SELECT " LOFT_MESSAGE_COLUMNS
    " FROM message "
    "WHERE conversation_id = :id AND seq BETWEEN :low AND :high ORDER BY seq LIMIT :limit",
    // log_down
    "SELECT " LOFT_MESSAGE_COLUMNS
    " FROM message "
    "WHERE conversation_id = :id AND seq BETWEEN :low AND :high ORDER BY seq DESC LIMIT :limit",
    // message
    "SELECT " LOFT_MESSAGE_COLUMNS " FROM message WHERE id = :id",
    // probe: the first of a conversation at or behind a seq
    "SELECT seq, id FROM message WHERE conversation_id = :id AND seq >= :seq ORDER BY seq LIMIT 1",
    // bounds: where a run of a log begins and ends, which has no holes
    "SELECT (SELECT seq FROM message WHERE conversation_id = :id AND seq >= :low ORDER BY seq LIMIT 1), "
    "(SELECT seq FROM message WHERE conversation_id = :id AND seq <= :high ORDER BY seq DESC LIMIT 1)",
    // own_and_recalled: the sender's up to :last and from :next on, those in the blocks between from their counts; and
    // what others have recalled. All of it is answered by indexes alone.
    "SELECT (SELECT count(*) FROM message WHERE conversation_id = :id AND seq BETWEEN :low AND :last "
    "AND sender_id = :user) + (SELECT count(*) FROM message WHERE conversation_id = :id AND seq BETWEEN :next AND "
    ":high "
    "AND sender_id = :user) + (SELECT coalesce(sum(sent), 0) FROM sent_count WHERE conversation_id = :id "
    "AND sender_id = :user AND upto > :last AND upto < :next), "
    "(SELECT count(*) FROM message WHERE conversation_id = :id AND seq BETWEEN :low AND :high "
    "AND sender_id <> :user AND recalled IS NOT NULL)",
    // sent: from indexes alone; what is recalled is looked for only among those that are the sender's
    "SELECT m.seq FROM message m WHERE m.conversation_id = :id AND m.seq BETWEEN :low AND :high "
    "AND m.sender_id = :user AND NOT EXISTS (SELECT 1 FROM message r WHERE r.conversation_id = m.conversation_id "
    "AND r.seq = m.seq AND r.recalled IS NOT NULL) ORDER BY m.seq DESC LIMIT :limit",
    // messages_since
    "SELECT " LOFT_MESSAGE_COLUMNS " FROM message WHERE id > :after ORDER BY id LIMIT :limit",
    // changes_since
    "SELECT " LOFT_CHANGE_COLUMNS " FROM \"change\" WHERE position > :after ORDER BY position LIMIT :limit",
    // changes_of
    "SELECT " LOFT_CHANGE_COLUMNS
    " FROM \"change\" "
    "WHERE conversation_id = :id AND position > :after ORDER BY position LIMIT :limit",
    // key_value
    "SELECT value FROM key_value WHERE space = :space AND \"key\" = :key",
    // key_values
    "SELECT \"key\", value FROM key_value WHERE space = :space AND \"key\" >= :from ORDER BY \"key\" LIMIT :limit",
    // follower
    "SELECT position FROM follower WHERE name = :name",
    // all_conversations
    "SELECT " LOFT_CONVERSATION_COLUMNS ", " LOFT_CONVERSATION_STATE
    " FROM conversation WHERE id > :after ORDER BY id LIMIT :limit",
    // all_members: of conversations that are there
    "SELECT " LOFT_MEMBER_COLUMNS
    " FROM member WHERE (conversation_id, user_id) > (:conversation, :user) "
    "AND (SELECT c.id FROM conversation c WHERE c.id = member.conversation_id) IS NOT NULL "
    "ORDER BY conversation_id, user_id LIMIT :limit",
    // client_keys
    "SELECT message_id, sender_id, hash0, hash1, digest FROM client_message WHERE message_id > :after "
    "ORDER BY message_id LIMIT :limit",
    // all_marks
    "SELECT user_id, conversation_id, name, intervals FROM mark "
    "WHERE (user_id, conversation_id, name) > (:user, :conversation, :name) "
    "ORDER BY user_id, conversation_id, name LIMIT :limit",
    // all_key_values
    "SELECT space, \"key\", value FROM key_value WHERE (space, \"key\") > (:space, :key) AND space <> 'loft.owner' "
    "ORDER BY space, \"key\" LIMIT :limit",
    // followers
    "SELECT name, position FROM follower WHERE name >= :from ORDER BY name",
};

#undef LOFT_USER_COLUMNS
#undef LOFT_CONVERSATION_COLUMNS
#undef LOFT_CONVERSATION_STATE
#undef LOFT_MEMBER_COLUMNS
#undef LOFT_MESSAGE_COLUMNS
#undef LOFT_CHANGE_COLUMNS

/// In the order of `Query`.
inline constexpr std::array<std::string_view, query_count> query_texts = [] {
  static_assert(message_texts.size() + ledger_texts.size() == query_count);
  std::array<std::string_view, query_count> all;
  std::copy(ledger_texts.begin(), ledger_texts.end(),
            std::copy(message_texts.begin(), message_texts.end(), all.begin()));
  return all;
}();

constexpr std::string_view text(Query query) { return query_texts[static_cast<std::size_t>(query)]; }

}  // namespace loft::storage
