#pragma once

#include <loft/function.hpp>

namespace loft {

/// What messaging needs of the host's threads; core/net gives it, tests replace it by a loop that they turn by hand.
class Threads {
 public:
  virtual ~Threads() = default;

  virtual unsigned count() const noexcept = 0;  ///< I/O threads
  /// In the order of one poster's posts. Thread role: any.
  virtual void post(unsigned thread, Function<void()> work) = 0;
  /// On the bounded blocking pool; false when it is full. Thread role: any.
  virtual bool run_blocking(Function<void()> work) = 0;
};

}  // namespace loft
