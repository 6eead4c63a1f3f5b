#include "simulate/jwt_check.hpp"

#include <jwt.h>

#include <memory>

namespace loft::simulate {
namespace {

std::string text(const char* value) { return value == nullptr ? "" : value; }

}  // namespace

std::optional<Jwt> check_jwt(const std::string& token, const std::string& public_key) {
  jwt_t* raw = nullptr;
  const auto* const key = reinterpret_cast<const unsigned char*>(public_key.c_str());
  if (jwt_decode(&raw, token.c_str(), key, static_cast<int>(public_key.size())) != 0) return std::nullopt;
  const std::unique_ptr<jwt_t, decltype(&jwt_free)> jwt(raw, jwt_free);
  const auto algorithm = jwt_get_alg(raw);
  if (algorithm != JWT_ALG_ES256 && algorithm != JWT_ALG_RS256) return std::nullopt;
  Jwt out;
  out.algorithm = algorithm == JWT_ALG_ES256 ? "ES256" : "RS256";
  out.key_id = text(jwt_get_header(raw, "kid"));
  out.issuer = text(jwt_get_grant(raw, "iss"));
  out.scope = text(jwt_get_grant(raw, "scope"));
  out.audience = text(jwt_get_grant(raw, "aud"));
  out.issued = jwt_get_grant_int(raw, "iat");
  out.expires = jwt_get_grant_int(raw, "exp");
  return out;
}

}  // namespace loft::simulate
