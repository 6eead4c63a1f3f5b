#include "writer.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <common/sent_count.hpp>

namespace loft::storage::postgresql {
namespace {

/// More than this at once is sent in pieces: a value of the protocol may have a gigabyte.
constexpr std::size_t piece = 64 << 20;

struct PairHash {
  std::size_t operator()(const std::pair<std::uint64_t, std::uint64_t>& pair) const noexcept {
    return static_cast<std::size_t>((pair.first * 0x9e3779b97f4a7c15ull) ^ pair.second);
  }
};

/// Calls `use` for each entry of a list, in its order; of those with the same key for the last one only, because one
/// statement does not write a row twice. `Key` makes something that can be hashed.
template <class Hash, class List, class Key, class Use>
void each_last(const List& list, Key key, Use use) {
  if (list.size() == 1) return use(list.front());
  std::unordered_map<decltype(key(list.front())), std::size_t, Hash> last;
  last.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) last[key(list[i])] = i;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (last.size() == list.size() || last[key(list[i])] == i) use(list[i]);
  }
}

/// A key of several texts and numbers, without ambiguity.
std::string joined(std::uint64_t a, std::uint64_t b, std::string_view text) {
  std::string key(16, '\0');
  std::memcpy(key.data(), &a, 8);
  std::memcpy(key.data() + 8, &b, 8);
  return key.append(text);
}

}  // namespace

Conflict Writer::write(Connection& db, const Batch& batch, Lane lane) {
  db.queue(Own::begin);
  if (lane == Lane::beside) db.queue_wanted(Own::owner_shared);
  queue_entities(db, batch);
  queue_heads(db, batch);
  auto conflict = conflicts(db, batch, lane);
  if (conflict.empty()) {
    queue_messages(db, batch);
    queue_rest(db, batch);
  } else {
    db.rollback();
  }
  return conflict;
}

void Writer::end(Connection& db, const Batch& batch) {
  connection_.committing();
  db.queue(Query::put_progress, batch.applied_upto, largest_position(batch));
  db.queue(Own::commit);
  db.settle();
}

void Writer::queue_entities(Connection& db, const Batch& batch) {
  auto& c = columns_;
  if (!batch.users.empty()) {
    c.begin("ittit");
    each_last<std::hash<std::uint64_t>>(
        batch.users, [](const User& u) { return raw(u.id); },
        [&](const User& u) { c.row(u.id, Optional{u.handle}, Optional{u.uuid}, u.created, u.profile); });
    db.queue(Own::put_users, c[0], c[1], c[2], c[3], c[4]);
  }
  if (!batch.conversations.empty()) {
    c.begin(
        "iiiittttt"
        "iiiitii");
    each_last<std::hash<std::uint64_t>>(
        batch.conversations, [](const Conversation& v) { return raw(v.id); },
        [&](const Conversation& v) {
          c.row(v.id, v.kind, unless_none(v.low), unless_none(v.high), Optional{v.handle}, Optional{v.uuid}, v.name,
                v.description, v.avatar, v.owner, v.join, v.created, v.updated, v.topic, v.max_members, v.dissolved);
        });
    db.queue(Own::put_conversations, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12],
             c[13], c[14], c[15]);
  }
  if (!batch.members.empty()) {
    c.begin("iiiiiiiii");
    each_last<PairHash>(
        batch.members, [](const Member& m) { return std::pair(raw(m.conversation), raw(m.user)); },
        [&](const Member& m) {
          c.row(m.conversation, m.user, m.role, m.joined, m.joined_seq, m.muted_until, m.muted_by, m.muted_at, m.left);
        });
    db.queue(Own::put_members, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]);
  }
}

void Writer::queue_heads(Connection& db, const Batch& batch) {
  auto& c = columns_;
  if (!batch.heads.empty()) {
    c.begin("iiii");
    for (const auto& head : batch.heads) c.row(head.conversation, head.expected_head, head.head, head.last);
    db.queue_wanted(Own::put_heads, c[0], c[1], c[2], c[3]);
  }
  keyed_.clear();
  c.begin("iii");
  for (std::size_t i = 0; i < batch.messages.size(); ++i) {
    const auto& [message, key] = batch.messages[i];
    if (!key) continue;
    keyed_.push_back(i);
    c.row(message->sender, key->hash[0], key->hash[1]);
  }
  if (!keyed_.empty()) db.queue_wanted(Own::stored_keys, c[0], c[1], c[2]);
}

Conflict Writer::conflicts(Connection& db, const Batch& batch, Lane lane) {
  Conflict conflict;
  if (lane == Lane::owner && batch.heads.empty() && keyed_.empty()) return conflict;
  db.send();
  if (lane == Lane::beside) ownership_.check(db.take());
  std::optional<Cursor> moved, stored;
  if (!batch.heads.empty()) moved.emplace(db.take());
  if (!keyed_.empty()) stored.emplace(db.take());
  db.finish();
  if (moved) find_stale(db, batch, *moved, conflict);
  while (stored && stored->next()) {
    const auto index = keyed_[static_cast<std::size_t>(stored->number(0)) - 1];
    conflict.duplicates.push_back({index, static_cast<MessageId>(stored->number(1)), stored->number(2)});
  }
  return conflict;
}

