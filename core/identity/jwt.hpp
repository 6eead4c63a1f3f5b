// Tokens: JWTs (RFC 7519) signed with HMAC-SHA256, made and believed by this host. Every contract accepts the same one.
#pragma once

#include <string>
#include <string_view>

#include <loft/clock.hpp>
#include <loft/messaging.hpp>

namespace loft {

/// Thread role: any; nothing changes after construction. `clock` outlives it.
class JwtIdentity final : public Identity {
 public:
  /// `issuer` empty: tokens carry none and none is demanded. `leeway` is the tolerance at `exp` and `nbf`.
  JwtIdentity(std::string secret, std::string issuer, Millis leeway, const Clock& clock);

  /// Errors: unauthenticated `token.missing` (empty), `token.malformed` (no JWT of at most 8 KiB with an object of
  /// claims that names somebody), `token.algorithm` (not HS256), `token.forged` (signature or issuer), `token.expired`,
  /// `token.not_yet`. The signature is checked before any claim is looked at.
  Result<Claims> verify(std::string_view token) const override;
  Result<Claims> verify(std::string_view token, const TokenRules& rules) const override;

  /// A token for that user, valid for `ttl` from now. Claims: `sub` (uuid), `uid` (handle), `userId`, `iss`, `iat`,
  /// `exp`, `jti`.
  std::string mint(const User& user, Millis ttl) const;

 private:
  std::string secret_;
  std::string issuer_;
  Millis leeway_;
  const Clock& clock_;
};

}  // namespace loft
