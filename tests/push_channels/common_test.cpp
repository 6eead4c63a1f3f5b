#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "common/retry_after.hpp"
#include "common/signer.hpp"
#include "common/text.hpp"
#include "common/token_doubt.hpp"

using namespace loft::push;

TEST_CASE("Retry-After is read as seconds and as a date, and nonsense is no wait") {
  const auto now = std::chrono::system_clock::from_time_t(784'111'717);  // Sun, 06 Nov 1994 08:48:37 GMT
  CHECK(parse_retry_after("120", now) == 120'000);
  CHECK(parse_retry_after("0", now) == 0);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now) == 60'000);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:40:37 GMT", now) == 0);
  CHECK(parse_retry_after("-5", now) == 0);
  CHECK(parse_retry_after("", now) == 0);
  CHECK(parse_retry_after("soon", now) == 0);
  CHECK(parse_retry_after("99999999999999999999999", now) == longest_retry_after);
  CHECK(header_value("Retry-After:  7 ", "retry-after") == "7");
  CHECK_FALSE(header_value("Retry-Afterwards: 7", "retry-after"));
}

TEST_CASE("a text is cut between characters, and says so") {
  CHECK(cut("short", 5) == "short");
  CHECK(cut("longer text", 8) == "longe\xE2\x80\xA6");
  CHECK(cut("\xE4\xBD\xA0\xE5\xA5\xBD\xE5\x90\x97", 8) == "\xE4\xBD\xA0\xE2\x80\xA6");
  CHECK(cut("longer", 2).empty());
  CHECK(whole("\xE4\xBD\xA0\xE5\xA5\xBD", 5) == "\xE4\xBD\xA0");
  CHECK(whole("abc", 5) == "abc");
  CHECK(whole("\xE4\xBD\xA0", 2).empty());
  CHECK(clean("a\xFFz") == "a\xEF\xBF\xBDz");
}

TEST_CASE("what a provider calls a reason is repeated only if it is a word") {
  CHECK(reason_word("BadDeviceToken", "x") == "BadDeviceToken");
  CHECK(reason_word("<b>text</b>", "status_400") == "status_400");
  CHECK(reason_word("", "status_400") == "status_400");
  CHECK(reason_word(std::string(65, 'a'), "status_400") == "status_400");
  CHECK_FALSE(is_plain_token("a b"));
  CHECK_FALSE(is_plain_token("a\r\nb"));
  CHECK_FALSE(is_plain_token(""));
}

TEST_CASE("device tokens that are called bad are believed once something was accepted") {
  TokenDoubt doubt;
  for (int i = 0; i < 19; ++i) CHECK(doubt.called_bad() == TokenDoubt::Belief::unsure);
  CHECK(doubt.called_bad() == TokenDoubt::Belief::all_bad);
  doubt.accepted();
  CHECK(doubt.called_bad() == TokenDoubt::Belief::dead);
}

TEST_CASE("what is no key that can sign is refused with what is wrong with it") {
  const auto why = [](Signer::Kind kind, std::string_view pem) {
    const auto made = Signer::from_pem(kind, pem);
    return made ? std::string() : made.error().detail;
  };
  constexpr auto es256 = Signer::Kind::es256;
  CHECK(why(es256, "hello").find("no PEM") != std::string::npos);
  CHECK(why(es256, "-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----").find("public key") != std::string::npos);
  CHECK(why(es256, "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----").find("certificate") !=
        std::string::npos);
  CHECK(why(es256, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA\n").find("encrypted") != std::string::npos);
  CHECK(why(es256, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").find("damaged") !=
        std::string::npos);
  CHECK_FALSE(read_secret_file("/nonexistent/key.p8"));
  CHECK_FALSE(read_secret_file("/"));
}
