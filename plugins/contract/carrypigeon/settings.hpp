// What an operator can set, and what of the host the contract uses.
#pragma once

#include <string>

#include <loft/clock.hpp>
#include <loft/domain.hpp>
#include <loft/messaging.hpp>

namespace loft::carrypigeon {

struct Settings {
  Millis delete_window = 0;       ///< 0: a message may be deleted at any time
  Millis login_deadline = 30000;  ///< 0: a connection may stay without login
  JoinRule channel_join = JoinRule::free;
  TokenRules token;
  std::string locale = "zh-CN";
};

/// Lifetime: the contract's, which outlives all of its connections.
struct Services {
  Messaging& messaging;
  const Identity& identity;
  const Domains& domains;
  const Settings& settings;
};

}  // namespace loft::carrypigeon
