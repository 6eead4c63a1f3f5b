#include "identity/jwt.hpp"

#include <catch2/catch.hpp>

using namespace loft;

namespace {

struct FixedClock final : Clock {
  Millis time = 1'760'000'000'000;
  Millis now() const noexcept override { return time; }
  Millis steady() const noexcept override { return 0; }
};

constexpr auto secret = "0123456789abcdef0123456789abcdef";

std::string reason(const JwtIdentity& identity, std::string_view token) {
  const auto result = identity.verify(token);
  if (result) return "ok";
  CHECK(result.error().code == Code::unauthenticated);
  return result.error().reason;
}

/// For the vectors below that never end.
constexpr identity::ClaimRules endless{0, false};

const User ann{static_cast<UserId>(10001), "ann", "123e4567-e89b-12d3-a456-426614174000", 0};

std::vector<std::string> parts(const std::string& token) {
  const auto a = token.find('.');
  const auto b = token.find('.', a + 1);
  return {token.substr(0, a), token.substr(a + 1, b - a - 1), token.substr(b + 1)};
}

// Signed with `secret` by an independent implementation (Python's hmac).
constexpr auto other_claims =
    "eyJhbGciOiAiSFMyNTYifQ.eyJ1c2VySWQiOiAxMDAwMSwgImV4cCI6IDE5OTk5OTk5OTl9.2Q7Ij7Yr0_6lTNpOx_CvCcKbOge7yV3_"
    "fNew3qPY63E";
constexpr auto hs512 =
    "eyJhbGciOiAiSFM1MTIifQ.eyJ1c2VySWQiOiAxfQ.4nyb8t5F15xfSOU-l4aG1EFKecv_X44tURm4wTF3jwJnzvymbE7enydiXTqe7QrvT_"
    "VSrX0Q5Mf89f_JEBfFTg";
constexpr auto not_yet =
    "eyJhbGciOiAiSFMyNTYifQ.eyJ1c2VySWQiOiAxLCAibmJmIjogMTkwMDAwMDAwMH0.RvLrn6Dhkma-m0h41BtQlkfdi7t-5gUqWkS3wkjYoXc";
constexpr auto nobody = "eyJhbGciOiAiSFMyNTYifQ.eyJleHAiOiAxOTk5OTk5OTk5fQ.gwu6ZiSH6rs0iTT8OFqBh7M75LkVEpAttzVJMA75nPM";
constexpr auto list_claims = "eyJhbGciOiAiSFMyNTYifQ.WzFd.6JV6fVlMO9Zq4_7DU0hBJznYE74xPi9Zkco7YnlnxgE";
constexpr auto text_exp =
    "eyJhbGciOiAiSFMyNTYifQ.eyJ1c2VySWQiOiAxLCAiZXhwIjogInNvb24ifQ.oTSc4oPlrqksc3uqEjlqDQ8MzcsTzWDaY-PM3SFbBoc";

}  // namespace

