#include "identity/jwk.hpp"

#include <loft/json.hpp>

#include "identity/base64url.hpp"

namespace loft::identity {
namespace {

Error unusable(std::string detail) { return {Code::invalid, "jwks", std::move(detail)}; }

/// The text of a member; nullopt where it is missing. `wrong` is set where it is there and no text.
std::optional<std::string> text_of(const json::Value& jwk, std::string_view name, bool& wrong) {
  const auto value = jwk.find(name);
  if (!value) return std::nullopt;
  auto text = value->text();
  if (!text) wrong = true;
  return text;
}

std::string part(const json::Value& jwk, std::string_view name) {
  const auto value = jwk.find(name);
  const auto text = value ? value->text() : std::nullopt;
  return text ? from_base64url(*text).value_or(std::string()) : std::string();
}

/// Why the key may not be used to check signatures; empty: it may.
std::string other_purpose(const json::Value& jwk) {
  if (const auto use = jwk.find("use"); use && !use->equals("sig")) return "its use is not sig";
  if (jwk.find("d")) return "it holds a private key, which belongs to the issuer alone";
  const auto operations = jwk.find("key_ops");
  if (!operations) return {};
  if (!operations->is(json::Type::array)) return "its key_ops are no list";
  bool verifies = false;
  operations->elements([&](const json::Value& each) {
    verifies = verifies || each.equals("verify");
    return true;
  });
  return verifies ? "" : "its key_ops do not have verify";
}

/// What a type of key is used with where nobody says it.
std::optional<Algorithm> usual(std::string_view type, std::string_view curve) {
  if (type == "RSA") return Algorithm::rs256;
  if (type == "EC" && curve == "P-256") return Algorithm::es256;
  if (type == "EC" && curve == "P-384") return Algorithm::es384;
  if (type == "OKP" && curve == "Ed25519") return Algorithm::eddsa;
  if (type == "oct") return Algorithm::hs256;
  return std::nullopt;
}

bool suits(Algorithm algorithm, std::string_view type, std::string_view curve) {
  if (is_secret_kind(algorithm)) return type == "oct";
  if (algorithm <= Algorithm::ps256) return type == "RSA";
  return usual(type, curve) == algorithm;
}

Result<Key> make(const json::Value& jwk, Algorithm algorithm) {
  if (is_secret_kind(algorithm)) return Key::from_secret(algorithm, part(jwk, "k"));
  if (algorithm <= Algorithm::ps256) return Key::from_rsa(algorithm, part(jwk, "n"), part(jwk, "e"));
  if (algorithm == Algorithm::eddsa) return Key::from_ed25519(part(jwk, "x"));
  return Key::from_point(algorithm, part(jwk, "x"), part(jwk, "y"));
}

Result<NamedKey> read_key(const json::Value& jwk, std::optional<Algorithm> wanted, bool with_secrets) {
  if (!jwk.is(json::Type::object)) return unusable("it is no object");
  bool wrong = false;
  const auto type = text_of(jwk, "kty", wrong).value_or("");
  const auto curve = text_of(jwk, "crv", wrong).value_or("");
  const auto word = text_of(jwk, "alg", wrong);
  auto kid = text_of(jwk, "kid", wrong).value_or("");
  if (wrong) return unusable("kty, crv, alg and kid must be texts");
  if (auto purpose = other_purpose(jwk); !purpose.empty()) return unusable(std::move(purpose));
  if (!usual(type, curve))
    return unusable("keys of type " + type + (curve.empty() ? "" : " " + curve) + " are not known");
  if (type == "oct" && !with_secrets) return unusable("a secret has no place in a published set");
  const auto algorithm = word ? algorithm_named(*word) : wanted ? wanted : usual(type, curve);
  if (!algorithm) return unusable("its algorithm " + *word + " is not one for signatures that are known here");
  if (!suits(*algorithm, type, curve)) {
    return unusable("a key of type " + type + " does not do " + std::string(name(*algorithm)));
  }
  if (wanted && *wanted != *algorithm) return unusable("its algorithm is not " + std::string(name(*wanted)));
  auto key = make(jwk, *algorithm);
  if (!key) return unusable("it " + key.error().detail);
  return NamedKey{std::move(*key), std::move(kid)};
}

}  // namespace

Result<KeySet> read_key_set(std::string_view text, std::optional<Algorithm> wanted, bool with_secrets) {
  const auto parsed = json::parse(text, 16);
  if (!parsed) return unusable("is not JSON: " + parsed.error().detail);
  const auto list = parsed->is(json::Type::object) ? parsed->find("keys") : std::nullopt;
  if (!list || !list->is(json::Type::array)) return unusable("is no JWK Set: an object with the list `keys`");
  KeySet set;
  std::size_t number = 0;
  list->elements([&](const json::Value& jwk) {
    ++number;
    auto key = number > most_keys ? Result<NamedKey>(unusable("there are more than 64 keys"))
                                  : read_key(jwk, wanted, with_secrets);
    if (key)
      set.keys.push_back(std::move(*key));
    else
      set.left_out.push_back("key " + std::to_string(number) + ": " + key.error().detail);
    return number <= most_keys;
  });
  if (!set.keys.empty()) return set;
  auto detail = std::string(number == 0 ? "has no keys" : "has no usable key");
  for (const auto& why : set.left_out) detail += "; " + why;
  return unusable(std::move(detail));
}

}  // namespace loft::identity
