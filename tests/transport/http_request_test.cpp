// Each script of client bytes has one right answer, and is delivered in many splits.
#include <catch2/catch.hpp>

#include "http_support.hpp"
#include "splits.hpp"

using namespace loft;
using namespace loft::test;

namespace {

struct Case {
  std::string name;
  std::string input;
  std::vector<std::string> seen;
  std::string sent;
  bool open = true;
};

std::string with_head(std::string_view lines) { return std::string(lines) + "\r\n\r\n"; }

std::vector<Case> good_cases() {
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  return {
      {"get", get("/a?b=c%20d"), {"0 /a?b=c%20d"}, ok("/a")},
      {"pipelined",
       get("/1") + get("/2") + post("/3", "x") + get("/4"),
       {"0 /1", "0 /2", "2 /3|x", "0 /4"},
       ok("/1") + ok("/2") + ok("/3") + ok("/4")},
      {"empty lines before a request",
       "\r\n\r\n" + get("/a") + "\r\n" + get("/b"),
       {"0 /a", "0 /b"},
       ok("/a") + ok("/b")},
      {"body", post("/p", "hello"), {"2 /p|hello"}, ok("/p")},
      {"empty body", post("/p", ""), {"2 /p"}, ok("/p")},
      {"chunked",
       with_head("PUT /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked") +
           "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n" + get("/n"),
       {"3 /p|hello world", "0 /n"},
       ok("/p") + ok("/n")},
      {"chunked and empty",
       with_head("POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked") + "0\r\nX: y\r\n\r\n" + get("/n"),
       {"2 /p", "0 /n"},
       ok("/p") + ok("/n")},
      {"chunked with trailer",
       with_head("POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked") + "1\r\nx\r\n0\r\nHost: evil\r\n\r\n" +
           get("/n"),
       {"2 /p|x", "0 /n"},
       ok("/p") + ok("/n")},
      {"methods",
       with_head("DELETE /d HTTP/1.1\r\nHost: a") + with_head("PATCH /d HTTP/1.1\r\nHost: a") +
           with_head("OPTIONS * HTTP/1.1\r\nHost: a") + with_head("PURGE /d HTTP/1.1\r\nHost: a"),
       {"5 /d", "4 /d", "6 *", "7 /d"},
       ok("/d") + ok("/d") + ok("*") + ok("/d")},
      {"absolute form",
       with_head("GET http://h:80/p?q HTTP/1.1\r\nHost: h") + with_head("GET HTTP://h HTTP/1.1\r\nHost: h") +
           with_head("GET http://h?q HTTP/1.1\r\nHost: h"),
       {"0 /p?q", "0 /", "0 /?q"},
       ok("/p") + ok("/") + ok("/")},
      {"HTTP/1.0 closes", with_head("GET /a HTTP/1.0") + get("/b"), {"0 /a"}, ok("/a", "\r\nConnection: close"), false},
      {"HTTP/1.0 keep-alive",
       with_head("GET /a HTTP/1.0\r\nConnection: keep-alive") + get("/b"),
       {"0 /a", "0 /b"},
       ok("/a", "\r\nConnection: keep-alive") + ok("/b")},
      {"close", get("/a", "Connection: close\r\n") + get("/b"), {"0 /a"}, ok("/a", "\r\nConnection: close"), false},
      {"expectation",
       with_head("POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2") + "hi",
       {"2 /p|hi"},
       go_on + ok("/p")},
      {"expectation without a body", get("/p", "Expect: 100-continue\r\n"), {"0 /p"}, ok("/p")},
      {"expectation of HTTP/1.0 is not met",
       with_head("POST /p HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2") + "hi",
       {"2 /p|hi"},
       ok("/p", "\r\nConnection: close"),
       false},
      {"head",
       with_head("HEAD /abc HTTP/1.1\r\nHost: a") + get("/n"),
       {"1 /abc", "0 /n"},
       "HTTP/1.1 200 OK" + head_lines + "\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n" + ok("/n")},
      {"no request yet", "GET /a HT", {}, ""},
  };
}

// A table. NOLINTNEXTLINE(readability-function-size)
std::vector<Case> bad_cases() {
  const auto bad = [](std::string_view error) { return refused("400 Bad Request", error); };
  const auto malformed = bad("the request is malformed");
  const auto line = bad("a line does not end in CR LF");
  const std::string p = "POST /p HTTP/1.1\r\nHost: a\r\n";
  std::vector<Case> all = {
      {"no host", with_head("GET / HTTP/1.1"), {}, bad("exactly one Host header is needed"), false},
      {"two hosts", get("/", "Host: b\r\n"), {}, bad("exactly one Host header is needed"), false},
      {"host with path", with_head("GET / HTTP/1.1\r\nHost: a/b"), {}, bad("Host is malformed"), false},
      {"length and coding",
       with_head(p + "Content-Length: 3\r\nTransfer-Encoding: chunked") + "0\r\n\r\n",
       {},
       malformed,
       false},
      {"coding and length",
       with_head(p + "Transfer-Encoding: chunked\r\nContent-Length: 3") + "0\r\n\r\n",
       {},
       malformed,
       false},
      {"two lengths, the same",
       with_head(p + "Content-Length: 3\r\nContent-Length: 3") + "abc",
       {},
       bad("two Content-Length headers"),
       false},
      {"two lengths", with_head(p + "Content-Length: 3\r\nContent-Length: 4") + "abcd", {}, malformed, false},
      {"two users",
       with_head(p + "X-User-ID: ann\r\nx-user-id: ann"),
       {},
       bad("a header that may stand once stands twice"),
       false},
      {"two keys",
       with_head(p + "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: b"),
       {},
       bad("a header that may stand once stands twice"),
       false},
      {"length list", with_head(p + "Content-Length: 3, 3") + "abc", {}, bad("Content-Length is not a number"), false},
      {"length with sign", with_head(p + "Content-Length: +3") + "abc", {}, malformed, false},
      {"negative length", with_head(p + "Content-Length: -3"), {}, malformed, false},
      {"length beyond 64 bits", with_head(p + "Content-Length: 99999999999999999999"), {}, malformed, false},
      {"folded header", with_head(p + "X: a\r\n b"), {}, bad("a header is folded over lines"), false},
      {"folded with tab", with_head(p + "X: a\r\n\tb"), {}, bad("a header is folded over lines"), false},
      {"bare line feeds", "GET / HTTP/1.1\nHost: a\n\n", {}, line, false},
      {"bare line feed in a header", with_head("GET / HTTP/1.1\r\nHost: a\nX: y"), {}, line, false},
      {"bare carriage return", with_head("GET / HTTP/1.1\r\nHost: a\rX: y"), {}, malformed, false},
      {"space before the colon", with_head(p + "Content-Length : 3") + "abc", {}, malformed, false},
      {"no colon", with_head(p + "nonsense"), {}, malformed, false},
      {"NUL in a value", with_head(p + std::string("X: a\0b", 6)), {}, malformed, false},
      {"no target", with_head("GET HTTP/1.1\r\nHost: a"), {}, malformed, false},
      {"relative target", with_head("GET a/b HTTP/1.1\r\nHost: a"), {}, bad("the request target is malformed"), false},
      {"target with fragment",
       with_head("GET /a#b HTTP/1.1\r\nHost: a"),
       {},
       bad("the request target is malformed"),
       false},
      {"authority form",
       with_head("CONNECT a:1 HTTP/1.1\r\nHost: a"),
       {},
       bad("the request target is malformed"),
       false},
      {"other scheme",
       with_head("GET ftp://a/ HTTP/1.1\r\nHost: a"),
       {},
       bad("the request target is malformed"),
       false},
      {"star for get", with_head("GET * HTTP/1.1\r\nHost: a"), {}, bad("the request target is malformed"), false},
      {"version 2",
       with_head("GET / HTTP/2.0\r\nHost: a"),
       {},
       refused("505 HTTP Version Not Supported", "only HTTP/1.0 and HTTP/1.1 are spoken"),
       false},
      {"other coding",
       with_head(p + "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n",
       {},
       refused("501 Not Implemented", "only the transfer coding 'chunked' is known"),
       false},
      {"coding twice",
       with_head(p + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") + "0\r\n\r\n",
       {},
       malformed,
       false},
      {"coding in HTTP/1.0",
       with_head("POST / HTTP/1.0\r\nTransfer-Encoding: chunked") + "0\r\n\r\n",
       {},
       bad("Transfer-Encoding needs HTTP/1.1"),
       false},
      {"waits for four bytes that decide nothing yet",
       with_head(p + "Transfer-Encoding: chunked") + "1\r\na\r\n0\r",
       {},
       "",
       true},
      {"waits for a chunk that may still be good", with_head(p + "Transfer-Encoding: chunked") + "1f;a", {}, "", true},
      {"a chunk size of two letters, and then nothing",
       with_head(p + "Transfer-Encoding: chunked") + "zz\r\n",
       {},
       bad("the body is malformed"),
       false},
      {"a chunk size that begins well",
       with_head(p + "Transfer-Encoding: chunked") + "1\r\na\r\nfg\r\nxxxxxxxxxxxxxxx\r\n",
       {},
       bad("the body is malformed"),
       false},
      {"a last chunk that is nearly none",
       with_head(p + "Transfer-Encoding: chunked") + "0.1\r\n\r\n",
       {},
       bad("the body is malformed"),
       false},
      {"a long chunk size of letters, and then nothing",
       with_head(p + "Transfer-Encoding: chunked") + "zzzzzzzzzz",
       {},
       bad("the body is malformed"),
       false},
      {"no chunk size", with_head(p + "Transfer-Encoding: chunked") + "\r\n", {}, bad("the body is malformed"), false},
      {"a chunk longer than its size",
       with_head(p + "Transfer-Encoding: chunked") + "1\r\nabc\r",
       {},
       bad("the body is malformed"),
       false},
      {"length in a trailer",
       with_head(p + "Transfer-Encoding: chunked") + "0\r\nContent-Length: 7\r\n\r\n",
       {},
       bad("the body is malformed"),
       false},
      {"bad chunk size",
       with_head(p + "Transfer-Encoding: chunked") + "xyz\r\n",
       {},
       bad("the body is malformed"),
       false},
      {"chunk without its end",
       with_head(p + "Transfer-Encoding: chunked") + "1\r\nabc\r\n0\r\n\r\n",
       {},
       bad("the body is malformed"),
       false},
      {"other expectation",
       with_head(p + "Expect: tea\r\nContent-Length: 2") + "hi",
       {},
       refused("417 Expectation Failed", "only the expectation '100-continue' is known"),
       false},
      {"other expectation without a body",
       get("/", "Expect: tea\r\n"),
       {},
       refused("417 Expectation Failed", "only the expectation '100-continue' is known"),
       false},
  };
  // What came before the bad request is still answered.
  all.push_back({"good, then bad", get("/a") + "GET\n", {"0 /a"}, ok("/a") + line, false});
  return all;
}

void check(const std::vector<Case>& cases) {
  for (const auto& one : cases) {
    INFO(one.name);
    for (const auto& way : ways_to_split(one.input, 12)) {
      Server it;
      for (const auto& piece : way) it.link.receive(piece);
      CHECK(it.link.sent() == one.sent);
      CHECK(it.seen == one.seen);
      CHECK(it.link.is_open() == one.open);
      CHECK(it.link.used_within_bounds());
    }
  }
}

}  // namespace

TEST_CASE("good requests have their answer, however their bytes are split") { check(good_cases()); }

TEST_CASE("bad requests are refused and end the connection, however their bytes are split") { check(bad_cases()); }

TEST_CASE("any bytes give the same result in any split") {
  std::mt19937 random(5);
  auto pool = good_cases();
  for (auto& one : bad_cases()) pool.push_back(std::move(one));
  for (int round = 0; round < 400; ++round) {
    auto input = pool[random() % pool.size()].input + pool[random() % pool.size()].input;
    for (int i = 0; i < 2 && round % 4 != 0; ++i) input[random() % input.size()] = static_cast<char>(random());
    std::string sent;
    std::vector<std::string> seen;
    bool first = true;
    for (const auto& way : ways_to_split(input, 3)) {
      Server it;
      for (const auto& piece : way) it.link.receive(piece);
      if (first) {
        sent = it.link.sent();
        seen = it.seen;
        first = false;
      }
      CHECK(it.link.sent() == sent);
      CHECK(it.seen == seen);
    }
  }
}