void Writer::find_stale(Connection& db, const Batch& batch, Cursor& moved, Conflict& conflict) {
  if (static_cast<std::size_t>(moved.rows()) == batch.heads.size()) return;
  std::unordered_set<std::uint64_t> right;
  while (moved.next()) right.insert(moved.number(0));
  columns_.begin("i");
  for (const auto& head : batch.heads) {
    if (!right.contains(raw(head.conversation))) columns_.row(head.conversation);
  }
  std::unordered_map<std::uint64_t, Conflict::Stale> known;
  auto rows = db.run(Own::stored_heads, columns_[0]);
  while (rows.next()) {
    known[rows.number(0)] = {static_cast<ConversationId>(rows.number(0)), rows.number(1),
                             static_cast<MessageId>(rows.number(2))};
  }
  for (const auto& head : batch.heads) {
    if (right.contains(raw(head.conversation))) continue;
    const auto found = known.find(raw(head.conversation));
    if (found == known.end()) refuse_unknown_head(head.conversation);
    conflict.stale.push_back(found->second);
  }
}

void Writer::queue_messages(Connection& db, const Batch& batch) {
  auto& c = columns_;
  if (!keyed_.empty()) {
    // Nobody else writes these keys, so what was not stored a moment ago is not now. A key that is twice in the batch
    // fails here.
    c.begin("iiiii");
    for (const auto i : keyed_) {
      const auto& [message, key] = batch.messages[i];
      c.row(message->id, message->sender, key->hash[0], key->hash[1], key->digest);
    }
    db.queue(Own::put_keys, c[0], c[1], c[2], c[3], c[4]);
  }
  for (std::size_t i = 0; i < batch.messages.size();) {
    c.begin("iiiiitt");
    std::size_t bytes = 0;
    for (; i < batch.messages.size() && bytes < piece; ++i) {
      const auto& m = *batch.messages[i].message;
      bytes += m.content.size() + m.extras.size();
      c.row(m.id, m.conversation, m.seq, m.sender, domains_[m.domain], m.content, Optional{m.extras});
    }
    db.queue(Own::put_messages, c[0], c[1], c[2], c[3], c[4], c[5], c[6]);
  }
  for (const auto& [message, key] : batch.messages) {
    if (ends_block(*message))
      db.queue(Query::put_sent_counts, message->seq, message->conversation, message->seq - sent_block + 1);
  }
}

void Writer::queue_rest(Connection& db, const Batch& batch) {
  auto& c = columns_;
  if (!batch.changes.empty()) {
    c.begin("iiiiiiit");
    for (const auto& e : batch.changes) {
      c.row(e.position, e.conversation, e.kind, e.actor, e.subject, e.message, e.role, Optional{e.note});
    }
    db.queue(Own::put_changes, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]);
  }
  c.begin("iii");
  std::unordered_set<std::uint64_t> recalled;  // the first recall of a message stands
  const auto recall = [&](MessageId message, Position position, UserId by) {
    if (recalled.insert(raw(message)).second) c.row(message, position, by);
  };
  for (const auto& entry : batch.messages) {
    if (entry.message->recalled != 0) recall(entry.message->id, entry.message->recalled, entry.message->recalled_by);
  }
  for (const auto& write : batch.recalls) recall(write.message, write.position, write.by);
  if (!recalled.empty()) db.queue(Own::put_recalls, c[0], c[1], c[2]);
  if (!batch.erased.empty()) {
    c.begin("i");
    for (const auto id : batch.erased) c.row(id);
    db.queue(Own::erase_messages, c[0]);
    db.queue(Own::erase_notes, c[0]);
  }
  if (!batch.marks.empty()) {
    c.begin("iitb");
    each_last<std::hash<std::string>>(
        batch.marks, [](const MarkWrite& m) { return joined(raw(m.user), raw(m.conversation), m.mark); },
        [&](const MarkWrite& m) { c.row(m.user, m.conversation, m.mark, m.set); });
    db.queue(Own::put_marks, c[0], c[1], c[2], c[3]);
  }
  if (!batch.key_values.empty()) {
    const auto key = [](const KeyValueWrite& w) { return joined(w.space.size(), 0, w.space) + w.key; };
    c.begin("ttt");
    each_last<std::hash<std::string>>(batch.key_values, key, [&](const KeyValueWrite& w) {
      if (w.value) c.row(w.space, w.key, *w.value);
    });
    if (c[0]->count() != 0) db.queue(Own::put_key_values, c[0], c[1], c[2]);
    c.begin("tt");
    each_last<std::hash<std::string>>(batch.key_values, key, [&](const KeyValueWrite& w) {
      if (!w.value) c.row(w.space, w.key);
    });
    if (c[0]->count() != 0) db.queue(Own::remove_key_values, c[0], c[1]);
  }
}

std::size_t Writer::forget_client_keys(Position before, std::size_t limit) {
  return connection_.repeated([&](Connection& db) {
    return static_cast<std::size_t>(
        db.write(Query::forget_keys, clamp(before), std::min<std::size_t>(limit, 1'000'000'000)));
  });
}

std::size_t Writer::forget_messages(ConversationId id, Seq upto, std::size_t limit) {
  return connection_.repeated([&](Connection& db) {
    db.queue(Own::begin);
    const auto forgotten = db.write(Query::forget_messages, clamp(raw(id)), clamp(upto), clamp(limit));
    if (ends_counts(upto, forgotten)) db.write(Query::forget_sent_counts, clamp(raw(id)));
    connection_.committing();
    db.queue(Own::commit);
    db.settle();
    return static_cast<std::size_t>(forgotten);
  });
}

std::size_t Writer::restore_client_keys(std::span<const Storage::StoredKey> keys) {
  auto& c = columns_;
  c.begin("iiiii");
  for (const auto& [message, sender, key] : keys) c.row(message, sender, key.hash[0], key.hash[1], key.digest);
  return connection_.repeated([&](Connection& db) {
    return static_cast<std::size_t>(db.run(Own::restore_keys, c[0], c[1], c[2], c[3], c[4]).rows());
  });
}

}  // namespace loft::storage::postgresql
