#include "directory.hpp"

#include <mutex>

namespace loft::storage {
namespace {

/// Moves a name in an index of names; an empty one is not indexed.
template <class Id>
void rename(std::unordered_map<std::string, Id>& index, const std::string& before, const std::string& now, Id id) {
  if (before == now) return;
  if (!before.empty()) index.erase(before);
  if (!now.empty()) index[now] = id;
}

}  // namespace

Conflict Directory::apply(const Batch& batch) {
  const std::unique_lock lock(mutex_);
  Conflict conflict;
  for (const auto& update : batch.heads) {
    const auto found = conversations_.find(update.conversation);
    const Seq head = found == conversations_.end() ? 0 : found->second.head;
    if (head == update.expected_head) continue;
    conflict.stale.push_back({update.conversation, head, found->second.last});
  }
  if (!conflict.empty()) return conflict;

  for (const auto& user : batch.users) put(user);
  for (const auto& conversation : batch.conversations) put(conversation);
  for (const auto& member : batch.members) {
    members_[member.conversation][member.user] = member;
    of_user_[member.user].insert(member.conversation);
    last_ = std::max(last_, member.joined);
  }
  for (const auto& update : batch.heads) {
    auto& stored = conversations_[update.conversation];
    stored.head = update.head;
    stored.last = update.last;
  }
  for (const auto& [space, key, value] : batch.key_values) {
    if (value)
      key_values_[{space, key}] = *value;
    else
      key_values_.erase({space, key});
  }
  last_ = std::max(last_, batch.applied_upto);
  for (const auto& entry : batch.messages) last_ = std::max({last_, raw(entry.message->id), entry.message->recalled});
  for (const auto& change : batch.changes) last_ = std::max(last_, change.position);
  for (const auto& recall : batch.recalls) last_ = std::max(last_, recall.position);
  return conflict;
}

void Directory::put(const User& user) {
  auto& stored = users_[user.id];
  rename(user_handles_, stored.handle, user.handle, user.id);
  rename(user_uuids_, stored.uuid, user.uuid, user.id);
  stored = user;
}

void Directory::put(const Conversation& conversation) {
  auto& stored = conversations_[conversation.id].conversation;
  rename(handles_, stored.handle, conversation.handle, conversation.id);
  rename(uuids_, stored.uuid, conversation.uuid, conversation.id);
  if (conversation.low != UserId::none) pairs_[{conversation.low, conversation.high}] = conversation.id;
  stored = conversation;
}

Position Directory::last_position() const {
  const std::shared_lock lock(mutex_);
  return last_;
}

void Directory::set_follower(std::string_view name, Position position) {
  const std::unique_lock lock(mutex_);
  followers_[std::string(name)] = position;
}

std::optional<Position> Directory::follower(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto found = followers_.find(std::string(name));
  return found == followers_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<User> Directory::user(UserId id) const {
  const std::shared_lock lock(mutex_);
  const auto found = users_.find(id);
  return found == users_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<User> Directory::user_by_handle(std::string_view handle) const {
  const std::shared_lock lock(mutex_);
  const auto found = user_handles_.find(std::string(handle));
  return found == user_handles_.end() ? std::nullopt : std::optional(users_.at(found->second));
}

std::optional<User> Directory::user_by_uuid(std::string_view uuid) const {
  const std::shared_lock lock(mutex_);
  const auto found = user_uuids_.find(std::string(uuid));
  return found == user_uuids_.end() ? std::nullopt : std::optional(users_.at(found->second));
}

std::vector<User> Directory::users(UserId after, std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<User> list;
  for (auto at = users_.upper_bound(after); at != users_.end() && list.size() < limit; ++at) list.push_back(at->second);
  return list;
}

std::optional<StoredConversation> Directory::conversation(ConversationId id) const {
  const std::shared_lock lock(mutex_);
  const auto found = conversations_.find(id);
  return found == conversations_.end() ? std::nullopt : std::optional(found->second);
}

template <class Map>
std::optional<StoredConversation> Directory::named(const Map& map, const typename Map::key_type& name) const {
  const std::shared_lock lock(mutex_);
  const auto found = map.find(name);
  return found == map.end() ? std::nullopt : std::optional(conversations_.at(found->second));
}

std::optional<StoredConversation> Directory::conversation_by_handle(std::string_view handle) const {
  return named(handles_, std::string(handle));
}

std::optional<StoredConversation> Directory::conversation_by_uuid(std::string_view uuid) const {
  return named(uuids_, std::string(uuid));
}

std::optional<StoredConversation> Directory::conversation_by_pair(UserId low, UserId high) const {
  return named(pairs_, {low, high});
}

std::vector<StoredConversation> Directory::broadcasts() const {
  const std::shared_lock lock(mutex_);
  std::vector<StoredConversation> list;
  for (const auto& [id, stored] : conversations_) {
    if (stored.conversation.kind == ConversationKind::broadcast) list.push_back(stored);
  }
  std::sort(list.begin(), list.end(),
            [](const auto& a, const auto& b) { return a.conversation.id < b.conversation.id; });
  return list;
}

std::vector<StoredConversation> Directory::all_conversations(ConversationId after, std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<ConversationId> ids;
  for (const auto& [id, stored] : conversations_) {
    if (id > after) ids.push_back(id);
  }
  const auto count = std::min(limit, ids.size());
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end());
  std::vector<StoredConversation> list;
  for (std::size_t i = 0; i < count; ++i) list.push_back(conversations_.at(ids[i]));
  return list;
}

std::vector<Member> Directory::all_members(const Member& after, std::size_t limit) const {
  const auto place = [](const Member& member) { return std::pair(member.conversation, member.user); };
  const std::shared_lock lock(mutex_);
  std::vector<Member> list;
  for (const auto& [id, members] : members_) {
    for (const auto& [user, member] : members) {
      if (place(member) > place(after)) list.push_back(member);
    }
  }
  const auto count = std::min(limit, list.size());
  std::partial_sort(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(count), list.end(),
                    [&](const Member& a, const Member& b) { return place(a) < place(b); });
  list.resize(count);
  return list;
}

std::vector<KeyValueWrite> Directory::all_key_values(const KeyValueWrite& after, std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<KeyValueWrite> list;
  for (auto at = key_values_.upper_bound({after.space, after.key}); at != key_values_.end() && list.size() < limit;
       ++at) {
    list.push_back({at->first.first, at->first.second, at->second});
  }
  return list;
}

std::vector<Storage::StoredFollower> Directory::followers() const {
  const std::shared_lock lock(mutex_);
  std::vector<Storage::StoredFollower> list;
  for (const auto& [name, position] : followers_) list.push_back({name, position});
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}

std::optional<std::string> Directory::key_value(std::string_view space, std::string_view key) const {
  const std::shared_lock lock(mutex_);
  const auto found = key_values_.find({std::string(space), std::string(key)});
  return found == key_values_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Storage::StoredValue> Directory::key_values(std::string_view space, std::string_view prefix,
                                                        std::string_view after, std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<Storage::StoredValue> list;
  for (auto at = key_values_.lower_bound({std::string(space), std::string(std::max(prefix, after))});
       at != key_values_.end() && list.size() < limit; ++at) {
    const auto& [name, value] = *at;
    if (name.first != space || !name.second.starts_with(prefix)) break;
    if (name.second != after) list.push_back({name.second, value});
  }
  return list;
}

std::vector<Member> Directory::members(ConversationId id) const {
  const std::shared_lock lock(mutex_);
  std::vector<Member> list;
  if (const auto found = members_.find(id); found != members_.end()) {
    for (const auto& [user, member] : found->second) list.push_back(member);
  }
  std::sort(list.begin(), list.end(),
            [](const Member& a, const Member& b) { return std::pair(a.joined, a.user) < std::pair(b.joined, b.user); });
  return list;
}

std::vector<Membership> Directory::memberships(UserId user) const {
  const std::shared_lock lock(mutex_);
  std::vector<Membership> list;
  if (const auto found = of_user_.find(user); found != of_user_.end()) {
    for (const auto id : found->second) list.push_back({members_.at(id).at(user), {}});
  }
  return list;
}

}  // namespace loft::storage
