// One token bucket per user. A bucket is one number: the moment at which it is full again. One that is full says
// nothing, so it can be forgotten.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include <loft/clock.hpp>
#include <loft/id.hpp>

namespace loft::rate_limit {

/// `rate` tokens a second flow into a bucket that holds `burst`.
struct Rate {
  double rate = 0;  ///< 0: no limit
  std::uint32_t burst = 0;
};

/// Thread role: any. Users are spread over shards with a lock each, so that threads rarely meet.
class Buckets {
 public:
  explicit Buckets(Rate rate)
      : step_(rate.rate > 0 ? std::max<std::int64_t>(static_cast<std::int64_t>(second / rate.rate), 1) : 0),
        room_(step_ * static_cast<std::int64_t>(std::max(rate.burst, 1u))) {}

  bool limits() const noexcept { return step_ > 0; }

  /// Takes a token. 0: it was there; else so many milliseconds until there is one. `now` is in Clock::steady.
  Millis take(UserId user, Millis now) {
    const auto at = now * per_milli;
    auto& shard = shard_of(user);
    const std::lock_guard lock(shard.mutex);
    if (shard.full_at.size() >= shard.sweep_at) sweep(shard, at);
    const auto [entry, is_new] = shard.full_at.try_emplace(user, at);
    const auto full = std::max(entry->second, at) + step_;
    if (full - at > room_) return (full - at - room_ + per_milli - 1) / per_milli;
    entry->second = full;
    return 0;
  }

  /// How many users are remembered.
  std::size_t size() const {
    std::size_t all = 0;
    for (auto& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      all += shard.full_at.size();
    }
    return all;
  }

 private:
  static constexpr std::int64_t second = 1'000'000'000;
  static constexpr std::int64_t per_milli = 1'000'000;
  static constexpr std::size_t shard_count = 64;
  static constexpr std::size_t sweep_least = 64;

  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<UserId, std::int64_t> full_at;
    std::size_t sweep_at = sweep_least;
  };

  Shard& shard_of(UserId user) noexcept {
    // Ids share their low bits where they were made one at a time.
    return shards_[(raw(user) * 0x9E3779B97F4A7C15ull >> 32) % shard_count];
  }

  /// Each pass is paid for by as many new users as were left by the one before.
  static void sweep(Shard& shard, std::int64_t at) {
    std::erase_if(shard.full_at, [&](const auto& entry) { return entry.second <= at; });
    shard.sweep_at = std::max(sweep_least, 2 * shard.full_at.size());
  }

  std::int64_t step_;  ///< a token's worth of time, in nanoseconds
  std::int64_t room_;  ///< a full bucket's
  std::array<Shard, shard_count> shards_;
};

}  // namespace loft::rate_limit
