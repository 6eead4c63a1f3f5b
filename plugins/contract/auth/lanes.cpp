#include "lanes.hpp"

namespace loft::auth {

void Lanes::hand_back(Piece piece, bool ran) {
  host_.post(piece.caller, [then = std::move(piece.then), ran]() mutable { then(ran); });
}

void Lanes::run(const Caller& caller, Function<void()> work, Function<void(bool ran)> then) {
  Piece piece{caller, std::move(work), std::move(then)};
  {
    std::unique_lock lock(mutex_);
    if (waiting_.size() >= queue_) {
      lock.unlock();
      return hand_back(std::move(piece), false);
    }
    waiting_.push_back(std::move(piece));
    if (running_ == lanes_) return;
    ++running_;
  }
  if (host_.run_blocking([this] { lane(); })) return;
  // The pool is full. What another lane will not take is refused.
  std::deque<Piece> refused;
  {
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) refused.swap(waiting_);
  }
  for (auto& each : refused) hand_back(std::move(each), false);
}

void Lanes::lane() {
  for (;;) {
    Piece piece;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) {
        --running_;
        return;
      }
      piece = std::move(waiting_.front());
      waiting_.pop_front();
    }
    piece.work();
    hand_back(std::move(piece), true);
    // To the end of the pool's queue: others wait there, too. Where it is full, this lane just goes on.
    bool more = false;
    {
      const std::lock_guard lock(mutex_);
      more = !waiting_.empty();
    }
    if (more && host_.run_blocking([this] { lane(); })) return;
  }
}

}  // namespace loft::auth
