// What the YAML says, and what the host gave: shared by all connections of an instance.
#pragma once

#include <cstdint>

#include <loft/clock.hpp>
#include <loft/log.hpp>
#include <loft/metrics.hpp>

namespace loft::http {

struct Settings {
  std::uint32_t max_header = 16 * 1024;
  std::uint32_t max_header_count = 100;
  std::uint32_t max_target = 8 * 1024;
  std::uint64_t max_body = 1 << 20;
  std::uint32_t max_requests = 10'000;  ///< per connection; 0: no limit
  Millis header_timeout = 10'000;
  Millis body_timeout = 30'000;
  std::uint32_t body_rate = 1024;  ///< bytes per second, counted beyond `body_timeout`
  Millis idle_timeout = 75'000;

  Logger* log = nullptr;  ///< null in tests that need none
  Metric* requests = nullptr;
  Metric* refused = nullptr;  ///< requests that the transport itself answered with an error
};

}  // namespace loft::http
