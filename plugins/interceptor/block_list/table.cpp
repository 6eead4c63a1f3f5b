#include "block_list/table.hpp"

#include <charconv>
#include <mutex>

namespace loft::block_list {
namespace {

constexpr std::uint64_t mixed(std::uint64_t value) noexcept {
  value ^= value >> 31;
  value *= 0x7FB5D329728EA185ull;
  value ^= value >> 27;
  value *= 0x81DADEF4BC2DD44Dull;
  return value ^ value >> 33;
}

std::uint64_t hash_of(UserId user) noexcept { return mixed(raw(user)); }
std::uint64_t hash_of(UserId owner, UserId other) noexcept { return mixed(mixed(raw(owner)) + raw(other)); }

std::uint64_t number(const std::string& text) noexcept {
  std::uint64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end ? value : 0;
}

template <class Map, class Key>
typename Map::mapped_type found(const Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? typename Map::mapped_type{} : it->second;
}

}  // namespace

Table::Shard& Table::shard_of(UserId owner) noexcept { return shards_[hash_of(owner) % shard_count]; }
const Table::Shard& Table::shard_of(UserId owner) const noexcept { return shards_[hash_of(owner) % shard_count]; }

bool Table::blocks(UserId owner, UserId other) const {
  if (!pairs_.may_hold(hash_of(owner, other))) return false;
  const auto list = find(owner);
  return list != nullptr && list->holds(other);
}

bool Table::may_be_blocked(UserId user) const noexcept { return blocked_.may_hold(hash_of(user)); }

ListPtr Table::find(UserId owner) const {
  const auto& shard = shard_of(owner);
  const std::shared_lock lock(shard.mutex);
  return found(shard.lists, owner);
}

// The counters know of a list before it can be found, and after.
void Table::replace(List list) {
  auto fresh = std::make_shared<const List>(std::move(list));
  ListPtr old;
  {
    auto& shard = shard_of(fresh->owner);
    const std::unique_lock lock(shard.mutex);
    auto& place = shard.lists[fresh->owner];
    if (place != nullptr && place->version >= fresh->version) return;
    for (const auto& one : fresh->blocked) {
      pairs_.add(hash_of(fresh->owner, one.user));
      blocked_.add(hash_of(one.user));
    }
    old = std::exchange(place, fresh);
  }
  if (old != nullptr) {
    for (const auto& one : old->blocked) {
      pairs_.remove(hash_of(old->owner, one.user));
      blocked_.remove(hash_of(one.user));
    }
  }
  note(*fresh);
}

void Table::note(const List& list) {
  {
    const std::unique_lock lock(names_mutex_);
    if (!list.handle.empty()) by_handle_[list.handle] = list.owner;
    if (!list.uuid.empty()) by_uuid_[list.uuid] = list.owner;
  }
  for (const auto& one : list.blocked) {
    if (one.conversation != ConversationId::none) {
      note(one.conversation, one.conversation_uuid, {list.owner, one.user});
    }
  }
}

void Table::note(ConversationId id, const std::string& uuid, Pair pair) {
  const std::unique_lock lock(names_mutex_);
  by_conversation_[id] = pair;
  if (!uuid.empty()) by_conversation_uuid_[uuid] = pair;
}

void Table::learn(const Conversation& conversation) {
  if (conversation.kind != ConversationKind::direct) return;
  if (!blocks(conversation.low, conversation.high) && !blocks(conversation.high, conversation.low)) return;
  {
    const std::shared_lock lock(names_mutex_);
    if (by_conversation_.contains(conversation.id)) return;
  }
  note(conversation.id, conversation.uuid, {conversation.low, conversation.high});
}

UserId Table::receiver(const ConversationRef& to, UserId sender) const {
  using By = ConversationRef::By;
  const std::shared_lock lock(names_mutex_);
  if (to.by == By::direct) return named(to.peer);
  Pair pair;
  if (to.by == By::id) pair = found(by_conversation_, static_cast<ConversationId>(to.number));
  if (to.by == By::uuid) pair = found(by_conversation_uuid_, to.text);
  // Groups have handles; one that is called like a number is not looked for here, and then nothing is refused too much:
  // the pair must be the sender's.
  if (to.by == By::handle_or_id) pair = found(by_conversation_, static_cast<ConversationId>(number(to.text)));
  if (pair.first == sender) return pair.second;
  return pair.second == sender ? pair.first : UserId::none;
}

UserId Table::named(const UserRef& ref) const {
  using By = UserRef::By;
  if (ref.by == By::id) return static_cast<UserId>(ref.number);
  if (ref.by == By::uuid) return found(by_uuid_, ref.text);
  if (const auto user = found(by_handle_, ref.text); user != UserId::none || ref.by == By::handle) return user;
  return static_cast<UserId>(number(ref.text));
}

}  // namespace loft::block_list
