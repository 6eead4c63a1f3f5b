// How often somebody may be wrong.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <loft/clock.hpp>

namespace loft::auth {

/// Counts attempts by name in windows of time. The table has a fixed size: names that meet in a place share it, which a
/// secret key makes nobody's choice. Thread role: any.
class Attempts {
 public:
  Attempts(unsigned most, Millis window, std::size_t places = 1 << 16);

  /// One more attempt. Returns 0 where it is allowed, else the milliseconds to wait. `now`: steady.
  Millis take(std::string_view name, Millis now);
  /// The latest attempt was right, and does not count.
  void give_back(std::string_view name, Millis now);

 private:
  struct Place {
    Millis since = 0;
    unsigned count = 0;
  };
  Place& place(std::string_view name, Millis now);

  unsigned most_;
  Millis window_;
  std::string key_;
  std::mutex mutex_;
  std::vector<Place> places_;
};

/// What an address counts as: an IPv6 client has a whole network of 64 bits.
std::string network_of(std::string_view address);

}  // namespace loft::auth
