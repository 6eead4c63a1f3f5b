// Keys of issuers. What they sign with is OpenSSL's command line and Node's crypto, which share no line with this host.
#include "identity/jwk.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "identity/base64url.hpp"
#include "identity/jwt.hpp"

using namespace loft;
using namespace loft::identity;

namespace {

struct FixedClock final : Clock {
  Millis time = 1'760'000'000'000;
  Millis now() const noexcept override { return time; }
  Millis steady() const noexcept override { return 0; }
};

constexpr auto secret = "0123456789abcdef0123456789abcdef";

/// A folder in which other programs make keys and tokens.
struct Workshop {
  std::string folder;

  Workshop() {
    char name[] = "/tmp/loft-keys-XXXXXX";
    folder = mkdtemp(name);
  }
  ~Workshop() { std::filesystem::remove_all(folder); }

  std::string run(const std::string& command) const {
    auto* const pipe = popen(("cd " + folder + " && " + command).c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    char buffer[4096];
    while (const auto size = fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, size);
    REQUIRE(pclose(pipe) == 0);
    while (out.ends_with('\n')) out.pop_back();
    return out;
  }
  std::string read(const std::string& file) const {
    std::ifstream in(folder + "/" + file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& file, const std::string& text) const { std::ofstream(folder + "/" + file) << text; }

  /// Node runs this with its crypto as `crypto`, and `b64` for base64url.
  std::string node(const std::string& program) const {
    write("program.js",
          "const crypto = require('crypto'), fs = require('fs');\n"
          "const b64 = (x) => Buffer.from(x).toString('base64url');\n"
          "const how = {RS256: {}, RS384: {}, RS512: {}, EdDSA: {},\n"
          "  PS256: {padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32},\n"
          "  ES256: {dsaEncoding: 'ieee-p1363'}, ES384: {dsaEncoding: 'ieee-p1363'}};\n"
          "function sign(alg, file, claims, header = {}) {\n"
          "  const text = b64(JSON.stringify({alg, ...header})) + '.' + b64(JSON.stringify(claims));\n"
          "  const digest = alg == 'EdDSA' ? null : 'sha' + alg.slice(2);\n"
          "  return text + '.' + b64(crypto.sign(digest, text, {key: fs.readFileSync(file), ...how[alg]}));\n"
          "}\n" +
              program);
    return run("node program.js");
  }
};

std::string reason(const JwtIdentity& identity, std::string_view token, const TokenRules& rules = {}) {
  const auto result = identity.verify(token, rules);
  return result ? "ok" : result.error().reason;
}

struct Bench {
  FixedClock clock;
  JwtIdentity identity{secret, "loft", 0, clock};

  void trust(Result<Key> key, std::string kid = {}, Vouching vouching = {}) {
    REQUIRE(key.ok());
    identity.ring().put(identity.ring().add(std::move(vouching), false), {{*key, std::move(kid)}});
  }
};

constexpr auto claims = "{userId: 10001, exp: 1999999999}";

}  // namespace

TEST_CASE(
    "tokens that Node signs are believed with the public key that OpenSSL wrote, and with the same key as a JWK") {
  const Workshop shop;
  shop.run(
      "for size in 2048 3072; do openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:$size -out "
      "rsa$size.pem; done");
  shop.run("openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.pem");
  shop.run("openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.pem");
  shop.run("openssl genpkey -quiet -algorithm ED25519 -out ed.pem");
  shop.run("for key in rsa2048 rsa3072 p256 p384 ed; do openssl pkey -in $key.pem -pubout -out $key.pub; done");
  const std::pair<Algorithm, const char*> cases[] = {{Algorithm::rs256, "rsa2048"}, {Algorithm::rs384, "rsa2048"},
                                                     {Algorithm::rs512, "rsa3072"}, {Algorithm::ps256, "rsa2048"},
                                                     {Algorithm::es256, "p256"},    {Algorithm::es384, "p384"},
                                                     {Algorithm::eddsa, "ed"}};
  for (const auto& [algorithm, file] : cases) {
    const std::string word(name(algorithm));
    CAPTURE(word, file);
    const auto token = shop.node("console.log(sign('" + word + "', '" + file + ".pem', " + claims + "))");
    Bench pem;
    pem.trust(Key::from_pem(algorithm, shop.read(std::string(file) + ".pub")));
    CHECK(reason(pem.identity, token) == "ok");
    CHECK(pem.identity.verify(token)->user_id == 10001);

    const auto jwks = shop.node("const jwk = crypto.createPublicKey(fs.readFileSync('" + std::string(file) +
                                ".pem')).export({format: 'jwk'});\n"
                                "console.log(JSON.stringify({keys: [{...jwk, use: 'sig', kid: 'k1', alg: '" +
                                word + "'}]}))");
    const auto set = read_key_set(jwks, std::nullopt, false);
    REQUIRE(set.ok());
    CHECK(set->left_out.empty());
    Bench jwk;
    jwk.trust(set->keys.at(0).key, set->keys.at(0).kid);
    CHECK(reason(jwk.identity, token) == "ok");

    // Every bit of the signature counts, and so does its length.
    const auto dot = token.rfind('.');
    auto signature = *from_base64url(token.substr(dot + 1));
    CHECK(reason(pem.identity, token.substr(0, dot + 1) + to_base64url(signature + "x")) == "token.forged");
    CHECK(reason(pem.identity, token.substr(0, dot + 1)) == "token.forged");
    for (std::size_t i = 0; i < signature.size(); i += 7) {
      signature[i] = static_cast<char>(signature[i] ^ 1);
      CHECK(reason(pem.identity, token.substr(0, dot + 1) + to_base64url(signature)) == "token.forged");
      signature[i] = static_cast<char>(signature[i] ^ 1);
    }
  }
  Bench bench;
  bench.trust(Key::from_pem(Algorithm::rs256, shop.read("rsa2048.pub")));
  const auto other = shop.node(std::string("console.log(sign('RS256', 'rsa3072.pem', ") + claims + "))");
  CHECK(reason(bench.identity, other) == "token.forged");
  const auto other_algorithm = shop.node(std::string("console.log(sign('RS512', 'rsa2048.pem', ") + claims + "))");
  CHECK(reason(bench.identity, other_algorithm) == "token.algorithm");

  // A certificate is a public key in an envelope.
  shop.run("openssl req -x509 -key p256.pem -subj /CN=issuer -days 2 -out p256.crt 2>/dev/null");
  CHECK(Key::from_pem(Algorithm::es256, shop.read("p256.crt")).ok());
  // The signature of ECDSA in the form that TLS uses is not the one of a JWS.
  const auto der = shop.node("how.ES256 = {};\nconsole.log(sign('ES256', 'p256.pem', {userId: 1, exp: 1999999999}))");
  bench.trust(Key::from_pem(Algorithm::es256, shop.read("p256.pub")));
  CHECK(reason(bench.identity, der) == "token.forged");
}

TEST_CASE("a public key is never a secret, whoever signs with it and wherever it stands") {
  const Workshop shop;
  shop.run(
      "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem && openssl pkey -in rsa.pem "
      "-pubout -out rsa.pub");
  Bench bench;
  bench.trust(Key::from_pem(Algorithm::rs256, shop.read("rsa.pub")), "k1");
  for (const std::string word : {"HS256", "HS384", "HS512"}) {
    const auto swapped = shop.node("const text = b64(JSON.stringify({alg: '" + word +
                                   "', kid: 'k1'})) + '.' + b64(JSON.stringify({userId: 10001, exp: 1999999999}));\n"
                                   "console.log(text + '.' + crypto.createHmac('sha" +
                                   word.substr(2) + "', fs.readFileSync('rsa.pub')).update(text).digest('base64url'))");
    CAPTURE(word);
    CHECK(reason(bench.identity, swapped) == (word == "HS256" ? "token.forged" : "token.algorithm"));
  }
  const auto pem = shop.read("rsa.pub");
  CHECK_FALSE(Key::from_secret(Algorithm::hs256, pem).ok());
  CHECK_THAT(Key::from_pem(Algorithm::hs256, pem).error().detail, Catch::Contains("takes a secret"));
  CHECK_THAT(Key::from_secret(Algorithm::rs256, secret).error().detail, Catch::Contains("takes a public key"));
  CHECK_THAT(Key::from_pem(Algorithm::es256, pem).error().detail, Catch::Contains("no key on the curve P-256"));
  CHECK_THAT(Key::from_pem(Algorithm::rs256, shop.read("rsa.pem")).error().detail, Catch::Contains("private key"));
  CHECK_THAT(Key::from_pem(Algorithm::rs256, "hello").error().detail, Catch::Contains("holds no public key"));
}

TEST_CASE("keys that can be broken are refused") {
  const Workshop shop;
  shop.run(
      "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa.pem && openssl pkey -in rsa.pem "
      "-pubout -out rsa.pub");
  CHECK_THAT(Key::from_pem(Algorithm::rs256, shop.read("rsa.pub")).error().detail,
             Catch::Contains("RSA key of 1024 bits; tokens need 2048"));
  const auto jwks = shop.node(
      "console.log(JSON.stringify({keys: [crypto.createPublicKey(fs.readFileSync('rsa.pem')).export({format: "
      "'jwk'})]}))");
  CHECK_THAT(read_key_set(jwks, std::nullopt, false).error().detail, Catch::Contains("1024 bits"));
  CHECK_THAT(Key::from_secret(Algorithm::hs512, "short").error().detail, Catch::Contains("at least 32 bytes"));
}

TEST_CASE("the key that kid names is the only one that is tried, and kid is nothing but a name") {
  const Workshop shop;
  shop.run(
      "for key in a b; do openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $key.pem; openssl "
      "pkey -in $key.pem -pubout -out $key.pub; done");
  Bench bench;
  bench.trust(Key::from_pem(Algorithm::es256, shop.read("a.pub")), "a");
  bench.trust(Key::from_pem(Algorithm::es256, shop.read("b.pub")), "b");
  int asked = 0;
  bench.identity.ring().on_unknown([&] { ++asked; });
  const auto token = [&](const std::string& key, const std::string& header) {
    return shop.node("console.log(sign('ES256', '" + key + ".pem', {userId: 10001, exp: 1999999999}, " + header + "))");
  };
  CHECK(reason(bench.identity, token("a", "{kid: 'a'}")) == "ok");
  CHECK(reason(bench.identity, token("b", "{}")) == "ok");
  CHECK(reason(bench.identity, token("a", "{kid: 'b'}")) == "token.forged");
  CHECK(asked == 1);
  for (const auto* kid : {"'c'", "'../../etc/passwd'", "\"a' OR '1'='1\"", "'a\\u0000'", "'|/bin/true'"}) {
    CHECK(reason(bench.identity, token("a", std::string("{kid: ") + kid + "}")) == "token.forged");
  }
  CHECK(asked == 6);
  for (const auto* kid : {"7", "['a']", "{}"}) {
    CHECK(reason(bench.identity, token("a", std::string("{kid: ") + kid + "}")) == "token.malformed");
  }
  // What a token brings with it is not a key, and no place to fetch one from.
  const auto with_key = shop.node(
      "const jwk = crypto.createPublicKey(fs.readFileSync('a.pem')).export({format: 'jwk'});\n"
      "console.log(sign('ES256', 'a.pem', {userId: 10001, exp: 1999999999}, {jwk, jku: 'http://127.0.0.1/', kid: "
      "'mine'}))");
  CHECK(reason(bench.identity, with_key) == "token.forged");
  CHECK(reason(bench.identity, token("a", "{crit: ['b64'], b64: false}")) == "token.algorithm");
}

TEST_CASE("issuer, audience and services are what the key may vouch for") {
  const Workshop shop;
  shop.run("openssl genpkey -quiet -algorithm ED25519 -out ed.pem && openssl pkey -in ed.pem -pubout -out ed.pub");
  const auto key = Key::from_pem(Algorithm::eddsa, shop.read("ed.pub"));
  const auto token = [&](const std::string& more) {
    return shop.node("console.log(sign('EdDSA', 'ed.pem', {userId: 10001, exp: 1999999999, " + more + "}))");
  };
  Bench bench;
  bench.trust(key, "", {"https://id.example", "chat", false});
  const std::string good = "iss: 'https://id.example', aud: ['mail', 'chat']";
  CHECK(reason(bench.identity, token(good)) == "ok");
  CHECK(reason(bench.identity, token("iss: 'https://id.example', aud: 'chat'")) == "ok");
  for (const auto* bad :
       {"iss: 'https://id.example'", "aud: 'chat'", "iss: 'loft', aud: 'chat'",
        "iss: 'https://id.example', aud: 'chats'", "iss: 'https://id.example', aud: [['chat']]",
        "iss: 'https://id.example', aud: {chat: 'chat'}", "iss: ['https://id.example'], aud: 'chat'"}) {
    CAPTURE(bad);
    CHECK(reason(bench.identity, token(bad)) == "token.forged");
  }
  CHECK_FALSE(bench.identity.verify(token(good + ", loft_service: true"))->service);

  Bench trusting;
  trusting.trust(key, "", {"", "", true});
  CHECK(trusting.identity.verify(token("loft_service: true"))->service);
  for (const auto* word : {"'true'", "1", "false", "null", "[true]"}) {
    CHECK_FALSE(trusting.identity.verify(token(std::string("loft_service: ") + word))->service);
  }
  // One key for two issuers: whichever fits.
  trusting.trust(key, "", {"https://id.example", "", false});
  CHECK(reason(trusting.identity, token("iss: 'https://id.example'")) == "ok");
}

TEST_CASE("keys of a set that are for something else, or malformed, are left out and named") {
  const std::string good =
      R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")";  // RFC 8037 A.2
  const auto set = [](const std::string& keys) {
    return read_key_set("{\"keys\":[" + keys + "]}", std::nullopt, false);
  };
  REQUIRE(set(good + "}").ok());
  CHECK(set(good + R"(,"use":"sig","key_ops":["sign","verify"],"alg":"EdDSA","kid":"a"})")->keys.at(0).kid == "a");
  const std::pair<std::string, const char*> cases[] = {
      {good + R"(,"use":"enc"})", "its use is not sig"},
      {good + R"(,"use":1})", "its use is not sig"},
      {good + R"(,"key_ops":["sign"]})", "do not have verify"},
      {good + R"(,"key_ops":"verify"})", "are no list"},
      {good + R"(,"alg":"RS256"})", "a key of type OKP does not do RS256"},
      {good + R"(,"alg":"HS256"})", "a key of type OKP does not do HS256"},
      {good + R"(,"alg":"none"})", "none is not one for signatures"},
      {good + R"(,"alg":7})", "must be texts"},
      {good + R"(,"kid":7})", "must be texts"},
      {good + R"(,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"})", "private key"},
      {R"({"kty":"OKP","crv":"Ed25519","x":"11qY"})", "no Ed25519 key"},
      {R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})", "are not known"},
      {R"({"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"})", "a secret has no place"},
      {R"({"kty":"RSA","n":"","e":"AQAB"})", "no usable modulus"},
      {R"({"kty":"RSA","n":"!!","e":"AQAB"})", "no usable modulus"},
      {R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})", "coordinates of another length"},
      {R"({"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"})",
       "no point of its curve"},
      {R"({"kty":"DSA"})", "are not known"},
      {"{}", "are not known"},
      {"7", "it is no object"}};
  for (const auto& [jwk, why] : cases) {
    CAPTURE(jwk);
    const auto alone = set(jwk);
    REQUIRE_FALSE(alone.ok());
    CHECK_THAT(alone.error().detail, Catch::Contains(why));
    const auto among = set(jwk + "," + good + "}");
    REQUIRE(among.ok());
    CHECK(among->keys.size() == 1);
    CHECK(among->left_out.size() == 1);
  }
  for (const auto* text : {"", "{", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":null})", "\xff"}) {
    CHECK_FALSE(read_key_set(text, std::nullopt, false).ok());
  }
  CHECK(read_key_set("{\"keys\":[" + good + "}]}", Algorithm::eddsa, false).ok());
  CHECK_THAT(read_key_set("{\"keys\":[" + good + "}]}", Algorithm::es256, false).error().detail,
             Catch::Contains("does not do ES256"));
  CHECK(
      read_key_set(R"({"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]})", std::nullopt, true)
          ->keys.size() == 1);
  std::string many;
  for (int i = 0; i < 100; ++i) many += (i == 0 ? "" : ",") + good + "}";
  CHECK(set(many)->keys.size() == most_keys);
}

TEST_CASE("an issuer whose keys could not be had yet is not the client's fault") {
  const Workshop shop;
  shop.run("openssl genpkey -quiet -algorithm ED25519 -out ed.pem && openssl pkey -in ed.pem -pubout -out ed.pub");
  const auto token = shop.node(std::string("console.log(sign('EdDSA', 'ed.pem', ") + claims + "))");
  Bench bench;
  CHECK(reason(bench.identity, token) == "token.algorithm");
  const auto source = bench.identity.ring().add({}, true);
  CHECK(bench.identity.verify(token).error().code == Code::unavailable);
  CHECK(reason(bench.identity, token) == "token.keys_missing");
  CHECK(reason(bench.identity, bench.identity.mint({static_cast<UserId>(1), "ann", "u", 0}, 1000)) == "ok");
  bench.identity.ring().put(source, {{*Key::from_pem(Algorithm::eddsa, shop.read("ed.pub")), ""}});
  CHECK(reason(bench.identity, token) == "ok");
}
