// What a token's claims mean, once its signature is believed. Private to core/identity.
#pragma once

#include <loft/json.hpp>
#include <loft/messaging.hpp>

#include "identity/key_ring.hpp"

namespace loft::identity {

/// What holds for all tokens.
struct ClaimRules {
  Millis leeway = 30'000;   ///< the tolerance at `exp` and `nbf`
  bool require_exp = true;  ///< a token that never ends is refused
};

inline Error refuse(const char* reason, const char* detail) { return {Code::unauthenticated, reason, detail}; }
inline Error malformed(const char* detail) { return refuse("token.malformed", detail); }

/// Checks issuer, audience and times, and reads who is named. `now`: since 1970. The errors are Identity::verify's.
Result<Claims> judge(const json::Value& object, const Vouching& vouching, const ClaimRules& rules,
                     const TokenRules& wanted, Millis now);

}  // namespace loft::identity
