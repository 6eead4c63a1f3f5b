// A position of the one order as a place in each conversation's log.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "messaging/state.hpp"

namespace loft {

/// For a position that is not in flight. Not thread-safe.
class Place {
 public:
  explicit Place(Position position) : position_(position) {}

  Position position() const noexcept { return position_; }

  /// How many messages lie at or below the position. Nullopt: `learn` must ask the storage first. With the lock held.
  std::optional<Seq> in(const ConversationState& conversation) {
    if (raw(conversation.last) <= position_) return conversation.head;
    if (raw(conversation.id()) > position_) return 0;
    const auto& tail = conversation.tail;
    const auto it = std::upper_bound(
        tail.begin(), tail.end(), position_,
        [](Position position, const RecordPtr& record) { return position < raw(record->message->id); });
    if (it != tail.begin() || (!tail.empty() && conversation.tail_first() == 1)) {
      return conversation.tail_first() - 1 + static_cast<Seq>(it - tail.begin());
    }
    if (const auto known = known_.find(conversation.id()); known != known_.end()) return known->second;
    missing_.push_back(conversation.id());
    return std::nullopt;
  }

  /// Whether nothing was missing. Waits for the storage: not with the lock held.
  Result<bool> learn(Storage& storage) {
    const bool complete = missing_.empty();
    for (const auto id : missing_) {
      if (known_.contains(id)) continue;
      const auto seq = storage.seq_at(id, position_);
      if (!seq) return seq.error();
      known_.emplace(id, *seq);
    }
    missing_.clear();
    return complete;
  }

 private:
  Position position_;
  boost::unordered_flat_map<ConversationId, Seq> known_;
  std::vector<ConversationId> missing_;
};

}  // namespace loft
