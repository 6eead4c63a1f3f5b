// What all connections of a listener use.
#pragma once

#include <loft/clock.hpp>
#include <loft/log.hpp>

namespace loft {

class Core;

/// Ten thousand idle connections pay for every byte, so each has one reference to all of it.
struct PeerServices {
  Core& core;
  const Clock& clock;
  Logger& log;
};

}  // namespace loft
