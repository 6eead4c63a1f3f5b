#pragma once

#include <chrono>

#include <loft/clock.hpp>

namespace loft {

class SystemClock final : public Clock {
 public:
  Millis now() const noexcept override { return since<std::chrono::system_clock>(); }
  Millis steady() const noexcept override { return since<std::chrono::steady_clock>(); }

 private:
  template <class C>
  static Millis since() noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(C::now().time_since_epoch()).count();
  }
};

}  // namespace loft
