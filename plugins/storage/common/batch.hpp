// What is to be known of a batch before it is written.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>

#include <loft/storage.hpp>

namespace loft::storage {

/// A batch that contradicts itself or what is stored in a way no Conflict can tell: a mistake of the caller.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The largest position a batch speaks of.
inline Position largest_position(const Batch& batch) {
  Position last = batch.applied_upto;
  for (const auto& entry : batch.messages) last = std::max({last, raw(entry.message->id), entry.message->recalled});
  for (const auto& change : batch.changes) last = std::max(last, change.position);
  for (const auto& recall : batch.recalls) last = std::max(last, recall.position);
  for (const auto& member : batch.members) last = std::max(last, member.joined);
  return last;
}

[[noreturn]] inline void refuse_unknown_head(ConversationId conversation) {
  throw Broken("the batch moves the head of conversation " + std::to_string(raw(conversation)) +
               ", which is not stored");
}

[[noreturn]] inline void refuse_second_key(MessageId message) {
  throw Broken("message " + std::to_string(raw(message)) + " has another client key than the stored one of this id");
}

[[noreturn]] inline void refuse_key_twice(std::size_t first, std::size_t second) {
  throw Broken("messages " + std::to_string(first) + " and " + std::to_string(second) +
               " of the batch have one client key");
}

}  // namespace loft::storage
