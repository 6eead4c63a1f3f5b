#include "identity/jwt.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <stdexcept>

#include <loft/json.hpp>

namespace loft {
namespace {

constexpr std::size_t max_token = 8 << 10;
constexpr std::size_t digest_size = 32;
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6;) out += alphabet[(buffer >> (bits -= 6)) & 63];
  }
  if (bits > 0) out += alphabet[(buffer << (6 - bits)) & 63];
  return out;
}

int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/// Strict: no padding, no other characters, and the bits left over are zero, so that one value has one spelling.
std::optional<std::string> decode(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = sextet(c);
    if (value < 0) return std::nullopt;
    buffer = (buffer << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) out += static_cast<char>((buffer >> (bits -= 8)) & 255);
  }
  if ((buffer & ((1u << bits) - 1)) != 0) return std::nullopt;
  return out;
}

std::string sign(const std::string& secret, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const auto* const done = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                                reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  if (done == nullptr || size != digest_size) throw std::runtime_error("OpenSSL cannot compute HMAC-SHA256");
  return {reinterpret_cast<const char*>(digest.data()), size};
}

Error refuse(const char* reason, const char* detail) { return {Code::unauthenticated, reason, detail}; }
Error malformed(const char* detail) { return refuse("token.malformed", detail); }

/// A NumericDate: seconds since 1970, a fraction is cut off. Returns false where the claim is there and is none.
bool seconds(const json::Value& claims, std::string_view name, std::optional<Millis>& out) {
  const auto value = claims.find(name);
  if (!value) return true;
  if (!value->is(json::Type::number)) return false;
  const auto raw = value->raw();
  const auto whole = raw.substr(0, raw.find('.'));
  if (raw.find_first_of("eE") != Bytes::npos) return false;
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(whole.data(), whole.data() + whole.size(), number);
  if (error != std::errc{} || stop != whole.data() + whole.size()) return false;
  // Far beyond any calendar; keeps the sums below from overflowing.
  constexpr std::int64_t edge = std::numeric_limits<std::int64_t>::max() / 4000;
  out = std::clamp<std::int64_t>(number, -edge, edge) * 1000;
  return true;
}

/// The header's word about the algorithm; the key decides, not the token: it must be HS256.
std::optional<Error> check_header(std::string_view part) {
  const auto header = decode(part);
  if (!header) return malformed("the header is not base64url");
  const auto object = json::parse(*header, 8);
  if (!object || !object->is(json::Type::object)) return malformed("the header is not a JSON object");
  const auto algorithm = object->find("alg");
  if (!algorithm || !algorithm->equals("HS256")) return refuse("token.algorithm", "only HS256 is accepted");
  if (object->find("crit")) return refuse("token.algorithm", "critical extensions are not supported");
  return std::nullopt;
}

Result<Claims> read_claims(const json::Value& object) {
  Claims claims;
  const auto take_text = [&](std::string_view name, std::string& out) {
    const auto value = object.find(name);
    if (!value) return true;
    if (const auto text = value->text()) {
      out = *text;
    } else if (const auto number = value->integer()) {
      out = std::to_string(*number);
    } else {
      return false;
    }
    return true;
  };
  if (!take_text("sub", claims.subject)) return malformed("sub must be a text");
  if (!take_text("uid", claims.handle)) return malformed("uid must be a text");
  if (const auto id = object.find("userId")) {
    const auto number = id->integer_or_text();
    if (!number || *number <= 0) return malformed("userId must be a positive whole number");
    claims.user_id = static_cast<std::uint64_t>(*number);
  }
  if (claims.subject.empty() && claims.handle.empty() && claims.user_id == 0) return malformed("no claim names a user");
  return claims;
}

}  // namespace

JwtIdentity::JwtIdentity(std::string secret, std::string issuer, Millis leeway, const Clock& clock)
    : secret_(std::move(secret)), issuer_(std::move(issuer)), leeway_(leeway), clock_(clock) {}

Result<Claims> JwtIdentity::verify(std::string_view token) const {
  if (token.empty()) return refuse("token.missing", "a token is required");
  if (token.size() > max_token) return malformed("the token is longer than 8 KiB");
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return malformed("a token has three parts with dots between them");
  }
  if (auto error = check_header(token.substr(0, first))) return std::move(*error);
  const auto signature = decode(token.substr(second + 1));
  if (!signature) return malformed("the signature is not base64url");
  const auto expected = sign(secret_, token.substr(0, second));
  if (signature->size() != expected.size() || CRYPTO_memcmp(signature->data(), expected.data(), expected.size()) != 0) {
    return refuse("token.forged", "the signature does not match");
  }

  const auto payload = decode(token.substr(first + 1, second - first - 1));
  if (!payload) return malformed("the claims are not base64url");
  const auto object = json::parse(*payload, 16);
  if (!object || !object->is(json::Type::object)) return malformed("the claims are not a JSON object");
  if (!issuer_.empty()) {
    const auto issuer = object->find("iss");
    if (!issuer || !issuer->equals(issuer_)) return refuse("token.forged", "the issuer is another one");
  }
  std::optional<Millis> expires;
  std::optional<Millis> begins;
  if (!seconds(*object, "exp", expires) || !seconds(*object, "nbf", begins)) {
    return malformed("exp and nbf must be numbers of seconds since 1970");
  }
  const auto now = clock_.now();
  if (expires && now >= *expires + leeway_) return refuse("token.expired", "the token has expired");
  if (begins && now < *begins - leeway_) return refuse("token.not_yet", "the token is not valid yet");
  auto claims = read_claims(*object);
  if (claims && expires) {
    claims->expires = std::max<Millis>(*expires, 1);
    claims->believed_until = *expires + leeway_;
  }
  return claims;
}

Result<Claims> JwtIdentity::verify(std::string_view token, const TokenRules&) const { return verify(token); }

std::string JwtIdentity::mint(const User& user, Millis ttl) const {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), random.size()) != 1) throw std::runtime_error("OpenSSL has no random bytes");
  const auto now = clock_.now() / 1000;
  std::string claims;
  json::Writer w(claims);
  w.object().key("sub").string(user.uuid).key("uid").string(user.handle).key("userId").number(raw(user.id));
  if (!issuer_.empty()) w.key("iss").string(issuer_);
  w.key("iat").number(now).key("exp").number(now + (ttl + 999) / 1000);
  w.key("jti").string(encode({reinterpret_cast<const char*>(random.data()), random.size()})).end_object();
  auto token = encode(R"({"alg":"HS256","typ":"JWT"})") + "." + encode(claims);
  token += "." + encode(sign(secret_, token));
  return token;
}

}  // namespace loft
