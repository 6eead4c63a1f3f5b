#include "messaging/intervals.hpp"

#include "messaging/varint.hpp"

namespace loft {
using varint::get;
using varint::put;

void IntervalSet::merge() {
  std::size_t kept = 0;
  for (std::size_t i = 1; i < intervals_.size(); ++i) {
    if (intervals_[kept].high + 1 == intervals_[i].low && intervals_[kept].at == intervals_[i].at) {
      intervals_[kept].high = intervals_[i].high;
    } else {
      intervals_[++kept] = intervals_[i];
    }
  }
  if (!intervals_.empty()) intervals_.resize(kept + 1);
}

void IntervalSet::limit() {
  std::vector<Millis> times;
  for (const auto& interval : intervals_) {
    if (interval.at != 0) times.push_back(interval.at);
  }
  if (times.size() <= max_timed) return;
  // Half of them at once, so that this is rare.
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  fold(*middle + 1);
}

void IntervalSet::fold(Millis before) {
  for (auto& interval : intervals_) {
    if (interval.at < before) interval.at = 0;
  }
  merge();
}

Result<IntervalSet> IntervalSet::of(std::vector<Interval> intervals) {
  Seq last = 0;
  for (const auto& interval : intervals) {
    if (interval.low <= last || interval.high < interval.low || interval.high > 2 * id::limit || interval.at < 0) {
      return Error{Code::internal, "mark.damaged", {}};
    }
    last = interval.high;
  }
  IntervalSet set;
  set.intervals_ = std::move(intervals);
  return set;
}

void IntervalSet::encode(std::string& out) const {
  Seq last = 0;
  Millis time = 0;
  for (const auto& interval : intervals_) {
    put(out, interval.low - last);
    put(out, interval.high - interval.low);
    // Times rise and fall: a zigzag difference keeps them short.
    const auto difference = interval.at - time;
    put(out, (static_cast<std::uint64_t>(difference) << 1) ^ static_cast<std::uint64_t>(difference >> 63));
    last = interval.high;
    time = interval.at;
  }
}

Result<IntervalSet> IntervalSet::decode(std::string_view bytes) {
  const Error damaged{Code::internal, "mark.damaged", {}};
  IntervalSet set;
  Seq last = 0;
  Millis time = 0;
  while (!bytes.empty()) {
    std::uint64_t step = 0, length = 0, zigzag = 0;
    if (!get(bytes, step) || !get(bytes, length) || !get(bytes, zigzag)) return damaged;
    if (step == 0 || step > id::limit || length > id::limit || last > id::limit) return damaged;
    // Unsigned, because damaged bytes may claim any difference.
    const auto difference = (zigzag >> 1) ^ (~(zigzag & 1) + 1);
    time = static_cast<Millis>(static_cast<std::uint64_t>(time) + difference);
    if (time < 0) return damaged;
    set.intervals_.push_back({last + step, last + step + length, time});
    last += step + length;
  }
  return set;
}

}  // namespace loft
