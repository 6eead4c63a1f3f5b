// One user's list of blocked users, as it is kept in memory and in the store.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <loft/bytes.hpp>
#include <loft/message.hpp>

namespace loft::block_list {

/// Immutable once shared. An empty list stays, for its version.
struct List {
  std::uint64_t version = 0;  ///< the newest one counts
  UserId owner = UserId::none;
  std::vector<UserId> blocked;  ///< ascending

  bool holds(UserId user) const noexcept;
};

using ListPtr = std::shared_ptr<const List>;

std::string key_of(UserId owner);
std::string encode(const List& list);
/// Nullopt: this is none of ours.
std::optional<List> decode(Bytes key, Bytes value);

/// With `other` in it, or without. Version and owner are the caller's to set.
List with(List list, UserId other);
List without(List list, UserId other);

}  // namespace loft::block_list
