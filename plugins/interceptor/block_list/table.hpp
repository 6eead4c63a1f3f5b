// All lists in memory, made for the question that is asked for each recipient of each message.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "block_list/list.hpp"

namespace loft::block_list {

/// Counts how many of what is in a set fall into each of its slots: 0 says for certain that something is not in it.
/// Thread role: any.
class Filter {
 public:
  void add(std::uint64_t hash) noexcept { slot(hash).fetch_add(1, std::memory_order_release); }
  void remove(std::uint64_t hash) noexcept { slot(hash).fetch_sub(1, std::memory_order_release); }
  bool may_hold(std::uint64_t hash) const noexcept { return counts_[hash % size].load(std::memory_order_acquire) != 0; }

 private:
  static constexpr std::size_t size = 1 << 14;
  std::atomic<std::uint32_t>& slot(std::uint64_t hash) noexcept { return counts_[hash % size]; }
  std::array<std::atomic<std::uint32_t>, size> counts_{};
};

/// Thread role: any. Questions read immutable lists, and nearly always only one counter.
class Table {
 public:
  /// Whether `owner` has blocked `other`.
  bool blocks(UserId owner, UserId other) const;
  /// False: certainly nobody has blocked this user.
  bool may_be_blocked(UserId user) const noexcept;

  /// The list of a user; null: none was ever made.
  ListPtr find(UserId owner) const;
  /// Takes a list unless a newer one is there.
  void replace(List list);

  /// Notes that a direct conversation is that of these two, if one has blocked the other.
  void learn(const Conversation& conversation);
  /// Whom a message of `sender` to there would reach, as far as it may be somebody that has a list; else none.
  UserId receiver(const ConversationRef& to, UserId sender) const;

 private:
  static constexpr std::size_t shard_count = 64;

  struct Shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<UserId, ListPtr> lists;
  };
  using Pair = std::pair<UserId, UserId>;

  Shard& shard_of(UserId owner) noexcept;
  const Shard& shard_of(UserId owner) const noexcept;
  void note(const List& list);
  void note(ConversationId id, const std::string& uuid, Pair pair);
  UserId named(const UserRef& ref) const;

  std::array<Shard, shard_count> shards_;
  Filter pairs_;
  Filter blocked_;

  // What clients name owners and conversations by. Names do not change, so that nothing is taken out again.
  mutable std::shared_mutex names_mutex_;
  std::unordered_map<std::string, UserId> by_handle_;
  std::unordered_map<std::string, UserId> by_uuid_;
  std::unordered_map<ConversationId, Pair> by_conversation_;
  std::unordered_map<std::string, Pair> by_conversation_uuid_;
};

}  // namespace loft::block_list
