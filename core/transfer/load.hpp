// What a copy has read and not written yet.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "transfer/copy.hpp"
#include "transfer/rows.hpp"

namespace loft::transfer {

/// What one transaction brings.
struct Load {
  std::vector<User> users;
  std::vector<Conversation> conversations;
  std::vector<Member> members;
  std::vector<Message> messages;
  std::vector<std::optional<ClientKey>> keys;  ///< one per message
  std::vector<Change> changes;
  std::vector<MarkWrite> marks;
  std::vector<KeyValueWrite> key_values;
  std::vector<HeadUpdate> heads;
  std::vector<OwedPush> pushes;
  std::vector<Device> devices;
  std::vector<PushAttempt> attempts;
  Position applied_upto = 0;
  std::size_t rows = 0;
  std::size_t bytes = 0;
};

inline std::uint64_t& counter(Counts& counts, const User&) { return counts.users; }
inline std::uint64_t& counter(Counts& counts, const StoredConversation&) { return counts.conversations; }
inline std::uint64_t& counter(Counts& counts, const Member&) { return counts.members; }
inline std::uint64_t& counter(Counts& counts, const MarkWrite&) { return counts.marks; }
inline std::uint64_t& counter(Counts& counts, const KeyValueWrite&) { return counts.key_values; }
inline std::uint64_t& counter(Counts& counts, const OwedPush&) { return counts.pushes; }
inline std::uint64_t& counter(Counts& counts, const Device&) { return counts.devices; }
inline std::uint64_t& counter(Counts& counts, const PushAttempt&) { return counts.attempts; }
inline std::uint64_t& counter(Counts& counts, const LogRow& row) {
  return std::holds_alternative<Message>(row) ? counts.messages : counts.changes;
}

}  // namespace loft::transfer
