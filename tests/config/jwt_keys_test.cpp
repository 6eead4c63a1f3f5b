// `auth.jwt.keys` as it is written. What the keys themselves are worth is seen when their files are read.
#include "config/settings.hpp"

#include <catch2/catch.hpp>

#include <loft/token_options.hpp>

#include "identity/key.hpp"

using namespace loft;
using namespace loft::config;

namespace {

struct Read {
  std::unique_ptr<Document> document;
  Settings settings;
  std::string problems;
};

Read read(const std::string& keys) {
  Read out;
  out.document = Document::parse("auth:\n  jwt:\n    keys: " + keys + "\n", "a.yaml");
  out.settings = read_settings(*out.document);
  out.problems = format(out.document->problems());
  return out;
}

const std::string secret = "0123456789abcdef0123456789abcdef";

}  // namespace

TEST_CASE("keys are read in their order with what they may vouch for") {
  const auto [document, settings, problems] = read(
      "[{algorithm: HS512, secret: " + secret +
      ", kid: a, issuer: i, audience: u, services: true}, {algorithm: RS256, public_key_file: /k.pem}, {jwks_file: "
      "/k.json}, {jwks_url: 'https://id.example/keys', issuer: j, refresh: 1h, refresh_unknown: 1s, timeout: 2s, "
      "max_bytes: 2KiB, ca_file: /ca.pem, algorithm: ES256}]");
  CHECK(problems == "");
  const auto& keys = settings.jwt.keys;
  REQUIRE(keys.size() == 4);
  CHECK(keys[0].algorithm == "HS512");
  CHECK(keys[0].secret == secret);
  CHECK(keys[0].kid == "a");
  CHECK(keys[0].issuer == "i");
  CHECK(keys[0].audience == "u");
  CHECK(keys[0].services);
  CHECK(keys[1].public_key_file == "/k.pem");
  CHECK_FALSE(keys[1].services);
  CHECK(keys[2].jwks_file == "/k.json");
  CHECK(keys[3].jwks_url == "https://id.example/keys");
  CHECK(keys[3].refresh == 3'600'000);
  CHECK(keys[3].refresh_unknown == 1'000);
  CHECK(keys[3].timeout == 2'000);
  CHECK(keys[3].max_bytes == 2048);
  CHECK(keys[3].ca_file == "/ca.pem");
  CHECK(settings.jwt.require_exp);
}

TEST_CASE("an entry that can be no key is an error at its place") {
  const std::pair<std::string, const char*> cases[] = {
      {"{}",
       "a.yaml:3:12: auth.jwt.keys.0: has no key: give exactly one of secret, public_key_file, jwks_file, jwks_url"},
      {"{algorithm: RS256}", "has no key"},
      {"{jwks_file: a, jwks_url: 'https://a/', issuer: b}", "has more than one source of keys"},
      {"{algorithm: HS256, secret: " + secret + ", public_key_file: a}", "has more than one source of keys"},
      {"{secret: " + secret + "}", "needs `algorithm`"},
      {"{public_key_file: a}", "needs `algorithm`"},
      {"{algorithm: RS256, secret: " + secret + "}", "keys.0.algorithm: needs a public key; a secret is for HS256"},
      {"{algorithm: HS256, public_key_file: a}", "keys.0.algorithm: is for a secret; with a public key as the secret"},
      {"{algorithm: HS256, jwks_url: 'https://a/', issuer: b}",
       "is for secrets, and what is published at a URL is none"},
      {"{algorithm: none, public_key_file: a}", "'none' is not one of HS256, HS384"},
      {"{algorithm: RS255, public_key_file: a}", "did you mean 'RS256'?"},
      {"{algorithm: hs256, secret: " + secret + "}", "'hs256' is not one of"},
      {"{algorithm: HS256, secret: short}", "keys.0.secret: is too short"},
      {"{algorithm: HS256, secret: '" + std::string(development_secret) + "'}", "which everybody knows"},
      {"{algorithm: HS256, secret: ''}", "keys.0.secret: is empty"},
      {"{algorithm: RS256, public_key_file: a, refresh: 1m}", "keys.0.refresh: is only for jwks_url"},
      {"{jwks_file: a, kid: b}", "keys.0.kid: has no place here"},
      {"{jwks_url: 'https://a/'}", "keys.0: needs `issuer`"},
      {"{jwks_url: 'https://a/', issuer: b, refresh_unknown: 1ms}", "keys.0.refresh_unknown"},
      {"{jwks_url: 'https://a/', issuer: b, max_bytes: 1GiB}", "keys.0.max_bytes"},
      {"{algorithm: RS256, public_key_fil: a}", "did you mean 'public_key_file'?"},
      {"7", "takes a mapping"}};
  for (const auto& [entry, said] : cases) {
    CAPTURE(entry);
    const auto problems = read("[" + entry + "]").problems;
    CHECK_THAT(problems, Catch::Contains(said));
    CHECK(problems.find(secret) == std::string::npos);
  }
  CHECK_THAT(read("{algorithm: RS256}").problems, Catch::Contains("auth.jwt.keys: takes a list"));
}

TEST_CASE("keys are fetched over https, or over http from this machine") {
  const auto wrong = [](const std::string& url) { return read("[{jwks_url: '" + url + "', issuer: ''}]").problems; };
  for (const auto* url :
       {"https://id.example/keys", "https://id.example:8443/a?b=c", "http://127.0.0.1:8080/keys", "http://127.9.9.9/",
        "http://localhost/keys", "http://localhost:1", "http://[::1]:80/x", "http://[::1]/x"}) {
    CAPTURE(url);
    CHECK(wrong(url) == "");
  }
  for (const auto* url :
       {"http://id.example/keys", "http://127.0.0.1.example/", "http://localhost.example/",
        "http://localhost@evil.example/", "http://127.0.0.1@evil.example/", "https://user:pass@id.example/", "https://",
        "https:///keys", "ftp://127.0.0.1/", "file:///etc/passwd", "id.example/keys", "http://[::2]/", "http://0x7f.1/",
        "http://2130706433/", "https://id.example/a b", "https://id.example\\\\@127.0.0.1/", "HTTP://127.0.0.1/"}) {
    CAPTURE(url);
    CHECK_THAT(wrong(url), Catch::Contains("auth.jwt.keys.0.jwks_url: "));
  }
}

TEST_CASE("the algorithms that options know are those that keys can be for") {
  CHECK(token_algorithms() == identity::algorithm_names());
}

TEST_CASE("a contract's rules for tokens are options, and only known words are taken") {
  TokenRules rules;
  OptionTable table;
  token_options(table, rules);
  const auto good = Document::parse("token: {claim: sub, claim_is: uuid, algorithms: [RS256, EdDSA]}", "a.yaml");
  good->root().apply(table);
  CHECK(format(good->problems()) == "");
  CHECK(rules.claim == "sub");
  CHECK(rules.names == UserRef::By::uuid);
  CHECK(rules.algorithms == std::vector<std::string>{"RS256", "EdDSA"});

  TokenRules untouched;
  OptionTable other;
  token_options(other, untouched);
  const auto bad = Document::parse("token: {claim_is: email, algorithms: [RS256, none]}", "a.yaml");
  bad->root().apply(other);
  const auto problems = format(bad->problems());
  CHECK_THAT(problems, Catch::Contains("token.claim_is: 'email' is not one of id, handle, handle_or_id, uuid"));
  CHECK_THAT(problems, Catch::Contains("token.algorithms.1: 'none' is not one of HS256"));
  CHECK(untouched.algorithms.empty());
  CHECK_THAT(reference(other), Catch::Contains("| `token.algorithms` | list of `HS256`, `HS384`"));
}
