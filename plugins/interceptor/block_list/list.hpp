// One user's list of blocked users, as it is kept in memory and in the store.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <loft/bytes.hpp>
#include <loft/message.hpp>

namespace loft::block_list {

struct Blocked {
  UserId user = UserId::none;
  /// The conversation of the two, where there was one when the user was blocked: clients of some contracts name it
  /// and not the user.
  ConversationId conversation = ConversationId::none;
  std::string conversation_uuid;
};

/// Immutable once shared. An empty list stays, for its version.
struct List {
  std::uint64_t version = 0;  ///< the newest one counts
  UserId owner = UserId::none;
  std::string handle;  ///< the owner's, which clients name
  std::string uuid;
  std::vector<Blocked> blocked;  ///< ascending by user

  bool holds(UserId user) const noexcept;
};

using ListPtr = std::shared_ptr<const List>;

std::string key_of(UserId owner);
std::string encode(const List& list);
/// Nullopt: this is none of ours.
std::optional<List> decode(Bytes key, Bytes value);

/// With `other` in it, or without. Version and owner are the caller's to set.
List with(List list, Blocked other);
List without(List list, UserId other);

}  // namespace loft::block_list
