// Signatures that are remembered, and everything that must not be.
#include "identity/verified.hpp"

#include <catch2/catch.hpp>

#include <thread>

#include "identity/jwt.hpp"
#include "signer.hpp"

using namespace loft;
using namespace loft::tests;
using identity::Verified;

namespace {

struct FixedClock final : Clock {
  Millis time = 1'760'000'000'000;
  Millis now() const noexcept override { return time; }
  Millis steady() const noexcept override { return 0; }
};

/// A host that believes one issuer.
struct Host {
  FixedClock clock;
  JwtIdentity tokens{own_secret, "loft", Millis{0}, clock};
  std::size_t source = tokens.ring().add({"issuer", {}, false}, false);
  Signer signer{"one"};

  Host() { tokens.ring().put(source, signer.keys()); }
  std::string token(Millis lives = 3'600'000, const std::string& more = {}) const {
    return signer.token(R"({"iss":"issuer","uid":"ann","sub":"s","exp":)" +
                        std::to_string((clock.time + lives) / 1000) + more + "}");
  }
  std::string verdict(const std::string& token, const TokenRules& rules = {}) const {
    const auto claims = tokens.verify(token, rules);
    return claims ? claims->handle : claims.error().reason;
  }
};

/// Whether this thread knows the token's signature with the keys as they are.
bool remembers(Host& host, const std::string& token) {
  return Verified::of_thread().find(token, host.tokens.ring().keys()->number) != nullptr;
}

}  // namespace

TEST_CASE("only the whole token, with the same state of the keys, is remembered") {
  Verified it(1);  // all tokens fall into the same two places
  const auto holds = [&](std::string_view token, std::uint64_t keys) { return it.find(token, keys) != nullptr; };
  CHECK_FALSE(holds("", 0));
  it.note("a.b.c", "{}", 7, 1);
  CHECK(holds("a.b.c", 7));
  CHECK(it.find("a.b.c", 7)->key == 1);
  CHECK(it.find("a.b.c", 7)->claims == "{}");
  CHECK_FALSE(holds("a.b.d", 7));
  CHECK_FALSE(holds("a.b.cc", 7));
  CHECK_FALSE(holds("a.b.c", 8));
  it.note("x", "{}", 7, 1);
  CHECK(holds("x", 7));
  CHECK(holds("a.b.c", 7));
  it.note("y", "{}", 7, 1);
  CHECK(holds("y", 7));
  CHECK(holds("x", 7));
  CHECK_FALSE(holds("a.b.c", 7));  // its place is gone
  const std::string longest(Verified::longest, 'x');
  it.note(longest + "x", "{}", 7, 1);
  CHECK_FALSE(holds(longest + "x", 7));
  CHECK(holds("y", 7));
  it.note(longest, "{}", 7, 1);
  CHECK(holds(longest, 7));
  CHECK_FALSE(holds(longest.substr(1) + "y", 7));
}

TEST_CASE("the signature of a token that comes again is not checked again, nor of one of the host's own") {
  Host host;
  User ann;
  ann.id = static_cast<UserId>(7);
  ann.handle = "ann";
  for (const auto& token : {host.token(), host.tokens.mint(ann, 60'000)}) {
    CHECK_FALSE(remembers(host, token));
    CHECK(host.verdict(token) == "ann");
    CHECK(remembers(host, token));
    CHECK(host.verdict(token) == "ann");
    std::thread([&] {
      CHECK_FALSE(remembers(host, token));  // each thread has its own
      CHECK(host.verdict(token) == "ann");
      CHECK(remembers(host, token));
    }).join();
  }
}

TEST_CASE("what is remembered is believed without a look at the signature") {
  Host host;
  const auto token = host.token();
  const auto unsigned_one = token.substr(0, token.rfind('.') + 1) + "AAAA";
  CHECK(host.verdict(unsigned_one) == "token.forged");
  CHECK(host.verdict(token) == "ann");
  const auto keys = host.tokens.ring().keys()->number;
  const auto known = *Verified::of_thread().find(token, keys);
  Verified::of_thread().note(unsigned_one, known.claims, keys, known.key);
  CHECK(host.verdict(unsigned_one) == "ann");  // so the key was not asked
}

TEST_CASE("a remembered token still begins, ends, and is held to each contract's rules") {
  Host host;
  const auto token = host.token(60'000),
             late = host.token(120'000, R"(,"nbf":)" + std::to_string(host.clock.time / 1000));
  TokenRules only_rsa, subject;
  only_rsa.algorithms = {"RS256"};
  subject.claim = "nobody";
  CHECK(host.verdict(token) == "ann");
  CHECK(host.verdict(late) == "ann");
  CHECK(host.verdict(token, only_rsa) == "token.algorithm");
  CHECK(host.verdict(token, subject) == "token.malformed");
  host.clock.time -= 1'000;
  CHECK(host.verdict(late) == "token.not_yet");
  host.clock.time += 61'000;
  CHECK(host.verdict(token) == "token.expired");
  CHECK(host.verdict(late) == "ann");
}

TEST_CASE("a changed token is forged, also one that was remembered unchanged") {
  Host host;
  const auto token = host.token();
  CHECK(host.verdict(token) == "ann");
  const auto dot = token.rfind('.');
  for (const auto at : {dot - 1, dot + 1, dot + 40}) {
    auto other = token;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    CHECK(host.verdict(other).starts_with("token."));
    CHECK(host.verdict(other).starts_with("token."));
  }
  CHECK(host.verdict(token) == "ann");
}

TEST_CASE("when keys change, what was remembered with the old ones counts no longer") {
  Host host;
  const auto token = host.token();
  CHECK(host.verdict(token) == "ann");
  CHECK(host.verdict(token) == "ann");
  const Signer next("one");  // of the same name
  host.tokens.ring().put(host.source, next.keys());
  CHECK(host.verdict(token) == "token.forged");
  host.tokens.ring().put(host.source, {});
  CHECK(host.verdict(token) == "token.algorithm");
  host.tokens.ring().put(host.source, host.signer.keys());
  CHECK_FALSE(remembers(host, token));
  CHECK(host.verdict(token) == "ann");  // checked anew
  CHECK(remembers(host, token));
}

TEST_CASE("what one host has verified another does not believe") {
  Host one, other;
  const auto token = one.token();
  CHECK(one.verdict(token) == "ann");
  CHECK(other.verdict(token) == "token.forged");
}
