#include "block_list/table.hpp"

#include <mutex>
#include <utility>

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

}  // namespace

Table::Shard& Table::shard_of(UserId owner) noexcept { return shards_[hash_of(owner) % shard_count]; }
const Table::Shard& Table::shard_of(UserId owner) const noexcept { return shards_[hash_of(owner) % shard_count]; }

bool Table::blocks(UserId owner, UserId other) const {
  if (!pairs_.may_hold(hash_of(owner, other))) return false;
  const auto list = find(owner);
  return list != nullptr && list->holds(other);
}

ListPtr Table::find(UserId owner) const {
  const auto& shard = shard_of(owner);
  const std::shared_lock lock(shard.mutex);
  const auto it = shard.lists.find(owner);
  return it != shard.lists.end() ? it->second : nullptr;
}

// The counter knows of a list before it can be found, and after.
void Table::replace(List list) {
  auto fresh = std::make_shared<const List>(std::move(list));
  ListPtr old;
  {
    auto& shard = shard_of(fresh->owner);
    const std::unique_lock lock(shard.mutex);
    auto& place = shard.lists[fresh->owner];
    if (place != nullptr && place->version >= fresh->version) return;
    for (const auto one : fresh->blocked) pairs_.add(hash_of(fresh->owner, one));
    old = std::exchange(place, fresh);
  }
  if (old == nullptr) return;
  for (const auto one : old->blocked) pairs_.remove(hash_of(old->owner, one));
}

}  // namespace loft::block_list
