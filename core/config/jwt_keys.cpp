// The keys of others: `auth.jwt.keys`.
#include <algorithm>
#include <array>

#include <loft/token_options.hpp>

#include "config/sections.hpp"

namespace loft::config {
namespace {

/// Whether plain HTTP may be spoken to that address: what comes over it decides who is believed.
bool is_loopback_url(std::string_view rest) {
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  const auto port = authority.starts_with('[') ? authority.find("]:") : authority.find(':');
  auto host = authority.substr(0, authority.starts_with('[') && port != std::string_view::npos ? port + 1 : port);
  if (host == "localhost" || host == "[::1]") return true;
  const auto address = parse_address(std::string(host) + ":0");
  return address && address->loopback;
}

/// What is wrong with the URL; empty: nothing.
const char* wrong_url(std::string_view url) {
  constexpr std::string_view secure = "https://", plain = "http://";
  const bool is_secure = url.starts_with(secure);
  if (!is_secure && !url.starts_with(plain)) return "must begin with https://";
  const auto rest = url.substr(is_secure ? secure.size() : plain.size());
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty()) return "names no host";
  const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\\' || c == 127; };
  if (std::any_of(url.begin(), url.end(), odd)) return "has a character that no URL has";
  if (authority.find('@') != std::string_view::npos) return "must not carry credentials";
  if (!is_secure && !is_loopback_url(rest)) {
    return "must begin with https://: plain HTTP is for a server on this machine (127.0.0.1, [::1], localhost)";
  }
  return nullptr;
}

class KeyReader {
 public:
  KeyReader(const Node& node, JwtKey& key) : node_(node), key_(key) {}

  void read() {
    auto table = jwt_key_table(key_);
    node_.apply(table);
    key_.place = node_;
    const std::array<std::pair<const char*, const std::string*>, 4> sources = {
        {{"secret", &key_.secret},
         {"public_key_file", &key_.public_key_file},
         {"jwks_file", &key_.jwks_file},
         {"jwks_url", &key_.jwks_url}}};
    const auto given = [&](const auto& source) { return node_[source.first].present(); };
    const auto count = std::count_if(sources.begin(), sources.end(), given);
    if (count != 1) {
      return node_.problem(std::string(count == 0 ? "has no key" : "has more than one source of keys") +
                           ": give exactly one of secret, public_key_file, jwks_file, jwks_url");
    }
    for (const auto& [name, value] : sources) {
      if (node_[name].present() && value->empty()) return node_[name].problem("is empty");
    }
    check_algorithm();
    check_rest();
  }

 private:
  bool is_set() const { return !key_.jwks_file.empty() || !key_.jwks_url.empty(); }

  void check_algorithm() {
    const auto place = node_["algorithm"];
    const bool secret = key_.algorithm.starts_with("HS");
    if (key_.algorithm.empty()) {
      if (!is_set() && !place.present())
        node_.problem("needs `algorithm`: the key decides what a token is signed with");
    } else if (!key_.secret.empty() && !secret) {
      place.problem("needs a public key; a secret is for HS256, HS384 and HS512");
    } else if (!key_.public_key_file.empty() && secret) {
      place.problem(
          "is for a secret; with a public key as the secret, whoever knows that key could make tokens. Name the "
          "algorithm of the key, such as RS256 or ES256");
    } else if (!key_.jwks_url.empty() && secret) {
      place.problem("is for secrets, and what is published at a URL is none");
    }
  }

  void check_rest() {
    if (!key_.secret.empty() && key_.secret.size() < 32) {
      node_["secret"].problem("is too short: at least 32 bytes; make one with `openssl rand -hex 32`");
    }
    if (key_.secret == development_secret) node_["secret"].problem("is the development secret, which everybody knows");
    if (!key_.kid.empty() && is_set()) node_["kid"].problem("has no place here: the keys of a set have their own");
    if (key_.jwks_url.empty()) {
      for (const char* name : {"ca_file", "refresh", "refresh_unknown", "timeout", "max_bytes"}) {
        if (node_[name].present()) node_[name].problem("is only for jwks_url");
      }
      return;
    }
    if (const char* wrong = wrong_url(key_.jwks_url)) node_["jwks_url"].problem(wrong);
    if (key_.issuer.empty() && !node_["issuer"].present()) {
      node_.problem("needs `issuer`, the `iss` of its tokens; write \"\" where they have none");
    }
  }

  const Node& node_;
  JwtKey& key_;
};

}  // namespace

OptionTable jwt_key_table(JwtKey& key) {
  OptionTable t;
  auto& algorithm = t.text(
      "algorithm", key.algorithm,
      "The one that its tokens are signed with, whatever they say. Needed with `secret` and `public_key_file`; with "
      "a set, only its keys for this one are used.");
  algorithm.type = OptionType::choice;
  algorithm.choices = token_algorithms();
  t.text("secret", key.secret, "A secret shared with the issuer, of at least 32 bytes: HS256, HS384, HS512.").secret();
  t.text("public_key_file", key.public_key_file,
         "PEM file with a public key or certificate: RSA of 2048 bits or more, P-256, P-384 or Ed25519.");
  t.text("jwks_file", key.jwks_file, "File with a JWK Set. It is read at start.");
  t.text("jwks_url", key.jwks_url, "Where the issuer publishes its JWK Set: https, or http on loopback.");
  t.text("ca_file", key.ca_file,
         "PEM file with the authorities that `jwks_url` is checked against; else the system's.");
  t.duration("refresh", key.refresh, "How often `jwks_url` is asked.").range(1'000, 86'400'000);
  t.duration(
       "refresh_unknown", key.refresh_unknown,
       "A token with an unknown key makes the host ask sooner, but never more often than this; nor after a failure.")
      .range(100, 3'600'000);
  t.duration("timeout", key.timeout, "How long one answer of `jwks_url` may take.").range(100, 60'000);
  t.size("max_bytes", key.max_bytes, "The longest answer of `jwks_url` that is read.").range(1024, 4 << 20);
  t.text("kid", key.kid,
         "The name of the key, `kid` in its tokens; a token that names another key is not checked with it.");
  t.text("issuer", key.issuer, "The `iss` that its tokens must have; empty demands none. Needed with `jwks_url`.");
  t.text("audience", key.audience, "What must be among the `aud` of its tokens; empty demands none.");
  t.boolean("services", key.services,
            "Its tokens may be a service's (`loft_service: true`), which writes as the operator's backend.");
  return t;
}

std::vector<JwtKey> read_jwt_keys(const Node& list) {
  std::vector<JwtKey> keys;
  if (list.present() && !list.is_list()) {
    list.problem("takes a list; each key begins with `- algorithm: `");
    return keys;
  }
  for (const auto& node : list.items()) KeyReader(node, keys.emplace_back()).read();
  return keys;
}

}  // namespace loft::config
