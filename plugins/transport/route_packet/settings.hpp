// What the YAML says, and what the host gave: shared by all connections of an instance.
#pragma once

#include <loft/clock.hpp>
#include <loft/log.hpp>
#include <loft/metrics.hpp>

namespace loft::route_packet {

struct Settings {
  Millis idle_timeout = 13'000;
  Millis heartbeat = 0;  ///< 0: none

  Logger* log = nullptr;         ///< null in tests that need none
  Metric* violations = nullptr;  ///< connections closed because the peer broke the protocol
  Metric* dropped = nullptr;     ///< outgoing packets that were too long
};

}  // namespace loft::route_packet