TEST_CASE("a minted token says who it is for, and each has an id of its own") {
  FixedClock clock;
  const JwtIdentity identity(secret, "loft", 30'000, clock);
  const auto token = identity.mint(ann, 60'000);
  const auto claims = identity.verify(token);
  REQUIRE(claims.ok());
  CHECK(claims->subject == ann.uuid);
  CHECK(claims->handle == "ann");
  CHECK(claims->user_id == 10001);
  CHECK(claims->expires == clock.time + 60'000);
  CHECK(identity.mint(ann, 60'000) != token);
}

TEST_CASE("tokens of other makers are believed when the secret is the same") {
  FixedClock clock;
  const auto claims = JwtIdentity(secret, "", 0, clock).verify(other_claims);
  REQUIRE(claims.ok());
  CHECK(claims->user_id == 10001);
  CHECK(claims->handle.empty());
  CHECK(claims->expires == 1'999'999'999'000);
}

TEST_CASE("a token that never ends is refused unless the operator wants such tokens") {
  FixedClock clock;
  clock.time = 1'950'000'000'000;
  const JwtIdentity strict(secret, "", 0, clock);
  CHECK(reason(strict, not_yet) == "token.malformed");
  CHECK(strict.verify(not_yet).error().detail == "exp is missing: a token must end");
  const auto claims = JwtIdentity(secret, "", endless, clock).verify(not_yet);
  REQUIRE(claims.ok());
  CHECK(claims->expires == 0);
  CHECK(claims->believed_until == 0);
}

TEST_CASE("a service's token says so, and nobody else's does") {
  FixedClock clock;
  const JwtIdentity identity(secret, "loft", 0, clock);
  CHECK_FALSE(identity.verify(identity.mint(ann, 60'000))->service);
  CHECK(identity.verify(identity.mint(ann, 60'000, true))->service);
  CHECK_FALSE(identity.verify(*identity.issue(ann, 60'000))->service);
}

TEST_CASE("a contract's rules choose the claim that names the user, and the algorithms") {
  FixedClock clock;
  const JwtIdentity identity(secret, "loft", 0, clock);
  const auto token = identity.mint(ann, 60'000);
  const auto named = [&](std::string claim, UserRef::By by) {
    return identity.verify(token, TokenRules{std::move(claim), by, {}});
  };
  CHECK_FALSE(identity.verify(token)->named);
  CHECK(identity.verify(token)->user().number == 10001);
  CHECK(named("sub", UserRef::By::uuid)->user().text == ann.uuid);
  CHECK(named("sub", UserRef::By::uuid)->user().by == UserRef::By::uuid);
  CHECK(named("uid", UserRef::By::handle)->user().text == "ann");
  CHECK(named("userId", UserRef::By::id)->user().number == 10001);
  CHECK(named("userId", UserRef::By::handle_or_id)->user().text == "10001");
  for (const auto& [claim, by] : {std::pair("email", UserRef::By::handle), std::pair("uid", UserRef::By::uuid),
                                  std::pair("uid", UserRef::By::id), std::pair("sub", UserRef::By::id)}) {
    CAPTURE(claim);
    const auto refused = named(claim, by);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().reason == "token.malformed");
  }
  CHECK(identity.verify(token, TokenRules{"", UserRef::By::id, {"RS256", "HS256"}}).ok());
  CHECK(identity.verify(token, TokenRules{"", UserRef::By::id, {"RS256"}}).error().reason == "token.algorithm");
}

TEST_CASE("the vector of RFC 7515 A.1 verifies up to its lack of a user") {
  // The RFC's key, 64 bytes; it expired in 2011.
  const unsigned char key[] = {3,   35,  53, 75,  43,  15, 165, 188, 131, 126, 6,   101, 119, 123, 166, 143,
                               90,  179, 40, 230, 240, 84, 201, 40,  169, 15,  132, 178, 210, 80,  46,  191,
                               211, 251, 90, 146, 210, 6,  71,  239, 150, 138, 180, 195, 119, 98,  61,  34,
                               61,  46,  33, 114, 5,   46, 79,  8,   192, 205, 154, 245, 103, 208, 128, 163};
  const std::string rfc_key(reinterpret_cast<const char*>(key), sizeof key);
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  FixedClock clock;
  const JwtIdentity identity(rfc_key, "joe", 0, clock);
  CHECK(reason(identity, token) == "token.expired");
  clock.time = 1'300'000'000'000;
  CHECK(reason(identity, token) == "token.malformed");
  CHECK(identity.verify(token).error().detail == "no claim names a user");
  CHECK(reason(JwtIdentity(rfc_key + "x", "joe", 0, clock), token) == "token.forged");
}

TEST_CASE("forged, swapped and truncated tokens are refused") {
  FixedClock clock;
  const JwtIdentity identity(secret, "loft", 0, clock);
  const auto token = identity.mint(ann, 60'000);
  const auto mine = parts(token);
  const auto bob = parts(identity.mint({static_cast<UserId>(2), "bob", ann.uuid, 0}, 60'000));
  CHECK(reason(identity, mine[0] + "." + bob[1] + "." + mine[2]) == "token.forged");
  CHECK(reason(JwtIdentity("fedcba9876543210fedcba9876543210", "loft", 0, clock), token) == "token.forged");
  CHECK(reason(JwtIdentity(secret, "other", 0, clock), token) == "token.forged");
  for (std::size_t i = 1; i < token.size(); ++i) {
    const auto cut = reason(identity, std::string_view(token).substr(0, i));
    CHECK((cut == "token.malformed" || cut == "token.forged"));
  }
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(reason(identity, changed) != "ok");
  }
}

TEST_CASE("only HS256 is accepted, whatever the header asks for") {
  FixedClock clock;
  const JwtIdentity identity(secret, "loft", 0, clock);
  const auto mine = parts(identity.mint(ann, 60'000));
  // {"alg":"none"}
  CHECK(reason(identity, "eyJhbGciOiJub25lIn0." + mine[1] + ".") == "token.algorithm");
  CHECK(reason(identity, "eyJhbGciOiJub25lIn0." + mine[1] + "." + mine[2]) == "token.algorithm");
  CHECK(reason(JwtIdentity(secret, "", endless, clock), hs512) == "token.algorithm");
  CHECK(reason(identity, "e30." + mine[1] + "." + mine[2]) == "token.algorithm");  // {}
}

TEST_CASE("a token counts from nbf to exp, give or take the leeway") {
  FixedClock clock;
  const JwtIdentity identity(secret, "loft", 30'000, clock);
  const auto token = identity.mint(ann, 60'000);
  clock.time += 60'000 + 29'999;
  CHECK(reason(identity, token) == "ok");
  clock.time += 1;
  CHECK(reason(identity, token) == "token.expired");

  const JwtIdentity open(secret, "", identity::ClaimRules{30'000, false}, clock);
  clock.time = 1'900'000'000'000 - 30'001;
  CHECK(reason(open, not_yet) == "token.not_yet");
  clock.time += 1;
  CHECK(reason(open, not_yet) == "ok");
}

TEST_CASE("what is no token is malformed") {
  FixedClock clock;
  const JwtIdentity identity(secret, "", endless, clock);
  CHECK(reason(identity, "") == "token.missing");
  const auto mine = parts(identity.mint(ann, 60'000));
  for (const std::string& token : std::vector<std::string>{
           "a", "..", "a.b", "a.b.c", "....", "\xff.\xff.\xff", std::string(9000, 'a'),
           mine[0] + "." + mine[1] + "." + mine[2] + ".x", mine[0] + "=." + mine[1] + "." + mine[2],
           mine[0] + "." + mine[1] + "." + mine[2] + "=", " " + mine[0] + "." + mine[1] + "." + mine[2]}) {
    CHECK(reason(identity, token) == "token.malformed");
  }
  CHECK(reason(identity, nobody) == "token.malformed");
  CHECK(reason(identity, list_claims) == "token.malformed");
  CHECK(reason(identity, text_exp) == "token.malformed");
}
