// Dear work beside the loops: a few pieces at once, a few more that wait, and no for the rest.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>

#include <loft/messaging.hpp>
#include <loft/plugin.hpp>

namespace loft::auth {

/// Thread role: any. Outlives the host's pool.
class Lanes {
 public:
  Lanes(Host& host, std::size_t lanes, std::size_t queue) : host_(host), lanes_(lanes), queue_(queue) {}

  /// Runs `work` on the blocking pool, then `then(true)` on the thread of `caller`. `then(false)`: too much waits, and
  /// `work` was not run.
  void run(const Caller& caller, Function<void()> work, Function<void(bool ran)> then);

 private:
  struct Piece {
    Caller caller;
    Function<void()> work;
    Function<void(bool)> then;
  };
  void lane();
  void hand_back(Piece piece, bool ran);

  Host& host_;
  const std::size_t lanes_;
  const std::size_t queue_;
  std::mutex mutex_;
  std::deque<Piece> waiting_;
  std::size_t running_ = 0;
};

}  // namespace loft::auth
