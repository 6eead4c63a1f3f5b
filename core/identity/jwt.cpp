#include "identity/jwt.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include <loft/json.hpp>

#include "identity/base64url.hpp"
#include "identity/verified.hpp"

namespace loft {
namespace {

using namespace identity;

constexpr std::size_t max_token = 8 << 10;
constexpr int claims_depth = 16;
constexpr std::size_t most_tries = 16;  // keys that a token without `kid` is tried with; each costs a signature check

struct Header {
  Algorithm algorithm = Algorithm::hs256;
  std::string kid;
};

/// What a token says of its key. It only chooses among the keys that are here: `jwk`, `jku` and the like are not read.
Result<Header> read_header(std::string_view part) {
  const auto text = from_base64url(part);
  if (!text) return malformed("the header is not base64url");
  const auto object = json::parse(*text, 8);
  if (!object || !object->is(json::Type::object)) return malformed("the header is not a JSON object");
  if (object->find("crit")) return refuse("token.algorithm", "critical extensions are not supported");
  const auto word = object->find("alg");
  const auto algorithm = word && word->text() ? algorithm_named(*word->text()) : std::nullopt;
  if (!algorithm) return refuse("token.algorithm", "the algorithm is not one for signatures that are known here");
  Header header{*algorithm, {}};
  if (const auto kid = object->find("kid")) {
    auto name = kid->text();
    if (!name) return malformed("kid must be a text");
    header.kid = std::move(*name);
  }
  return header;
}

bool allowed(const TokenRules& rules, Algorithm algorithm) {
  const auto& words = rules.algorithms;
  return words.empty() || std::find(words.begin(), words.end(), name(algorithm)) != words.end();
}

bool may_be(const TrustedKey& key, const Header& header) {
  return key.key.algorithm() == header.algorithm && (key.kid.empty() || header.kid.empty() || key.kid == header.kid);
}

Key own_key(std::string secret) {
  auto key = Key::from_secret(Algorithm::hs256, std::move(secret));
  if (!key) throw std::invalid_argument("auth.jwt.secret " + key.error().detail);
  return std::move(*key);
}

}  // namespace

JwtIdentity::JwtIdentity(std::string secret, std::string issuer, ClaimRules rules, const Clock& clock)
    : issuer_(std::move(issuer)), rules_(rules), clock_(clock), own_(own_key(std::move(secret))) {
  ring_.put(ring_.add({issuer_, {}, true}, false), {{own_, {}}});
}

Result<Claims> JwtIdentity::verify(std::string_view token, const TokenRules& rules) const {
  if (token.empty()) return refuse("token.missing", "a token is required");
  if (token.size() > max_token) return malformed("the token is longer than 8 KiB");
  const auto keys = ring_.keys();
  if (const auto* known = Verified::of_thread().find(token, keys->number)) {
    const auto& key = (*keys)[known->key];
    const auto object = json::parse(known->claims, claims_depth);
    if (object && allowed(rules, key.key.algorithm())) {
      if (auto claims = judge(*object, *key.vouching, rules_, rules, clock_.now())) return claims;
    }
    // Why not, or whether another key's rules hold, is found out below.
  }
  return verify_anew(token, *keys, rules);
}

Result<Claims> JwtIdentity::verify_anew(std::string_view token, const KeyRing::Keys& keys,
                                        const TokenRules& rules) const {
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return malformed("a token has three parts with dots between them");
  }
  const auto header = read_header(token.substr(0, first));
  if (!header) return header.error();
  const auto signature = from_base64url(token.substr(second + 1));
  if (!signature) return malformed("the signature is not base64url");
  if (!allowed(rules, header->algorithm)) return refuse("token.algorithm", "the algorithm is not one of this contract");

  const auto signed_part = token.substr(0, second);
  std::optional<json::Value> object;
  std::string payload;
  std::optional<Error> refused;
  std::size_t tries = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto& key = keys[i];
    if (!may_be(key, *header)) continue;
    if (++tries > most_tries) break;
    if (!key.key.verify(signed_part, *signature)) continue;
    if (!object) {
      auto bytes = from_base64url(token.substr(first + 1, second - first - 1));
      if (!bytes) return malformed("the claims are not base64url");
      payload = std::move(*bytes);
      const auto parsed = json::parse(payload, claims_depth);
      if (!parsed || !parsed->is(json::Type::object)) return malformed("the claims are not a JSON object");
      object = *parsed;
    }
    // One key may stand here for two issuers: the one whose rules hold counts.
    auto claims = judge(*object, *key.vouching, rules_, rules, clock_.now());
    if (claims) {
      Verified::of_thread().note(token, payload, keys.number, i);
      return claims;
    }
    if (!refused || refused->reason == "token.forged") refused = std::move(claims.error());
  }
  if (refused) return std::move(*refused);
  return no_key(keys, header->algorithm, tries > 0);
}

/// Why no key believes a token that is well-formed.
Error JwtIdentity::no_key(const KeyRing::Keys& keys, Algorithm algorithm, bool tried) const {
  // Secrets are not published: an issuer that changed its keys has changed public ones.
  if (!is_secret_kind(algorithm)) ring_.unknown();
  if (tried) return refuse("token.forged", "the signature does not match");
  // As of the keys that were tried: they may have come since.
  if (keys.waits) return {Code::unavailable, "token.keys_missing", "the issuer's keys could not be had yet"};
  const auto same = [&](const TrustedKey& each) { return each.key.algorithm() == algorithm; };
  if (std::any_of(keys.begin(), keys.end(), same)) return refuse("token.forged", "no key of that name is known");
  return refuse("token.algorithm", "no key is for that algorithm");
}

std::string JwtIdentity::mint(const User& user, Millis ttl, bool service) const {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), random.size()) != 1) throw std::runtime_error("OpenSSL has no random bytes");
  const auto now = clock_.now() / 1000;
  std::string claims;
  json::Writer w(claims);
  w.object().key("sub").string(user.uuid).key("uid").string(user.handle).key("userId").number(raw(user.id));
  if (!issuer_.empty()) w.key("iss").string(issuer_);
  w.key("iat").number(now).key("exp").number(now + (ttl + 999) / 1000);
  if (service) w.key("loft_service").boolean(true);
  w.key("jti").string(to_base64url({reinterpret_cast<const char*>(random.data()), random.size()})).end_object();
  auto token = to_base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + to_base64url(claims);
  token += "." + to_base64url(own_.sign(token));
  return token;
}

}  // namespace loft
