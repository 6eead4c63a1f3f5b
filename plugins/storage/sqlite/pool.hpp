// The connections that read: a fixed number, opened at first use, lent for one call each.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "connection.hpp"

namespace loft::storage {

/// Thread role: any.
class Pool {
 public:
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

  void open(std::string path, Tuning tuning, std::size_t size);
  /// Refuses new leases, waits up to `wait` for those that are out. False: some still are.
  bool close(Millis wait);

  /// Waits up to `wait`. Throws what opening a connection throws.
  Lease lend(Millis wait);

 private:
  void take_back(std::unique_ptr<Connection> connection) noexcept;

  std::string path_;
  Tuning tuning_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Connection>> free_;
  std::size_t size_ = 0;  ///< how many there may be; 0: closed
  std::size_t out_ = 0;
};

}  // namespace loft::storage
