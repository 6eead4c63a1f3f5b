#include "writer.hpp"

#include <algorithm>

namespace loft::storage {
namespace {

std::optional<std::uint64_t> unless_none(UserId user) {
  return user == UserId::none ? std::nullopt : std::optional(raw(user));
}

/// The largest position a batch speaks of.
Position last_position(const Batch& batch) {
  Position last = batch.applied_upto;
  for (const auto& entry : batch.messages) last = std::max({last, raw(entry.message->id), entry.message->recalled});
  for (const auto& change : batch.changes) last = std::max(last, change.position);
  for (const auto& recall : batch.recalls) last = std::max(last, recall.position);
  for (const auto& member : batch.members) last = std::max(last, member.joined);
  return last;
}

}  // namespace

Writer::Writer(const std::string& path, const Tuning& tuning) : connection_(path, tuning) {}

Conflict Writer::commit(const Batch& batch) {
  Conflict conflict;
  try {
    connection_.begin_writing();
    put_entities(batch);
    put_heads(batch, conflict);
    put_messages(batch, conflict);
    if (conflict.empty()) {
      put_rest(batch);
      connection_.commit();
      new_domains_.clear();
      return conflict;
    }
  } catch (...) {
    connection_.rollback();
    for (const auto& name : std::exchange(new_domains_, {})) domains_.erase(name);
    throw;
  }
  connection_.rollback();
  for (const auto& name : std::exchange(new_domains_, {})) domains_.erase(name);
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
    if (!row.next()) {
      throw Broken("the batch moves the head of conversation " + std::to_string(raw(update.conversation)) +
                   ", which is not stored");
    }
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
                      domain_number(message.domain), message.content, Optional{message.extras});
    if (message.recalled != 0) connection_.write(Query::put_recall, message.recalled, message.recalled_by, message.id);
  }
}

void Writer::put_key(const Batch& batch, std::size_t index, Conflict& conflict) {
  const auto& [message, key] = batch.messages[index];
  if (connection_.write(Query::put_key, message->id, message->sender, key->hash[0], key->hash[1], key->digest) != 0)
    return;
  auto row = connection_.run(Query::key, message->sender, key->hash[0], key->hash[1]);
  if (!row.next()) {
    throw Broken("message " + std::to_string(raw(message->id)) +
                 " has another client key than the stored one of this id");
  }
  const auto original = static_cast<MessageId>(row.number(0));
  // A key twice in one batch: the first of the two is not stored, so its id must not be given as the original.
  for (std::size_t i = 0; i < index; ++i) {
    const auto found = [i](const Conflict::Duplicate& duplicate) { return duplicate.index == i; };
    if (batch.messages[i].message->id != original) continue;
    if (std::any_of(conflict.duplicates.begin(), conflict.duplicates.end(), found)) continue;
    throw Broken("messages " + std::to_string(i) + " and " + std::to_string(index) +
                 " of the batch have one client key");
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
  for (const auto& mark : batch.marks) {
    connection_.write(Query::put_mark, mark.user, mark.conversation, mark.mark, Blob{mark.set});
  }
  for (const auto& [space, key, value] : batch.key_values) {
    if (value)
      connection_.write(Query::put_key_value, space, key, *value);
    else
      connection_.write(Query::remove_key_value, space, key);
  }
  connection_.write(Query::put_progress, batch.applied_upto, last_position(batch));
}

std::uint64_t Writer::domain_number(const std::string& name) {
  if (const auto known = domains_.find(name); known != domains_.end()) return known->second;
  if (domains_.empty()) {
    auto rows = connection_.run(Query::domains, 1);
    while (rows.next()) domains_.emplace(rows.text(1), rows.number(0));
    if (const auto known = domains_.find(name); known != domains_.end()) return known->second;
  }
  const std::uint64_t number = domains_.size() + 1;
  connection_.write(Query::put_domain, number, name);
  new_domains_.push_back(name);
  return domains_.emplace(name, number).first->second;
}

void Writer::set_follower(std::string_view name, Position position) {
  connection_.write(Query::put_follower, name, position);
}

std::size_t Writer::forget_client_keys(Position before, std::size_t limit) {
  return static_cast<std::size_t>(
      connection_.write(Query::forget_keys, before, std::min<std::size_t>(limit, 1'000'000'000)));
}

}  // namespace loft::storage
