// A storage in numbers: how many rows there are of each kind, and a hash of them.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>

#include "transfer/copy.hpp"

namespace loft::transfer {

/// Of one conversation.
struct ConversationDigest {
  std::uint64_t itself = 0;  ///< its row, its head and its last id
  std::uint64_t members = 0;
  std::uint64_t messages = 0;
  std::uint64_t changes = 0;
  std::uint64_t marks = 0;
  bool operator==(const ConversationDigest&) const = default;
};

struct Digest {
  Counts counts;
  Position last = 0;
  std::uint64_t users = 0;
  std::uint64_t client_keys = 0;
  std::uint64_t key_values = 0;
  std::uint64_t followers = 0;
  std::uint64_t pushes = 0;
  std::uint64_t devices = 0;
  std::uint64_t attempts = 0;
  std::unordered_map<ConversationId, ConversationDigest> conversations;
};

/// `counted` is called now and then with the number of rows since the last call. Throws Failed.
Digest digest_of(Storage& storage, const std::string& whose, const std::function<void(std::uint64_t)>& counted);

}  // namespace loft::transfer
