#include "writer.hpp"

#include <algorithm>

#include <common/sent_count.hpp>

namespace loft::storage {

Writer::Writer(const std::string& path, const Tuning& tuning) : connection_(path, tuning) {
  // What is erased or forgotten is overwritten with zeros, also in pages that nothing uses any more. Rows of messages
  // are appended: this costs where something is removed, and nothing where messages come in.
  connection_.execute("PRAGMA secure_delete = ON");
}

Conflict Writer::commit(const Batch& batch) {
  Conflict conflict;
  domains_.learn(connection_, batch);
  try {
    connection_.begin_writing();
    put_entities(batch);
    put_heads(batch, conflict);
    put_messages(batch, conflict);
    if (conflict.empty()) {
      put_rest(batch);
      connection_.commit();
      return conflict;
    }
    connection_.check_files();
  } catch (...) {
    connection_.rollback();
    throw;
  }
  connection_.rollback();
  return conflict;
}

void Writer::put_entities(const Batch& batch) {
  for (const auto& user : batch.users) {
    connection_.write(Query::put_user, user.id, Optional{user.handle}, Optional{user.uuid}, user.created, user.profile);
  }
  for (const auto& c : batch.conversations) {
    connection_.write(Query::put_conversation, c.id, c.kind, unless_none(c.low), unless_none(c.high),
                      Optional{c.handle}, Optional{c.uuid}, c.name, c.description, c.avatar, c.owner, c.join, c.created,
                      c.updated, c.topic, c.max_members, c.dissolved);
  }
  for (const auto& m : batch.members) {
    connection_.write(Query::put_member, m.conversation, m.user, m.role, m.joined, m.joined_seq, m.muted_until,
                      m.muted_by, m.muted_at, m.left);
  }
}

void Writer::put_heads(const Batch& batch, Conflict& conflict) {
  for (const auto& update : batch.heads) {
    if (connection_.write(Query::put_head, update.head, update.last, update.conversation, update.expected_head) != 0) {
      continue;
    }
    auto row = connection_.run(Query::head, update.conversation);
    if (!row.next()) refuse_unknown_head(update.conversation);
    conflict.stale.push_back({update.conversation, row.number(0), static_cast<MessageId>(row.number(1))});
  }
}

/// After the first conflict nothing will be stored; what follows only looks for further duplicates, so that the caller
/// hears of all at once.
void Writer::put_messages(const Batch& batch, Conflict& conflict) {
  for (std::size_t i = 0; i < batch.messages.size(); ++i) {
    const auto& message = *batch.messages[i].message;
    if (batch.messages[i].key) put_key(batch, i, conflict);
    if (!conflict.empty()) continue;
    connection_.write(Query::put_message, message.id, message.conversation, message.seq, message.sender,
                      domains_[message.domain], message.content, Optional{message.extras});
    if (message.recalled != 0) connection_.write(Query::put_recall, message.recalled, message.recalled_by, message.id);
    if (ends_block(message))
      connection_.write(Query::put_sent_counts, message.seq, message.conversation, message.seq - sent_block + 1);
  }
}

void Writer::put_key(const Batch& batch, std::size_t index, Conflict& conflict) {
  const auto& [message, key] = batch.messages[index];
  if (connection_.write(Query::put_key, message->id, message->sender, key->hash[0], key->hash[1], key->digest) != 0)
    return;
  auto row = connection_.run(Query::key, message->sender, key->hash[0], key->hash[1]);
  if (!row.next()) refuse_second_key(message->id);
  const auto original = static_cast<MessageId>(row.number(0));
  // A key twice in one batch: the first of the two is not stored, so its id must not be given as the original.
  for (std::size_t i = 0; i < index; ++i) {
    const auto found = [i](const Conflict::Duplicate& duplicate) { return duplicate.index == i; };
    if (batch.messages[i].message->id != original) continue;
    if (std::any_of(conflict.duplicates.begin(), conflict.duplicates.end(), found)) continue;
    refuse_key_twice(i, index);
  }
  conflict.duplicates.push_back({index, original, row.number(1)});
}

void Writer::put_rest(const Batch& batch) {
  for (const auto& c : batch.changes) {
    connection_.write(Query::put_change, c.position, c.conversation, c.kind, c.actor, c.subject, c.message, c.role,
                      Optional{c.note});
  }
  for (const auto& recall : batch.recalls) {
    connection_.write(Query::put_recall, recall.position, recall.by, recall.message);
  }
  for (const auto id : batch.erased) {
    connection_.write(Query::erase_message, id);
    connection_.write(Query::erase_note, id);
  }
  for (const auto& mark : batch.marks) {
    connection_.write(Query::put_mark, mark.user, mark.conversation, mark.mark, Blob{mark.set});
  }
  for (const auto& [space, key, value] : batch.key_values) {
    if (value)
      connection_.write(Query::put_key_value, space, key, *value);
    else
      connection_.write(Query::remove_key_value, space, key);
  }
  connection_.write(Query::put_progress, batch.applied_upto, largest_position(batch));
}

void Writer::set_follower(std::string_view name, Position position) {
  connection_.check_files();
  connection_.write(Query::put_follower, name, position);
}

std::size_t Writer::forget_client_keys(Position before, std::size_t limit) {
  connection_.check_files();
  return static_cast<std::size_t>(
      connection_.write(Query::forget_keys, before, std::min<std::size_t>(limit, 1'000'000'000)));
}

std::size_t Writer::forget_messages(ConversationId id, Seq upto, std::size_t limit) {
  try {
    connection_.begin_writing();
    const auto forgotten = connection_.write(Query::forget_messages, clamp(raw(id)), clamp(upto), clamp(limit));
    if (ends_counts(upto, forgotten)) connection_.write(Query::forget_sent_counts, clamp(raw(id)));
    connection_.commit();
    return static_cast<std::size_t>(forgotten);
  } catch (...) {
    connection_.rollback();
    throw;
  }
}

std::size_t Writer::restore_client_keys(std::span<const Storage::StoredKey> keys) {
  std::size_t fresh = 0;
  try {
    connection_.begin_writing();
    for (const auto& [message, sender, key] : keys) {
      fresh += static_cast<std::size_t>(
          connection_.write(Query::put_key, message, sender, key.hash[0], key.hash[1], key.digest));
    }
    connection_.commit();
  } catch (...) {
    connection_.rollback();
    throw;
  }
  return fresh;
}

}  // namespace loft::storage
