#include "memory.hpp"

#include <algorithm>
#include <set>

namespace acme {
namespace {

/// The stores of this process.
std::shared_ptr<Data> store_of(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<Data>> stores;
  const std::lock_guard lock(mutex);
  auto& store = stores[name];
  if (!store) store = std::make_shared<Data>();
  return store;
}

template <class Map, class Key, class F>
auto page(const Map& map, const Key& after, std::size_t limit, F row_of) {
  std::vector<decltype(row_of(*map.begin()))> rows;
  for (auto at = map.upper_bound(after); at != map.end() && rows.size() < limit; ++at) rows.push_back(row_of(*at));
  return rows;
}

const auto second = [](const auto& pair) { return pair.second; };

}  // namespace

// ---- writing

void Memory::start() { data_ = store_of(name_); }

Result<Conflict> Memory::commit(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  if (auto conflict = data_->conflicts(batch); !conflict.empty()) return conflict;
  auto next = *data_;  // all or nothing
  if (!next.apply(batch)) return Error{Code::internal, "storage.broken", {}};
  *data_ = std::move(next);
  return Conflict{};
}

Result<void> Memory::set_follower(std::string_view name, Position position) {
  const std::lock_guard lock(mutex_);
  data_->followers[std::string(name)] = position;
  return {};
}

Result<std::size_t> Memory::forget_client_keys(Position before, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  std::erase_if(data_->keys, [&](const auto& row) { return raw(row.first) < before && count < limit && ++count != 0; });
  return count;
}

Result<std::size_t> Memory::forget_messages(ConversationId id, Seq upto, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  std::erase_if(data_->messages, [&](const auto& row) {
    return row.second.conversation == id && row.second.seq <= upto && count < limit && ++count != 0;
  });
  return count;
}

Result<std::size_t> Memory::restore_client_keys(std::span<const StoredKey> keys) {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& row : keys) {
    if (data_->keys.contains(row.message) || data_->key_of(row.sender, row.key) != nullptr) continue;
    data_->keys[row.message] = row;
    ++count;
  }
  return count;
}

// ---- reading

Result<Position> Memory::last_position() {
  const std::lock_guard lock(mutex_);
  return data_->last;
}

template <class F>
std::optional<User> Memory::find_user(F is_it) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, user] : data_->users) {
    if (is_it(user)) return user;
  }
  return std::nullopt;
}

Result<std::optional<User>> Memory::user_by_id(UserId id) {
  return find_user([&](const User& user) { return user.id == id; });
}
Result<std::optional<User>> Memory::user_by_handle(std::string_view handle) {
  return find_user([&](const User& user) { return !handle.empty() && user.handle == handle; });
}
Result<std::optional<User>> Memory::user_by_uuid(std::string_view uuid) {
  return find_user([&](const User& user) { return !uuid.empty() && user.uuid == uuid; });
}
Result<std::vector<User>> Memory::users(UserId after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  return page(data_->users, after, limit, second);
}

template <class F>
std::optional<StoredConversation> Memory::find_conversation(F is_it) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, stored] : data_->conversations) {
    if (is_it(stored.conversation)) return stored;
  }
  return std::nullopt;
}

Result<std::optional<StoredConversation>> Memory::conversation(ConversationId id) {
  return find_conversation([&](const Conversation& one) { return one.id == id; });
}
Result<std::optional<StoredConversation>> Memory::conversation_by_handle(std::string_view handle) {
  return find_conversation([&](const Conversation& one) { return !handle.empty() && one.handle == handle; });
}
Result<std::optional<StoredConversation>> Memory::conversation_by_uuid(std::string_view uuid) {
  return find_conversation([&](const Conversation& one) { return !uuid.empty() && one.uuid == uuid; });
}
Result<std::optional<StoredConversation>> Memory::conversation_by_pair(UserId low, UserId high) {
  return find_conversation(
      [&](const Conversation& one) { return low != UserId::none && one.low == low && one.high == high; });
}

Result<std::vector<StoredConversation>> Memory::conversations(std::span<const ConversationId> ids) {
  const std::lock_guard lock(mutex_);
  std::vector<StoredConversation> list;
  for (const auto id : ids) {
    const auto known = data_->conversations.find(id);
    if (known != data_->conversations.end()) list.push_back(known->second);
  }
  return list;
}

Result<std::vector<StoredConversation>> Memory::broadcasts() {
  const std::lock_guard lock(mutex_);
  std::vector<StoredConversation> list;
  for (const auto& [id, stored] : data_->conversations) {
    if (stored.conversation.kind == ConversationKind::broadcast) list.push_back(stored);
  }
  return list;
}

Result<std::vector<Member>> Memory::members(ConversationId id) {
  const std::lock_guard lock(mutex_);
  std::vector<Member> list;
  for (const auto& [key, member] : data_->members) {
    if (key.first == id) list.push_back(member);
  }
  std::sort(list.begin(), list.end(),
            [](const Member& a, const Member& b) { return std::tie(a.joined, a.user) < std::tie(b.joined, b.user); });
  return list;
}

Result<std::vector<Membership>> Memory::memberships(UserId user) {
  const std::lock_guard lock(mutex_);
  std::vector<Membership> list;
  for (const auto& [key, member] : data_->members) {
    if (key.second != user) continue;
    auto& row = list.emplace_back(Membership{member, {}});
    for (const auto& [mark, set] : data_->marks) {
      const auto& [marker, conversation, name] = mark;
      if (marker == user && conversation == key.first) row.marks.push_back({marker, conversation, name, set});
    }
  }
  return list;
}

