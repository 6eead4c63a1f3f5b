// Tokens: JWTs (RFC 7519), made and believed by this host, or made by issuers whose keys the operator names. Every
// contract accepts the same ones.
#pragma once

#include <string>
#include <string_view>

#include <loft/clock.hpp>
#include <loft/messaging.hpp>

#include "identity/claims.hpp"
#include "identity/key_ring.hpp"

namespace loft {

/// Thread role: any. `clock` outlives it.
class JwtIdentity final : public Identity {
 public:
  /// With the host's own key, HS256 with `secret`, whose tokens carry and need `issuer` (empty: none). Such a token may
  /// be a service's. Further keys go to `ring()`. Throws std::invalid_argument for a secret that no key can be.
  JwtIdentity(std::string secret, std::string issuer, identity::ClaimRules rules, const Clock& clock);
  JwtIdentity(std::string secret, std::string issuer, Millis leeway, const Clock& clock)
      : JwtIdentity(std::move(secret), std::move(issuer), identity::ClaimRules{leeway, true}, clock) {}

  identity::KeyRing& ring() noexcept { return ring_; }

  /// Errors: unauthenticated `token.missing` (empty), `token.malformed` (no JWT of at most 8 KiB with an object of
  /// claims that names somebody and ends), `token.algorithm` (none that a key here is for), `token.forged` (signature,
  /// issuer or audience), `token.expired`, `token.not_yet`; unavailable `token.keys_missing` (an issuer's keys could
  /// not be had yet, and no other key fits). The signature is checked before any claim is looked at.
  Result<Claims> verify(std::string_view token) const override { return verify(token, TokenRules()); }
  Result<Claims> verify(std::string_view token, const TokenRules& rules) const override;

  Result<std::string> issue(const User& user, Millis ttl) const override { return mint(user, ttl); }

  /// A token for that user, valid for `ttl` from now. Claims: `sub` (uuid), `uid` (handle), `userId`, `iss`, `iat`,
  /// `exp`, `jti`, and `loft_service` where it is a service's.
  std::string mint(const User& user, Millis ttl, bool service = false) const;

 private:
  Result<Claims> verify_anew(std::string_view token, const identity::KeyRing::Keys& keys,
                             const TokenRules& rules) const;
  Error no_key(const identity::KeyRing::Keys& keys, identity::Algorithm algorithm, bool tried) const;

  std::string issuer_;
  identity::ClaimRules rules_;
  const Clock& clock_;
  identity::Key own_;
  mutable identity::KeyRing ring_;
};

}  // namespace loft
