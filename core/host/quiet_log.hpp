#pragma once

#include <memory>

#include "log/log.hpp"

namespace loft {

/// For commands that only look: what plugins log is not what was asked for.
inline std::unique_ptr<LogSystem> quiet_log() {
  LogSettings log;
  log.levels.standard = LogLevel::error;
  return LogSystem::open(std::move(log));
}

}  // namespace loft
