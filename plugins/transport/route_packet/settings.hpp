// What the YAML says, and what the host gave: shared by all connections of an instance.
#pragma once

#include <memory>
#include <string>

#include <loft/clock.hpp>
#include <loft/log.hpp>
#include <loft/metrics.hpp>

#include "cipher.hpp"
#include "ecies.hpp"

namespace loft::route_packet {

enum class Encryption : std::uint8_t {
  required,  ///< a connection begins with a handshake, or ends
  optional,  ///< a connection that begins otherwise stays plain
  off,       ///< all are plain; a handshake is a packet like any other
};

struct Settings {
  Millis idle_timeout = 13'000;
  Millis heartbeat = 10'000;     ///< 0: none
  bool plain_heartbeat = false;  ///< connections without encryption hear heartbeats too
  Encryption encryption = Encryption::off;
  std::string private_key;
  Millis max_age = 180'000;  ///< of an encrypted packet; 0: any

  std::shared_ptr<const ServerKey> key;  ///< of `private_key`; without one no handshake succeeds
  RandomFn random = &random_bytes;       ///< tests have their own

  Logger* log = nullptr;         ///< null in tests that need none
  Metric* violations = nullptr;  ///< connections closed because the peer broke the protocol
  Metric* refused = nullptr;     ///< handshakes that failed
  Metric* dropped = nullptr;     ///< outgoing packets that were too long
};

}  // namespace loft::route_packet
