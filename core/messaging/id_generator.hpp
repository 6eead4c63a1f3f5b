#pragma once

#include <algorithm>

#include <loft/clock.hpp>
#include <loft/id.hpp>

namespace loft {

namespace id {

/// The largest id of a moment: ids up to it have a time() <= `time`. 0 for times before the epoch.
constexpr std::uint64_t last_at(Millis time) noexcept {
  if (time < epoch) return 0;
  return first_at(time) | ((std::uint64_t{1} << (node_bits + counter_bits)) - 1);
}

}  // namespace id

/// Makes ids that strictly grow, whatever the clock does: max(clock, last + 1). Not thread-safe: the committer's.
class IdGenerator {
 public:
  /// `last`: the largest id ever given out; `node` < 16.
  IdGenerator(const Clock& clock, std::uint64_t last, unsigned node = 0)
      : clock_(&clock), last_(last), node_(static_cast<std::uint64_t>(node) << id::counter_bits) {}

  std::uint64_t next() noexcept {
    constexpr std::uint64_t tick = std::uint64_t{1} << (id::node_bits + id::counter_bits);
    constexpr std::uint64_t counter_mask = (std::uint64_t{1} << id::counter_bits) - 1;
    const std::uint64_t now = id::first_at(clock_->now()) | node_;
    if (now > last_) return last_ = now;
    // The counter of this millisecond is used up, or the last id is another node's: on to the next millisecond.
    const bool same_node = (last_ & (tick - 1) & ~counter_mask) == node_;
    if (same_node && (last_ & counter_mask) != counter_mask) return ++last_;
    return last_ = (last_ / tick + 1) * tick | node_;
  }

  std::uint64_t last() const noexcept { return last_; }

  /// Whether clock and last id are inside the layout, and so far from its end that no round of commits gets there.
  bool ready() const noexcept {
    constexpr std::uint64_t reserve = std::uint64_t{1} << 32;  // a quarter of an hour
    const auto now = clock_->now();
    return now >= id::epoch && std::max(id::first_at(now), last_) < id::limit - reserve;
  }

 private:
  const Clock* clock_;
  std::uint64_t last_;
  std::uint64_t node_;
};

}  // namespace loft
