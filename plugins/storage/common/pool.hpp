// The connections that read: a fixed number, opened at first use, lent for one call each.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <loft/clock.hpp>

namespace loft::storage {

/// Thread role: any. A Connection that is not `usable()` when it comes back is not lent again.
template <class Connection>
class Pool {
 public:
  using Open = std::function<std::unique_ptr<Connection>()>;

  /// Returns its connection when it goes out of scope. Empty: none became free in time, or the pool is closed.
  class Lease {
   public:
    Lease() = default;
    Lease(Pool* pool, std::unique_ptr<Connection> connection) : pool_(pool), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    ~Lease() {
      if (connection_) pool_->take_back(std::move(connection_));
    }
    explicit operator bool() const noexcept { return connection_ != nullptr; }
    Connection& operator*() const noexcept { return *connection_; }

   private:
    Pool* pool_ = nullptr;
    std::unique_ptr<Connection> connection_;
  };

  void open(Open make, std::size_t size) {
    const std::lock_guard lock(mutex_);
    make_ = std::move(make);
    size_ = size;
    free_.reserve(size);
  }

  /// Refuses new leases, waits up to `wait` for those that are out. False: some still are.
  bool close(Millis wait) {
    std::unique_lock lock(mutex_);
    size_ = 0;
    changed_.notify_all();
    const bool all = changed_.wait_for(lock, std::chrono::milliseconds(wait), [this] { return out_ == 0; });
    free_.clear();
    return all;
  }

  /// Closes those that nobody uses: one of them was found to be dead, so the others are.
  void drop_idle() noexcept {
    std::vector<std::unique_ptr<Connection>> dropped;
    const std::lock_guard lock(mutex_);
    dropped.swap(free_);
  }

  /// Waits up to `wait`. Throws what opening a connection throws, when none is out that could be waited for instead: a
  /// server may give fewer than this pool may have.
  Lease lend(Millis wait) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait);
    std::unique_lock lock(mutex_);
    const auto may = [this] { return size_ == 0 || out_ < size_; };
    if (!changed_.wait_until(lock, end, may) || size_ == 0) return {};
    if (!free_.empty()) return take();
    ++out_;
    lock.unlock();
    try {
      return {this, make_()};
    } catch (...) {
      lock.lock();
      --out_;
      changed_.notify_all();
      const auto is_decided = [this] { return size_ == 0 || !free_.empty() || out_ == 0; };
      if (!changed_.wait_until(lock, end, is_decided) || size_ == 0) return {};
      if (free_.empty()) throw;
      return take();
    }
  }

 private:
  /// Precondition: the lock is held and one is free.
  Lease take() {
    auto connection = std::move(free_.back());
    free_.pop_back();
    ++out_;
    return {this, std::move(connection)};
  }

  void take_back(std::unique_ptr<Connection> connection) noexcept {
    std::unique_lock lock(mutex_);
    if (size_ != 0 && connection->usable()) {
      free_.push_back(std::move(connection));
    } else {  // closed meanwhile: who waits for that expects the connection to be gone
      lock.unlock();
      connection.reset();
      lock.lock();
    }
    --out_;
    // Under the lock: who waits in `close` may end this object as soon as it is released.
    changed_.notify_all();
  }

  Open make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Connection>> free_;
  std::size_t size_ = 0;  ///< how many there may be; 0: closed
  std::size_t out_ = 0;
};

}  // namespace loft::storage
