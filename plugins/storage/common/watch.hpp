// Calls something once a second on a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace loft::storage {

/// Thread role: control; the call comes on the watch's thread and must not throw.
class Watch {
 public:
  ~Watch() { stop(); }

  void start(std::function<void()> call) {
    stopping_ = false;
    thread_ = std::thread([this, call = std::move(call)] {
      std::unique_lock lock(mutex_);
      while (!changed_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; })) {
        lock.unlock();
        call();
        lock.lock();
      }
    });
  }
  /// Waits for a call that runs.
  void stop() noexcept {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace loft::storage
