// A loop that a test turns by hand. It stands for one I/O thread of the host.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include <loft/clock.hpp>
#include <loft/function.hpp>
#include <loft/testing/clock.hpp>

namespace loft::testing {

/// `post` and `after` may be called from any thread; the rest belongs to the test's own.
class ManualLoop {
 public:
  /// `clock` must outlive the loop.
  explicit ManualLoop(ManualClock& clock) : clock_(clock) {}

  void post(Function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(work));
    }
    more_.notify_all();
  }

  /// Runs `work` when the clock has been advanced by `in`.
  void after(Millis in, Function<void()> work) {
    const std::lock_guard lock(mutex_);
    timers_.push_back({clock_.steady() + in, ++made_, std::move(work)});
  }

  /// Runs what was posted, and what that posts, until nothing is left. Returns how many pieces of work ran.
  std::size_t run() {
    std::size_t count = 0;
    while (auto work = take_posted()) {
      work();
      ++count;
    }
    return count;
  }

  /// Runs posted work until `done()` is true, waiting for other threads to post. False: it did not come true within
  /// `limit` of real time, which is a failure of the test.
  template <class Predicate>
  bool run_until(Predicate done, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
      run();
      if (done()) return true;
      std::unique_lock lock(mutex_);
      if (!more_.wait_until(lock, end, [this] { return !posted_.empty(); })) return false;
    }
  }

  /// Moves the clock on by `by`, stopping at each timer on the way to run it and what it posts.
  void advance(Millis by) {
    run();
    const Millis end = clock_.steady() + by;
    for (auto due = take_due(end); due.work; due = take_due(end)) {
      if (due.at > clock_.steady()) clock_.advance(due.at - clock_.steady());
      due.work();
      run();
    }
    clock_.advance(end - clock_.steady());
  }

  /// Timers that have not run yet.
  std::size_t timers() const {
    const std::lock_guard lock(mutex_);
    return timers_.size();
  }

 private:
  struct Timer {
    Millis at = 0;
    std::uint64_t number = 0;
    Function<void()> work;
  };

  Function<void()> take_posted() {
    const std::lock_guard lock(mutex_);
    if (posted_.empty()) return nullptr;
    auto work = std::move(posted_.front());
    posted_.pop_front();
    return work;
  }

  Timer take_due(Millis end) {
    const std::lock_guard lock(mutex_);
    const auto first = std::min_element(timers_.begin(), timers_.end(), [](const Timer& a, const Timer& b) {
      return std::pair(a.at, a.number) < std::pair(b.at, b.number);
    });
    if (first == timers_.end() || first->at > end) return {};
    auto due = std::move(*first);
    timers_.erase(first);
    return due;
  }

  ManualClock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Function<void()>> posted_;
  std::vector<Timer> timers_;
  std::uint64_t made_ = 0;
};

}  // namespace loft::testing
