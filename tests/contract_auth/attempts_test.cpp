#include "attempts.hpp"

#include <catch2/catch.hpp>

#include "hashing.hpp"

using namespace loft;
using namespace loft::auth;

TEST_CASE("so many attempts are allowed in a window, and the answer says how long to wait") {
  start_hashing();
  Attempts attempts(3, 60'000);
  for (int i = 0; i < 3; ++i) CHECK(attempts.take("ann", 1'000'000 + i * 1000) == 0);
  CHECK(attempts.take("ann", 1'010'000) == 50'000);
  CHECK(attempts.take("bob", 1'010'000) == 0);
  CHECK(attempts.take("ann", 1'059'999) == 1);
  CHECK(attempts.take("ann", 1'060'000) == 0);
}

TEST_CASE("an attempt that was right does not count") {
  start_hashing();
  Attempts attempts(2, 60'000);
  for (int i = 0; i < 20; ++i) {
    CHECK(attempts.take("ann", 1'000'000) == 0);
    attempts.give_back("ann", 1'000'000);
  }
  CHECK(attempts.take("ann", 1'000'000) == 0);
  CHECK(attempts.take("ann", 1'000'000) == 0);
  CHECK(attempts.take("ann", 1'000'000) > 0);
  attempts.give_back("nobody", 1'000'000);
}

TEST_CASE("the table stays as large as it is, whoever comes") {
  start_hashing();
  Attempts attempts(1, 60'000, 8);
  int refused = 0;
  for (int i = 0; i < 1000; ++i) refused += attempts.take(std::to_string(i), 1'000'000) > 0 ? 1 : 0;
  CHECK(refused == 992);
}

TEST_CASE("an IPv6 client is its network of 64 bits, an IPv4 client itself") {
  CHECK(network_of("2001:db8::1") == network_of("2001:db8::ffff:1"));
  CHECK(network_of("2001:db8::1") != network_of("2001:db8:0:1::1"));
  CHECK(network_of("fe80::1%eth0") == network_of("fe80::2"));
  CHECK(network_of("192.0.2.1") == "192.0.2.1");
  CHECK(network_of("192.0.2.1") != network_of("192.0.2.2"));
  CHECK(network_of("::ffff:192.0.2.1") != network_of("::ffff:192.0.2.2"));
}

TEST_CASE("a hash is of its password only, and says what it cost") {
  start_hashing();
  const Cost cheap{8 << 20, 1};
  const auto text = hash("correct horse", cheap);
  CHECK(text.starts_with("$argon2id$v=19$m=8192,t=1,p=1$"));
  CHECK(hash("correct horse", cheap) != text);
  CHECK(matches(text, "correct horse") == Match::yes);
  CHECK(matches(text, "correct hors") == Match::no);
  CHECK(matches(text, "") == Match::no);
  CHECK(matches("", "") == Match::no);
  CHECK(matches("nonsense", "correct horse") == Match::no);
  CHECK(matches(std::string(1000, '$'), "correct horse") == Match::no);
  CHECK_FALSE(is_outdated(text, cheap));
  CHECK(is_outdated(text, {16 << 20, 1}));
  CHECK(is_outdated(text, {8 << 20, 2}));
}

TEST_CASE("the hash of nothing costs what a real one does, and nothing matches it") {
  start_hashing();
  const Cost cost{8 << 20, 2};
  const auto nothing = hash_of_nothing(cost);
  CHECK(nothing.size() == hash("x", cost).size());
  CHECK_FALSE(is_outdated(nothing, cost));  // libsodium reads it as one of its own
  CHECK(matches(nothing, "") == Match::no);
}
