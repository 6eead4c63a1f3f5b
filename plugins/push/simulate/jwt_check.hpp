// Signatures of tokens, checked by libjwt, so that our own reading of the standard does not check itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace loft::simulate {

struct Jwt {
  std::string algorithm;  ///< `ES256`, `RS256`
  std::string key_id, issuer, scope, audience;
  std::int64_t issued = 0, expires = 0;  ///< seconds since 1970; 0: not said
};

/// Nullopt: no token, or one that this public key (PEM) did not sign with ES256 or RS256.
std::optional<Jwt> check_jwt(const std::string& token, const std::string& public_key);

}  // namespace loft::simulate
