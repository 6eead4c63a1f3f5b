// The small tables of the storage for tests: what plugins keep, broadcasts, followers.
#include "memory_storage.hpp"

namespace loft::tests {
namespace {

const Error down{Code::unavailable, "storage.unavailable", {}};

}  // namespace

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
