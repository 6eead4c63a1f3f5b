#include "pool.hpp"

#include <chrono>

namespace loft::storage {

void Pool::open(std::string path, Tuning tuning, std::size_t size) {
  const std::lock_guard lock(mutex_);
  path_ = std::move(path);
  tuning_ = tuning;
  size_ = size;
  free_.reserve(size);
}

bool Pool::close(Millis wait) {
  std::unique_lock lock(mutex_);
  size_ = 0;
  changed_.notify_all();
  const bool all = changed_.wait_for(lock, std::chrono::milliseconds(wait), [this] { return out_ == 0; });
  free_.clear();
  return all;
}

Pool::Lease Pool::lend(Millis wait) {
  std::unique_lock lock(mutex_);
  const auto may = [this] { return size_ == 0 || out_ < size_; };
  if (!changed_.wait_for(lock, std::chrono::milliseconds(wait), may) || size_ == 0) return {};
  ++out_;
  if (!free_.empty()) {
    auto connection = std::move(free_.back());
    free_.pop_back();
    return {this, std::move(connection)};
  }
  lock.unlock();
  try {
    return {this, std::make_unique<Connection>(path_, tuning_)};
  } catch (...) {
    lock.lock();
    --out_;
    changed_.notify_one();
    throw;
  }
}

void Pool::take_back(std::unique_ptr<Connection> connection) noexcept {
  std::unique_lock lock(mutex_);
  if (size_ != 0) {
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

}  // namespace loft::storage
