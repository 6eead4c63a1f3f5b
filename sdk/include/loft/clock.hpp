// Time as the host sees it. Tests replace it by `loft::testing::ManualClock`.
#pragma once

#include <cstdint>

namespace loft {

/// Milliseconds: a duration, or since 1970-01-01T00:00:00Z where the declaration says so.
using Millis = std::int64_t;

/// Thread role: any. Lifetime: the host's.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Wall clock, milliseconds since 1970-01-01T00:00:00Z. May jump in both directions.
  virtual Millis now() const noexcept = 0;

  /// Milliseconds since some fixed moment; never goes back. For time-outs.
  virtual Millis steady() const noexcept = 0;
};

}  // namespace loft
