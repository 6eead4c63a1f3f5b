// All lists in memory, made for the question that is asked for each message and each of its recipients.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <unordered_map>

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

  /// The list of a user; null: none was ever made.
  ListPtr find(UserId owner) const;
  /// Takes a list unless a newer one is there.
  void replace(List list);

 private:
  static constexpr std::size_t shard_count = 64;

  struct Shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<UserId, ListPtr> lists;
  };

  Shard& shard_of(UserId owner) noexcept;
  const Shard& shard_of(UserId owner) const noexcept;

  std::array<Shard, shard_count> shards_;
  Filter pairs_;
};

}  // namespace loft::block_list
