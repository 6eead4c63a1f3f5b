// Keeps a server that is away from being asked all the time: after a failure the same answer stands for a moment, and
// for as long as it took to come: while a server hangs, not every caller waits for it.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>

#include "failure.hpp"

namespace loft::storage {

/// Thread role: any.
class Attempts {
 public:
  static constexpr std::chrono::milliseconds pause{200};

  /// Calls `open`, or throws what the last call threw when that was a moment ago.
  template <class F>
  auto operator()(F open) -> decltype(open()) {
    {
      const std::lock_guard lock(mutex_);
      if (last_ && std::chrono::steady_clock::now() < again_) throw *last_;
    }
    const auto begin = std::chrono::steady_clock::now();
    try {
      auto opened = open();
      const std::lock_guard lock(mutex_);
      last_.reset();
      return opened;
    } catch (const Failure& e) {
      const std::lock_guard lock(mutex_);
      last_ = e;
      const auto now = std::chrono::steady_clock::now();
      again_ = now + std::max<std::chrono::steady_clock::duration>(pause, now - begin);
      throw;
    }
  }

 private:
  std::mutex mutex_;
  std::optional<Failure> last_;
  std::chrono::steady_clock::time_point again_;
};

}  // namespace loft::storage
