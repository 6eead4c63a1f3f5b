#include "writer.hpp"

#include <algorithm>

#include <common/sent_count.hpp>

#include "bulk.hpp"
#include "conflicts.hpp"

namespace loft::storage::mysql {
Conflict Writer::write(Connection& db, const Batch& batch, Lane lane) {
  db.begin_writing();
  if (lane == Lane::beside) ownership_.check(db.run(Connection::owner_shared));
  if (store(db, batch)) return {};
  db.rollback();
  return conflicts_of(db, batch);
}

void Writer::end(Connection& db, const Batch& batch) {
  db.write(Query::put_progress, batch.applied_upto, largest_position(batch));
  connection_.committing();
  db.commit();
}

/// False: something is in the way, and nothing may be committed.
bool Writer::store(Connection& db, const Batch& batch) {
  put_users(db, batch);
  put_conversations(db, batch);
  put_members(db, batch);
  if (!put_heads(db, batch) || !put_keys(db, batch)) return false;
  put_messages(db, batch);
  put_changes(db, batch);
  put_rest(db, batch);
  return true;
}

void Writer::put_users(Connection& db, const Batch& batch) {
  for (const auto& user : batch.users) {
    const Optional handle{user.handle}, uuid{user.uuid};
    if (db.write(Extra::replace_user, handle, uuid, user.created, user.profile, user.id) == 0) {
      db.write(Query::put_user, user.id, handle, uuid, user.created, user.profile);
    }
  }
}

void Writer::put_conversations(Connection& db, const Batch& batch) {
  for (const auto& c : batch.conversations) {
    const auto low = unless_none(c.low), high = unless_none(c.high);
    const Optional handle{c.handle}, uuid{c.uuid};
    if (db.write(Extra::replace_conversation, c.kind, low, high, handle, uuid, c.name, c.description, c.avatar, c.owner,
                 c.join, c.created, c.updated, c.topic, c.max_members, c.dissolved, c.id) == 0) {
      db.write(Query::put_conversation, c.id, c.kind, low, high, handle, uuid, c.name, c.description, c.avatar, c.owner,
               c.join, c.created, c.updated, c.topic, c.max_members, c.dissolved);
    }
  }
}

void Writer::put_members(Connection& db, const Batch& batch) {
  Bulk bulk(db, Query::put_member);
  for (const auto& m : batch.members) {
    bulk.add(m.conversation, m.user, m.role, m.joined, m.joined_seq, m.muted_until, m.muted_by, m.muted_at, m.left);
  }
  bulk.finish();
}

bool Writer::put_heads(Connection& db, const Batch& batch) {
  Bulk bulk(db, Query::put_head);
  for (const auto& update : batch.heads) bulk.add(update.head, update.last, update.conversation, update.expected_head);
  return bulk.finish() == batch.heads.size();
}

bool Writer::put_keys(Connection& db, const Batch& batch) {
  Bulk bulk(db, Query::put_key);
  try {
    for (const auto& [message, key] : batch.messages) {
      if (key) bulk.add(message->id, message->sender, key->hash[0], key->hash[1], key->digest);
    }
    bulk.finish();
    return true;
  } catch (const Failure& e) {
    if (e.code != duplicate_entry) throw;
    return false;
  }
}

void Writer::put_messages(Connection& db, const Batch& batch) {
  Bulk bulk(db, Query::put_message);
  for (const auto& [message, key] : batch.messages) {
    const auto& m = *message;
    bulk.add(m.id, m.conversation, m.seq, m.sender, domains_[m.domain], m.content, Optional{m.extras});
  }
  bulk.finish();
  for (const auto& [message, key] : batch.messages) {
    if (ends_block(*message))
      db.write(Query::put_sent_counts, message->seq, message->conversation, message->seq - sent_block + 1);
    if (message->recalled != 0) recall(db, message->id, message->recalled, message->recalled_by);
  }
}

void Writer::recall(Connection& db, MessageId message, Position position, UserId by) {
  if (db.write(Query::put_recall, position, by, message) != 0) db.write(Extra::note_recall, message);
}

void Writer::put_changes(Connection& db, const Batch& batch) {
  Bulk bulk(db, Query::put_change);
  for (const auto& c : batch.changes) {
    bulk.add(c.position, c.conversation, c.kind, c.actor, c.subject, c.message, c.role, Optional{c.note});
  }
  bulk.finish();
}

void Writer::put_rest(Connection& db, const Batch& batch) {
  for (const auto& entry : batch.recalls) recall(db, entry.message, entry.position, entry.by);
  for (const auto id : batch.erased) {
    db.write(Query::erase_message, id);
    db.write(Query::erase_note, id);
  }
  Bulk marks(db, Query::put_mark);
  for (const auto& mark : batch.marks) marks.add(mark.user, mark.conversation, mark.mark, Blob{mark.set});
  marks.finish();
  for (const auto& [space, key, value] : batch.key_values) {
    if (value) {
      db.write(Query::put_key_value, space, key, *value);
    } else {
      db.write(Query::remove_key_value, space, key);
    }
  }
}

/// Who removes exactly what is there does not look at the row behind, which may be one of a batch that waits for its
/// turn, and would be waited for.
std::size_t Writer::forget_client_keys(Position before, std::size_t limit) {
  return connection_.repeated([&](Connection& db) -> std::size_t {
    std::uint64_t count = 0;
    if (auto row = db.run(Extra::count_old_keys, clamp(before), std::min<std::size_t>(limit, 1'000'000'000));
        row.next())
      count = row.number(0);
    return count == 0 ? 0 : static_cast<std::size_t>(db.write(Query::forget_keys, clamp(before), count));
  });
}

std::size_t Writer::forget_messages(ConversationId id, Seq upto, std::size_t limit) {
  return connection_.repeated([&](Connection& db) {
    db.begin_writing();
    const auto forgotten = db.write(Query::forget_messages, clamp(raw(id)), clamp(upto), clamp(limit));
    if (forgotten == 0) {
      db.rollback();
      return std::size_t{0};
    }
    // What is left begins here; the recalled ones before it are gone.
    Seq first = clamp(upto) + 1;
    if (auto row = db.run(Query::probe, clamp(raw(id)), 1); row.next()) first = std::min<Seq>(first, row.number(0));
    db.write(Extra::forget_recalls, clamp(raw(id)), first);
    if (ends_counts(upto, static_cast<std::int64_t>(forgotten))) db.write(Query::forget_sent_counts, clamp(raw(id)));
    connection_.committing();
    db.commit();
    return static_cast<std::size_t>(forgotten);
  });
}

std::size_t Writer::restore_client_keys(std::span<const Storage::StoredKey> keys) {
  return connection_.repeated([&](Connection& db) {
    std::size_t fresh = 0;
    db.begin_writing();
    for (const auto& [message, sender, key] : keys) {
      fresh +=
          static_cast<std::size_t>(db.write(Extra::restore_key, message, sender, key.hash[0], key.hash[1], key.digest));
    }
    connection_.committing();
    db.commit();
    return fresh;
  });
}

}  // namespace loft::storage::mysql
