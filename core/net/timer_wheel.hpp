// A hashed timing wheel: arming, moving and removing a timer costs a few pointer writes, whatever their number.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <loft/clock.hpp>

namespace loft::net {

/// One timer; part of what it belongs to. It must be removed before it dies.
struct WheelNode {
  WheelNode* before = nullptr;
  WheelNode* behind = nullptr;
  std::uint64_t due : 63 = 0;     ///< steady milliseconds
  std::uint64_t is_task : 1 = 0;  ///< what the owner of the wheel makes of it

  bool armed() const noexcept { return before != nullptr; }
};

/// Not thread-safe. Times are the caller's steady clock.
class TimerWheel {
 public:
  static constexpr Millis tick = 250;

  explicit TimerWheel(Millis now) noexcept : seen_(slot_number(now)) {
    for (WheelNode& head : slots_) make_ring(head);
    make_ring(due_);
  }
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  std::size_t size() const noexcept { return size_; }

  void arm(WheelNode& node, Millis now, Millis in) noexcept {
    disarm(node);
    // Nobody waits longer than a hundred years; the cap keeps the sum in range.
    constexpr Millis century = 100LL * 366 * 24 * 3600 * 1000;
    node.due = static_cast<std::uint64_t>(now + std::clamp<Millis>(in, 0, century)) & (~std::uint64_t{0} >> 1);
    link(slots_[slot_number(static_cast<Millis>(node.due)) % slots], node);
    ++size_;
  }

  void disarm(WheelNode& node) noexcept {
    if (!node.armed()) return;
    unlink(node);
    --size_;
  }

  /// Calls `expire(node)` for every timer that is due; it is disarmed by then and may be armed again. The callee may
  /// arm and disarm any other timer.
  template <class Expire>
  void advance(Millis now, Expire&& expire) {
    const std::uint64_t current = slot_number(now);
    const std::uint64_t steps = std::min<std::uint64_t>(current - std::min(seen_, current), slots - 1);
    for (std::uint64_t slot = current - steps; slot <= current; ++slot) collect(slots_[slot % slots], now);
    seen_ = current;
    while (due_.behind != &due_) {
      WheelNode& node = *due_.behind;
      disarm(node);
      expire(node);
    }
  }

  /// Any armed timer, or null. For emptying the wheel.
  WheelNode* any() noexcept {
    for (WheelNode& head : slots_)
      if (head.behind != &head) return head.behind;
    return nullptr;
  }

 private:
  static constexpr std::size_t slots = 512;  // two minutes a round

  static std::uint64_t slot_number(Millis time) noexcept { return static_cast<std::uint64_t>(time / tick); }
  static void make_ring(WheelNode& head) noexcept { head.before = head.behind = &head; }
  static void link(WheelNode& head, WheelNode& node) noexcept {
    node.before = head.before;
    node.behind = &head;
    head.before->behind = &node;
    head.before = &node;
  }
  static void unlink(WheelNode& node) noexcept {
    node.before->behind = node.behind;
    node.behind->before = node.before;
    node.before = node.behind = nullptr;
  }

  void collect(WheelNode& head, Millis now) noexcept {
    for (WheelNode* node = head.behind; node != &head;) {
      WheelNode* const next = node->behind;
      if (static_cast<Millis>(node->due) <= now) {
        unlink(*node);
        link(due_, *node);
      }
      node = next;
    }
  }

  std::array<WheelNode, slots> slots_;
  WheelNode due_;
  std::uint64_t seen_;
  std::size_t size_ = 0;
};

}  // namespace loft::net
