// What an operator can set, and what of the host the contract uses.
#pragma once

#include <string>

#include <loft/clock.hpp>
#include <loft/domain.hpp>
#include <loft/key_values.hpp>
#include <loft/messaging.hpp>

namespace loft::carrypigeon {

struct Settings {
  Millis delete_window = 0;       ///< 0: a message may be deleted at any time
  Millis login_deadline = 30000;  ///< 0: a connection may stay without login
  JoinRule channel_join = JoinRule::free;
  TokenRules token;
  std::string locale = "zh-CN";
  std::string websocket_path = "/cp";  ///< empty: none
  bool compat_business_codes = false;  ///< what is not allowed is code 100, as with the original server
};

/// Lifetime: the contract's, which outlives all of its connections.
struct Services {
  Messaging& messaging;
  Users& users;
  const Identity& identity;
  Domains& domains;
  KeyValues& key_values;
  const Clock& clock;
  const Settings& settings;
};

/// Signals of this contract's own: words between its connections, which become hints to look again.
inline constexpr std::string_view applications_signal = "carrypigeon.applications";
inline constexpr std::string_view profile_signal = "carrypigeon.profile";

}  // namespace loft::carrypigeon
