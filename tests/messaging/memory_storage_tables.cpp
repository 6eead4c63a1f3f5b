// The tables of the storage for tests: what a batch does to them, and the small ones: what plugins keep, broadcasts,
// followers.
#include "memory_storage.hpp"

#include <algorithm>

namespace loft::tests {
namespace {

const Error down{Code::unavailable, "storage.unavailable", {}};

}  // namespace

void MemoryStorage::store(const Batch& batch) {
  last_ = std::max(last_, batch.applied_upto);
  store_entities(batch);
  store_messages(batch);
  for (const auto& mark : batch.marks) {
    std::erase_if(marks_, [&](const MarkWrite& m) {
      return m.user == mark.user && m.conversation == mark.conversation && m.mark == mark.mark;
    });
    marks_.push_back(mark);
  }
  for (const auto& write : batch.key_values) {
    if (write.value)
      key_values_[{write.space, write.key}] = *write.value;
    else
      key_values_.erase({write.space, write.key});
  }
}

void MemoryStorage::store_entities(const Batch& batch) {
  for (const auto& user : batch.users) {
    std::erase_if(users_, [&](const User& u) { return u.id == user.id; });
    users_.push_back(user);
  }
  for (const auto& conversation : batch.conversations) {
    const auto known = std::find_if(conversations_.begin(), conversations_.end(),
                                    [&](const auto& c) { return c.conversation.id == conversation.id; });
    if (known != conversations_.end())
      known->conversation = conversation;
    else
      conversations_.push_back({conversation, 0, MessageId::none});
  }
  for (const auto& member : batch.members) {
    std::erase_if(members_,
                  [&](const Member& m) { return m.conversation == member.conversation && m.user == member.user; });
    members_.push_back(member);
  }
}

void MemoryStorage::store_messages(const Batch& batch) {
  for (const auto& head : batch.heads) {
    for (auto& known : conversations_) {
      if (known.conversation.id != head.conversation) continue;
      known.head = head.head;
      known.last = head.last;
    }
  }
  for (const auto& message : batch.messages) {
    messages_.push_back(*message.message);
    if (message.key) keys_.push_back({*message.key, message.message->id});
  }
  changes_.insert(changes_.end(), batch.changes.begin(), batch.changes.end());
  for (const auto& change : batch.changes) {
    for (auto& stored : conversations_) {
      if (stored.conversation.id == change.conversation) stored.last_change = change.position;
    }
  }
  for (const auto id : batch.erased) {
    for (auto& message : messages_) {
      if (message.id != id) continue;
      message.content = "{}";
      message.extras.clear();
    }
  }
  for (const auto& recall : batch.recalls) {
    for (auto& message : messages_) {
      if (message.id != recall.message || message.recalled != 0) continue;
      message.recalled = recall.position;
      message.recalled_by = recall.by;
    }
  }
}

Result<std::optional<std::string>> MemoryStorage::key_value(std::string_view space, std::string_view key) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  const auto it = key_values_.find({std::string(space), std::string(key)});
  return it != key_values_.end() ? std::optional(it->second) : std::nullopt;
}

Result<std::vector<Storage::StoredValue>> MemoryStorage::key_values(std::string_view space, std::string_view prefix,
                                                                    std::string_view after, std::size_t limit) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  std::vector<StoredValue> found;
  for (const auto& [name, value] : key_values_) {
    if (name.first != space || !name.second.starts_with(prefix) || name.second <= after) continue;
    if (found.size() < limit) found.push_back({name.second, value});
  }
  return found;
}

Result<std::vector<StoredConversation>> MemoryStorage::broadcasts() {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  auto found = conversations_;
  std::erase_if(found, [](const auto& c) { return c.conversation.kind != ConversationKind::broadcast; });
  return found;
}

Result<std::optional<Position>> MemoryStorage::follower(std::string_view name) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  const auto it = followers_.find(name);
  return it != followers_.end() ? std::optional(it->second) : std::nullopt;
}

Result<void> MemoryStorage::set_follower(std::string_view name, Position position) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  followers_[std::string(name)] = position;
  return {};
}

}  // namespace loft::tests
