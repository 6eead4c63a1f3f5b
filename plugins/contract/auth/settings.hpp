// What an operator can set.
#pragma once

#include <string>

#include <loft/clock.hpp>
#include <loft/messaging.hpp>

#include "hashing.hpp"

namespace loft::auth {

struct Settings {
  Cost cost;
  unsigned checks = 2;
  unsigned queue = 64;
  Millis ttl = 24LL * 3'600'000;
  Millis max_ttl = 30LL * 86'400'000;
  unsigned min_length = 10;
  unsigned attempts = 10;
  unsigned address_attempts = 100;
  Millis attempts_window = 5 * 60'000;
  std::string address_header;
  TokenRules token;
};

}  // namespace loft::auth
