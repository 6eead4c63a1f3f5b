// What a batch does to the maps.
#include <algorithm>

#include "memory.hpp"

namespace acme {

const Storage::StoredKey* Data::key_of(UserId sender, const ClientKey& key) const {
  for (const auto& [message, row] : keys) {
    if (row.sender == sender && row.key.hash == key.hash) return &row;
  }
  return nullptr;
}

Conflict Data::conflicts(const Batch& batch) const {
  Conflict conflict;
  for (const auto& head : batch.heads) {
    const auto known = conversations.find(head.conversation);
    const auto now = known == conversations.end() ? StoredConversation() : known->second;
    if (now.head != head.expected_head) conflict.stale.push_back({head.conversation, now.head, now.last});
  }
  for (std::size_t i = 0; i < batch.messages.size(); ++i) {
    const auto& [message, key] = batch.messages[i];
    const auto* row = key ? key_of(message->sender, *key) : nullptr;
    if (row != nullptr) conflict.duplicates.push_back({i, row->message, row->key.digest});
  }
  return conflict;
}

bool Data::apply(const Batch& batch) {
  last = std::max(last, batch.applied_upto);
  if (!put_names(batch) || !put_messages(batch)) return false;
  put_rest(batch);
  return true;
}

bool Data::put_names(const Batch& batch) {
  for (const auto& user : batch.users) {
    users[user.id] = user;
    for (const auto& [id, other] : users) {
      if (id == user.id) continue;
      if (!user.handle.empty() && other.handle == user.handle) return false;
      if (!user.uuid.empty() && other.uuid == user.uuid) return false;
    }
  }
  for (const auto& added : batch.conversations) {
    conversations[added.id].conversation = added;
    for (const auto& [id, stored] : conversations) {
      const auto& other = stored.conversation;
      if (id == added.id) continue;
      if (!added.handle.empty() && other.handle == added.handle) return false;
      if (!added.uuid.empty() && other.uuid == added.uuid) return false;
      if (added.low != UserId::none && other.low == added.low && other.high == added.high) return false;
    }
  }
  return true;
}

bool Data::put_messages(const Batch& batch) {
  for (const auto& head : batch.heads) {
    const auto known = conversations.find(head.conversation);
    if (known == conversations.end()) return false;
    known->second.head = head.head;
    known->second.last = head.last;
  }
  for (const auto& [message, key] : batch.messages) {
    messages[message->id] = *message;
    last = std::max({last, raw(message->id), message->recalled});
    if (!key) continue;
    if (key_of(message->sender, *key) != nullptr) return false;
    keys[message->id] = {message->id, message->sender, *key};
  }
  return true;
}

void Data::put_rest(const Batch& batch) {
  for (const auto& member : batch.members) {
    members[{member.conversation, member.user}] = member;
    last = std::max(last, member.joined);
  }
  for (const auto& change : batch.changes) {
    if (!changes.emplace(change.position, change).second) continue;
    last = std::max(last, change.position);
    if (const auto known = conversations.find(change.conversation); known != conversations.end())
      known->second.last_change = std::max(known->second.last_change, change.position);
  }
  for (const auto& recall : batch.recalls) {
    last = std::max(last, recall.position);
    const auto message = messages.find(recall.message);
    if (message == messages.end() || message->second.recalled != 0) continue;
    message->second.recalled = recall.position;
    message->second.recalled_by = recall.by;
  }
  for (const auto id : batch.erased) {
    const auto message = messages.find(id);
    if (message == messages.end()) continue;
    message->second.content = "{}";
    message->second.extras.clear();
    const auto change = changes.find(message->second.recalled);
    if (change != changes.end() && change->second.message == id) change->second.note.clear();
  }
  for (const auto& mark : batch.marks) marks[{mark.user, mark.conversation, mark.mark}] = mark.set;
  for (const auto& [space, key, value] : batch.key_values) {
    values.erase({space, key});
    if (value) values.emplace(std::pair(space, key), *value);
  }
}

}  // namespace acme
