// What the YAML says, and what the host gave: shared by all connections of an instance.
#pragma once

#include <string>
#include <vector>

#include <loft/clock.hpp>
#include <loft/log.hpp>
#include <loft/metrics.hpp>

namespace loft::websocket {

struct Settings {
  std::vector<std::string> origins;
  /// The host believes who a client says it is: without `origins`, pages of this machine only. Any other page in the
  /// operator's own browser could otherwise log in as anybody.
  bool only_local_pages = false;
  std::size_t max_message = 1 << 20;
  std::size_t max_fragments = 4096;
  Millis ping_interval = 54'000;
  Millis idle_timeout = 60'000;
  Millis close_timeout = 5'000;

  Logger* log = nullptr;         ///< null in tests that need none
  Metric* violations = nullptr;  ///< connections closed because the peer broke the protocol
};

}  // namespace loft::websocket
