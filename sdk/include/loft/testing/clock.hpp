// Time that moves only when a test says so.
#pragma once

#include <atomic>

#include <loft/clock.hpp>
#include <loft/id.hpp>

namespace loft::testing {

/// Thread role: any. Begins on 2025-06-01T00:00:00Z, steady time at 0, and stands still.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Millis now = id::epoch + Millis{151} * 86'400'000) : now_(now) {}

  Millis now() const noexcept override { return now_.load(); }
  Millis steady() const noexcept override { return steady_.load(); }

  /// Both clocks go on by `by` (>= 0). Timers do not run by themselves: `ManualLoop::advance` moves the clock and runs
  /// them.
  void advance(Millis by) noexcept {
    now_ += by;
    steady_ += by;
  }

  /// The wall clock jumps, to either side; steady time is not touched.
  void jump_to(Millis now) noexcept { now_ = now; }

 private:
  std::atomic<Millis> now_;
  std::atomic<Millis> steady_{0};
};

}  // namespace loft::testing