Result<std::vector<MarkWrite>> Memory::marks(ConversationId id, std::string_view mark) {
  const std::lock_guard lock(mutex_);
  std::vector<MarkWrite> list;
  for (const auto& [key, set] : data_->marks) {
    const auto& [user, conversation, name] = key;
    const bool is_member = data_->members.contains({id, user});
    if (conversation == id && name == mark && is_member) list.push_back({user, conversation, name, set});
  }
  return list;
}

/// With the lock held.
std::vector<Message> Memory::log_of(ConversationId id, Seq low, Seq high) const {
  std::vector<Message> list;
  for (const auto& [key, message] : data_->messages) {
    if (message.conversation == id && message.seq >= low && message.seq <= high) list.push_back(message);
  }
  return list;
}

Result<std::vector<Message>> Memory::log(ConversationId id, Seq low, Seq high, std::size_t limit, bool descending) {
  const std::lock_guard lock(mutex_);
  auto list = log_of(id, low, high);
  if (descending) std::reverse(list.begin(), list.end());
  if (list.size() > limit) list.resize(limit);
  return list;
}

Result<std::vector<Message>> Memory::messages(std::span<const MessageId> ids) {
  const std::lock_guard lock(mutex_);
  std::vector<Message> list;
  for (const auto id : std::set<MessageId>(ids.begin(), ids.end())) {
    const auto known = data_->messages.find(id);
    if (known != data_->messages.end()) list.push_back(known->second);
  }
  return list;
}

Result<Seq> Memory::seq_at(ConversationId id, Position position) {
  const std::lock_guard lock(mutex_);
  Seq seq = 0;
  for (const auto& message : log_of(id, 0, ~Seq{0})) {
    if (raw(message.id) <= position) seq = message.seq;
  }
  return seq;
}

Result<std::uint64_t> Memory::count_foreign(ConversationId id, Seq low, Seq high, UserId except) {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  for (const auto& message : log_of(id, low, high)) count += message.sender != except && message.recalled == 0 ? 1 : 0;
  return count;
}

Result<std::vector<Seq>> Memory::sent(ConversationId id, UserId sender, Seq low, Seq high, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Seq> list;
  for (const auto& message : log_of(id, low, high)) {
    if (message.sender == sender && message.recalled == 0) list.push_back(message.seq);
  }
  std::reverse(list.begin(), list.end());
  if (list.size() > limit) list.resize(limit);
  return list;
}

Result<std::vector<Change>> Memory::changes(ConversationId id, Position after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Change> list;
  for (auto at = data_->changes.upper_bound(after); at != data_->changes.end() && list.size() < limit; ++at) {
    if (at->second.conversation == id) list.push_back(at->second);
  }
  return list;
}

Result<Storage::Since> Memory::since(Position after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  Since found;
  auto message = data_->messages.upper_bound(static_cast<MessageId>(after));
  auto change = data_->changes.upper_bound(after);
  for (; limit > 0; --limit) {
    const bool has_message = message != data_->messages.end();
    if (change != data_->changes.end() && (!has_message || change->first < raw(message->first))) {
      found.changes.push_back((change++)->second);
    } else if (has_message) {
      found.messages.push_back((message++)->second);
    } else {
      break;
    }
  }
  return found;
}

Result<std::optional<std::string>> Memory::key_value(std::string_view space, std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto known = data_->values.find({std::string(space), std::string(key)});
  return known == data_->values.end() ? std::nullopt : std::optional(known->second);
}

Result<std::vector<Storage::StoredValue>> Memory::key_values(std::string_view space, std::string_view prefix,
                                                             std::string_view after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<StoredValue> list;
  for (const auto& [name, value] : data_->values) {
    const bool is_wanted = name.first == space && name.second.starts_with(prefix) && name.second > after;
    if (is_wanted && list.size() < limit) list.push_back({name.second, value});
  }
  return list;
}

Result<std::optional<Position>> Memory::follower(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto known = data_->followers.find(name);
  return known == data_->followers.end() ? std::nullopt : std::optional(known->second);
}

// ---- everything

Result<std::vector<StoredConversation>> Memory::all_conversations(ConversationId after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  return page(data_->conversations, after, limit, second);
}

Result<std::vector<Member>> Memory::all_members(const Member& after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  return page(data_->members, std::pair(after.conversation, after.user), limit, second);
}

Result<std::vector<Storage::StoredKey>> Memory::client_keys(MessageId after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  return page(data_->keys, after, limit, second);
}

Result<std::vector<MarkWrite>> Memory::all_marks(const MarkWrite& after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  return page(data_->marks, std::tuple(after.user, after.conversation, after.mark), limit, [](const auto& row) {
    const auto& [user, conversation, name] = row.first;
    return MarkWrite{user, conversation, name, row.second};
  });
}

Result<std::vector<KeyValueWrite>> Memory::all_key_values(const KeyValueWrite& after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  return page(data_->values, std::pair(after.space, after.key), limit, [](const auto& row) {
    return KeyValueWrite{row.first.first, row.first.second, row.second};
  });
}

Result<std::vector<Storage::StoredFollower>> Memory::followers() {
  const std::lock_guard lock(mutex_);
  std::vector<StoredFollower> list;
  for (const auto& [name, position] : data_->followers) list.push_back({name, position});
  return list;
}

}  // namespace acme

using acme::Memory;
LOFT_PLUGIN(Memory, "storage.acme_memory", "1.0.0", "Messages in memory")
