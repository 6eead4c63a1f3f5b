#include <catch2/catch.hpp>

#include "http/http.hpp"
#include "http_support.hpp"
#include "splits.hpp"

using namespace loft;
using namespace loft::test;

namespace {

/// The same refusal in every split.
void check_refused(const http::Settings& settings, const std::string& input, const std::string& sent) {
  for (const auto& way : ways_to_split(input, 4)) {
    Server it(settings);
    for (const auto& piece : way) it.link.receive(piece);
    CHECK(it.link.sent() == sent);
    CHECK(it.link.closed() == CloseHow::flush);
    CHECK(it.seen.empty());
  }
}

}  // namespace

TEST_CASE("headers over their size or number are refused with 431") {
  const http::Settings small{.max_header = 1024, .max_header_count = 10, .max_target = 256};
  check_refused(small, get("/", "X: " + std::string(1000, 'x') + "\r\n"),
                refused("431 Request Header Fields Too Large", "the headers are too large"));
  check_refused(small, get("/", "X: " + std::string(5000, 'x')),
                refused("431 Request Header Fields Too Large", "the headers are too large"));
  std::string many;
  for (int i = 0; i < 10; ++i) many += "A: b\r\n";
  check_refused(small, get("/", many), refused("431 Request Header Fields Too Large", "there are too many headers"));
  Server it(small);
  it.link.receive(get("/", many.substr(6)));
  CHECK(it.seen.size() == 1);
}

TEST_CASE("a target over its size is refused with 414, also before its line is complete") {
  const http::Settings small{.max_target = 256};
  const auto error = refused("414 URI Too Long", "the request target is too long");
  check_refused(small, get("/" + std::string(256, 'x')), error);
  check_refused(small, get("/" + std::string(1000, 'x')), error);
  check_refused(small, "GET /" + std::string(1000, 'x'), error);
  Server it(small);
  it.link.receive(get("/" + std::string(255, 'x')));
  CHECK(it.seen.size() == 1);
}

TEST_CASE("a body over its size is refused with 413, from its announced length or as its chunks come") {
  const http::Settings small{.max_body = 100};
  const auto error = refused("413 Content Too Large", "the body is too large");
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  check_refused(small, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", error);
  check_refused(small, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n", error);
  check_refused(small, chunked + "65\r\nx", error);
  check_refused(small, chunked + "64\r\n" + std::string(100, 'x') + "\r\n1\r\n", error);
  check_refused(small, chunked + "ffffffffffffffff\r\n", error);
  Server it(small);
  it.link.receive(post("/", std::string(100, 'x')));
  CHECK(it.seen.size() == 1);
}

TEST_CASE("a chunk header that never ends is refused") {
  Server it;
  it.link.receive("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(5000, 'x'));
  CHECK(it.link.sent() == refused("400 Bad Request", "a chunk's header or trailer is too long"));
}

TEST_CASE("a connection that says nothing is closed without a word, one that stops in its headers with 408") {
  Server silent;
  silent.link.advance(9'999);
  CHECK(silent.link.is_open());
  silent.link.advance(1);
  CHECK(silent.link.closed() == CloseHow::flush);
  CHECK(silent.link.sent().empty());
  Server slow;
  slow.link.advance(5'000);
  slow.link.receive("GET / HT");
  slow.link.advance(9'000);
  slow.link.receive("TP/1.1\r\n");
  slow.link.advance(999);
  CHECK(slow.link.is_open());
  slow.link.advance(1);
  CHECK(slow.link.sent().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  CHECK(slow.link.closed() == CloseHow::flush);
}

TEST_CASE("a body has 30 s, and more only at the rate it keeps up") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
  Server stalled;
  stalled.link.receive(head + "x");
  stalled.link.advance(30'001);
  CHECK(stalled.link.sent().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  Server steady;
  steady.link.receive(head);
  for (int second = 0; second < 90; ++second) {
    steady.link.receive(std::string(1100, 'x'));
    steady.link.advance(1'000);
  }
  CHECK(steady.link.is_open());
  steady.link.receive(std::string(1000, 'x'));
  CHECK(steady.seen.size() == 1);
  Server slow;
  slow.link.receive(head);
  for (int second = 0; second < 60; ++second) {
    slow.link.receive(std::string(100, 'x'));
    slow.link.advance(1'000);
  }
  CHECK(slow.link.sent().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_CASE("between requests a connection may be idle for idle_timeout") {
  Server it;
  for (int i = 0; i < 3; ++i) {
    it.link.receive(get("/a"));
    it.link.advance(74'000);
    CHECK(it.link.is_open());
  }
  it.link.take_sent();
  it.link.advance(1'000);
  CHECK(it.link.closed() == CloseHow::flush);
  CHECK(it.link.sent().empty());
}

TEST_CASE("a request in flight has all the time the contract takes; then the idle time begins") {
  Server it;
  it.keep = true;
  it.link.receive(get("/a"));
  it.link.advance(3'600'000);
  CHECK(it.link.is_open());
  it.kept[0]->respond(200, {}, {});
  it.link.advance(74'999);
  CHECK(it.link.is_open());
  it.link.advance(1);
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("the last of max_requests is answered with Connection: close") {
  Server it({.max_requests = 2});
  it.link.receive(get("/1") + get("/2") + get("/3"));
  CHECK(it.link.sent() == ok("/1") + ok("/2", "\r\nConnection: close"));
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("requests and refusals are counted") {
  Metric requests, refusals;
  Server it({.requests = &requests, .refused = &refusals});
  it.link.receive(get("/1") + get("/2") + "bad\n");
  CHECK(requests.value() == 2);
  CHECK(refusals.value() == 1);
}

TEST_CASE("options that contradict each other are refused with the option's name") {
  http::Http plugin;
  OptionTable table;
  plugin.options(table);
  CHECK(plugin.configure().ok());
  for (auto& option : table.rows()) {
    if (option.name == "max_target") option.set_integer(1 << 20);
  }
  REQUIRE_FALSE(plugin.configure().ok());
  CHECK(plugin.configure().error().reason == "max_target");
}
