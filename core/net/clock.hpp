#pragma once

#include <chrono>

#include <loft/clock.hpp>

namespace loft {

/// The host's clock. On an I/O thread time stands still for a turn of the loop, because reading it costs as much as a
/// good part of handling a message. Thread role: any.
class SystemClock final : public Clock {
 public:
  Millis now() const noexcept override { return turn().stands ? turn().now : since<std::chrono::system_clock>(); }
  Millis steady() const noexcept override { return turn().stands ? turn().steady : since<std::chrono::steady_clock>(); }

  /// For the loop of this thread: from here on it is now, until the next call or `go_on`.
  static void stand_still() noexcept {
    turn() = {true, since<std::chrono::system_clock>(), since<std::chrono::steady_clock>()};
  }
  static void go_on() noexcept { turn().stands = false; }

 private:
  struct Turn {
    bool stands = false;
    Millis now = 0;
    Millis steady = 0;
  };
  static Turn& turn() noexcept {
    static thread_local Turn turn;
    return turn;
  }

  template <class C>
  static Millis since() noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(C::now().time_since_epoch()).count();
  }
};

}  // namespace loft
