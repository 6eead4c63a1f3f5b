#include "http/text.hpp"

#include <catch2/catch.hpp>

#include <loft/http_status.hpp>

#include "http/response.hpp"

using namespace loft;
using namespace loft::http;

TEST_CASE("percent-encoding is decoded; broken sequences stay") {
  CHECK(decode("a%20b%2Fc", false) == "a b/c");
  CHECK(decode("a+b", true) == "a b");
  CHECK(decode("a+b", false) == "a+b");
  CHECK(decode("%e4%BD%a0", false) == "\xE4\xBD\xA0");
  CHECK(decode("%", true) == "%");
  CHECK(decode("%4", true) == "%4");
  CHECK(decode("%zz%41", true) == "%zzA");
}

TEST_CASE("query parameters: the first of a name, decoded; missing is not empty") {
  CHECK(query_value("a=1&b=2&a=3", "a") == "1");
  CHECK(query_value("a=1&b=x%26y+z", "b") == "x&y z");
  CHECK(query_value("a&b=", "a") == "");
  CHECK(query_value("a&b=", "b") == "");
  CHECK(query_value("na%6De=v", "name") == "v");
  CHECK(query_value("ab=1", "a") == std::nullopt);
  CHECK(query_value("", "a") == std::nullopt);
  CHECK(query_value("a=b=c", "a") == "b=c");
}

TEST_CASE("tokens and values are what RFC 9110 says") {
  CHECK(is_token("X-Request-Id"));
  CHECK_FALSE(is_token(""));
  CHECK_FALSE(is_token("a b"));
  CHECK_FALSE(is_token(std::string_view("a\0b", 3)));
  CHECK(is_value("a\tb \xC3\xA4"));
  CHECK_FALSE(is_value("a\r\nb"));
  CHECK_FALSE(is_value(std::string_view("\0", 1)));
}

TEST_CASE("a contract cannot break out of a header, nor set the transport's own") {
  const HttpHeader more[] = {
      {"X-A", "1\r\nSet-Cookie: x"},   {"X-B\r\n", "2"}, {"X C", "3"}, {"X-D", "4"}, {"Content-Length", "99"},
      {"transfer-encoding", "chunked"}};
  std::string out;
  CHECK(append_head(out, {.type = "text/plain\r\nX: y", .length = 2, .more = more}, 0) == 4);
  CHECK(
      out ==
      "HTTP/1.1 200 OK\r\nServer: loft\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\nX-D: 4\r\n\r\n");
}

TEST_CASE("the date follows the clock") {
  std::string out;
  append_head(out, {.status = 204}, 784'111'777'000);
  CHECK(out == "HTTP/1.1 204 No Content\r\nServer: loft\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
  out.clear();
  append_head(out, {.status = 204}, 784'111'778'000);
  CHECK(out.find("08:49:38") != std::string::npos);
}

TEST_CASE("a status has the phrase of RFC 9110, of RFC 6585, or is unknown") {
  CHECK(status_phrase(200) == "OK");
  CHECK(status_phrase(405) == "Method Not Allowed");
  CHECK(status_phrase(413) == "Content Too Large");
  CHECK(status_phrase(431) == "Request Header Fields Too Large");
  CHECK(status_phrase(505) == "HTTP Version Not Supported");
  CHECK(status_phrase(299) == "Unknown");
}

TEST_CASE("a problem document leaves out what is not said, and escapes what is") {
  CHECK(problem(426, {}) == R"({"type":"about:blank","title":"Upgrade Required","status":426})");
  CHECK(problem(400, "no \"x\"") == R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"no \"x\""})");
  CHECK(problem(409, {}, "a.b") == R"({"type":"about:blank","title":"Conflict","status":409,"reason":"a.b"})");
}
