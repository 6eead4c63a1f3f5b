// A set of sequence numbers kept as intervals, each with the time of the act that added it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <loft/clock.hpp>
#include <loft/error.hpp>
#include <loft/id.hpp>

namespace loft {

/// Only grows: inserting what is there changes nothing, so that the union of two sets merges them and a replayed act is
/// harmless. Adjacent intervals with the same time are one. Not thread-safe.
class IntervalSet {
 public:
  struct Interval {
    Seq low = 0;
    Seq high = 0;   ///< inclusive
    Millis at = 0;  ///< of the act; 0: in the base set, whose times are not kept
    bool operator==(const Interval&) const = default;
  };

  /// Timed intervals kept at the most; beyond it the oldest acts lose their time and fold into the base set.
  static constexpr std::size_t max_timed = 256;

  /// Adds `low` … `high` (low <= high, both >= 1). `newly(low, high)` is called for each run that was not in the set.
  template <class F>
  void insert(Seq low, Seq high, Millis at, F newly);
  void insert(Seq low, Seq high, Millis at) {
    insert(low, high, at, [](Seq, Seq) {});
  }

  bool contains(Seq seq) const noexcept {
    const auto it = behind(seq);
    return it != intervals_.begin() && std::prev(it)->high >= seq;
  }

  /// When `seq` was added; 0 when it is not in the set or its time is not kept.
  Millis time_of(Seq seq) const noexcept {
    const auto it = behind(seq);
    return it != intervals_.begin() && std::prev(it)->high >= seq ? std::prev(it)->at : 0;
  }

  /// The largest member; 0 for an empty set.
  Seq newest() const noexcept { return intervals_.empty() ? 0 : intervals_.back().high; }

  /// Calls `gap(low, high)` for each run inside `low` … `high` that is not in the set, ascending; stops when it returns
  /// false.
  template <class F>
  void gaps(Seq low, Seq high, F gap) const;

  /// Acts before `time` lose their time and merge.
  void fold(Millis before);

  bool empty() const noexcept { return intervals_.empty(); }
  const std::vector<Interval>& intervals() const noexcept { return intervals_; }
  bool operator==(const IntervalSet&) const = default;

  /// Ascending and apart from each other, as `intervals` gives them. Error: internal `mark.damaged`.
  static Result<IntervalSet> of(std::vector<Interval> intervals);

  /// Appends a compact text of bytes for the storage.
  void encode(std::string& out) const;
  /// Error: internal `mark.damaged`, for bytes that `encode` did not make.
  static Result<IntervalSet> decode(std::string_view bytes);

 private:
  std::vector<Interval>::const_iterator behind(Seq seq) const noexcept {
    return std::upper_bound(intervals_.begin(), intervals_.end(), seq,
                            [](Seq s, const Interval& i) { return s < i.low; });
  }
  void merge();
  void limit();

  std::vector<Interval> intervals_;  // ascending, disjoint
};

template <class F>
void IntervalSet::gaps(Seq low, Seq high, F gap) const {
  if (low > high) return;
  auto it = behind(low);
  if (it != intervals_.begin() && std::prev(it)->high >= low) low = std::prev(it)->high + 1;
  for (; it != intervals_.end() && it->low <= high; ++it) {
    if (low < it->low && !gap(low, it->low - 1)) return;
    low = it->high + 1;
  }
  if (low <= high) gap(low, high);
}

template <class F>
void IntervalSet::insert(Seq low, Seq high, Millis at, F newly) {
  // The usual act is "one more than before".
  if (!intervals_.empty() && low == intervals_.back().high + 1 && intervals_.back().at == at) {
    intervals_.back().high = high;
    newly(low, high);
    return;
  }
  std::vector<Interval> added;
  gaps(low, high, [&](Seq a, Seq b) {
    added.push_back({a, b, at});
    return true;
  });
  if (added.empty()) return;
  for (const auto& run : added) newly(run.low, run.high);
  const auto old = static_cast<std::ptrdiff_t>(intervals_.size());
  intervals_.insert(intervals_.end(), added.begin(), added.end());
  std::inplace_merge(intervals_.begin(), intervals_.begin() + old, intervals_.end(),
                     [](const Interval& a, const Interval& b) { return a.low < b.low; });
  merge();
  limit();
}

}  // namespace loft
