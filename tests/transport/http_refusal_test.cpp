// What HTTP refuses by itself, in the words of the contract that the request is for.
#include <catch2/catch.hpp>

#include <stdexcept>

#include "http_support.hpp"
#include "splits.hpp"
#include "websocket/websocket.hpp"

using namespace loft;
using namespace loft::test;

namespace {

/// A contract answers what is refused with the status, the method and the path it has seen.
struct Worded : Server {
  explicit Worded(http::Settings with = {}) : Server(with) {
    endpoint.on_refuse = [this](HttpExchangePtr exchange, unsigned status) {
      body = exchange->body();
      exchange->respond(status, "text/plain",
                        std::to_string(static_cast<int>(exchange->method())) + ' ' + std::string(exchange->path()) +
                            (exchange->query().empty() ? "" : "?" + std::string(exchange->query())));
    };
  }
  std::string body;
};

std::string worded(std::string_view status, std::string_view text, bool with_body = true) {
  return "HTTP/1.1 " + std::string(status) + head_lines +
         "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(text.size()) +
         "\r\nConnection: close\r\n\r\n" + (with_body ? std::string(text) : "");
}

/// The same words in every split, and nothing behind them.
void check_worded(const http::Settings& settings, const std::string& input, const std::string& sent) {
  for (const auto& way : ways_to_split(input + get("/behind"), 4)) {
    Worded it(settings);
    for (const auto& piece : way) it.link.receive(piece);
    CHECK(it.link.sent() == sent);
    CHECK(it.link.closed() == CloseHow::flush);
    CHECK(it.seen.empty());
  }
}

const http::Settings small{.max_header = 1024, .max_header_count = 10, .max_target = 256, .max_body = 100};

std::string head(std::string_view line, std::string_view headers = {}) {
  return std::string(line) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n";
}

}  // namespace

TEST_CASE("a body that is too large is refused in the contract's words, announced or in chunks, and the link closes") {
  check_worded(small, head("POST /a/b?c=d", "Content-Length: 101\r\n"), worded("413 Content Too Large", "2 /a/b?c=d"));
  check_worded(small, head("POST /a", "Transfer-Encoding: chunked\r\n") + "3\r\nxyz\r\n65\r\nx",
               worded("413 Content Too Large", "2 /a"));
  Worded it(small);
  it.link.receive(head("POST /a", "Transfer-Encoding: chunked\r\n") + "3\r\nxyz\r\n65\r\nx");
  CHECK(it.body == "xyz");
}

TEST_CASE("headers that are too many or too large are refused in the words of the contract of the request line") {
  const auto text = worded("431 Request Header Fields Too Large", "3 /a/b?c");
  check_worded(small, head("PUT /a/b?c", "X: " + std::string(1000, 'x') + "\r\n"), text);
  std::string many;
  for (int i = 0; i < 10; ++i) many += "A: b\r\n";
  check_worded(small, head("PUT /a/b?c", many), text);
  check_worded(small, head("PUT http://a.example/a/b?c", many), text);
}

TEST_CASE("of a target that is too long the contract is told the beginning") {
  const auto input = "/mount/" + std::string(300, 'x');
  const auto text = worded("414 URI Too Long", "0 " + input.substr(0, 256));
  check_worded(small, get(input), text);
  check_worded(small, "GET /mount/" + std::string(1000, 'x'), text);
  check_worded(small, "GET " + input + "\n", text);  // how a line ends is nothing that is known when it is too long
  const auto query = "/a?b=" + std::string(1000, 'x');
  check_worded(small, get(query), worded("414 URI Too Long", "0 " + query.substr(0, 256)));
}

TEST_CASE("malformed requests and strange expectations are refused in the words of the contract, where it is known") {
  check_worded(small, "GET /a HTTP/1.1\r\n\r\n", worded("400 Bad Request", "0 /a"));
  check_worded(small, head("DELETE /a", "Host: b\r\n"), worded("400 Bad Request", "5 /a"));
  check_worded(small, "GET /a HTTP/1.1\r\nno header\r\n\r\n", worded("400 Bad Request", "0 /a"));
  check_worded(small, "GET /a HTTP/1.1\r\nHost: a\n\r\n", worded("400 Bad Request", "0 /a"));
  check_worded(small, "GET /a HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", worded("400 Bad Request", "0 /a"));
  check_worded(small, "GET /a HTTP/3.0\r\nHost: a\r\n\r\n", worded("505 HTTP Version Not Supported", "0 /a"));
  check_worded(small, head("POST /a", "Transfer-Encoding: gzip\r\n"), worded("501 Not Implemented", "2 /a"));
  check_worded(small, head("POST /a", "Transfer-Encoding: chunked\r\n") + "zz\r\n", worded("400 Bad Request", "2 /a"));
  check_worded(small, head("POST /a", "Expect: wonders\r\nContent-Length: 5\r\n"),
               worded("417 Expectation Failed", "2 /a"));
  check_worded(small, head("GET /a", "Expect: wonders\r\n"), worded("417 Expectation Failed", "0 /a"));
  // The line itself is malformed: there is no path.
  check_worded(small, "GET /a HTTP/1.1\nHost: a\r\n\r\n", worded("400 Bad Request", "7 "));
  check_worded(small, "nonsense\r\n\r\n", worded("400 Bad Request", "7 "));
  check_worded(small, "GET nonsense HTTP/1.1\r\nHost: a\r\n\r\n", worded("400 Bad Request", "0 "));
}

TEST_CASE("a refused HEAD has no body, whoever words it") {
  check_worded(small, head("HEAD /a", "Content-Length: 101\r\n"), worded("413 Content Too Large", "1 /a", false));
  check_worded(small, "HEAD /a HTTP/1.1\r\n\r\n", worded("400 Bad Request", "1 /a", false));
  Server it(small);
  it.link.receive("HEAD /a HTTP/1.1\r\n\r\n");
  CHECK(it.link.sent().ends_with("\r\n\r\n"));
}

TEST_CASE("what does not come in time is refused in the contract's words too") {
  Worded body;
  body.link.receive(head("POST /a", "Content-Length: 5\r\n") + "x");
  body.link.advance(40'000);
  CHECK(body.link.sent().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  CHECK(body.link.sent().ends_with("\r\nConnection: close\r\n\r\n2 /a"));
  CHECK(body.link.closed() == CloseHow::flush);
  Worded silent;
  silent.link.receive("GET /a");
  silent.link.advance(11'000);
  CHECK(silent.link.sent().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  CHECK(silent.link.sent().ends_with("\r\n\r\n7 "));
}

TEST_CASE("a contract that has no words, throws, or keeps the request leaves the answer to the transport") {
  const auto input = head("POST /a", "Content-Length: 101\r\n");
  const auto own = refused("413 Content Too Large", "the body is too large");
  HttpExchangePtr kept;
  Metric refusals;
  auto settings = small;
  settings.refused = &refusals;
  for (int way = 0; way < 4; ++way) {
    Server it(settings);
    if (way == 1) it.endpoint.on_refuse = [](HttpExchangePtr, unsigned) { throw std::runtime_error("a bug"); };
    if (way == 2) it.endpoint.on_refuse = [&](HttpExchangePtr exchange, unsigned) { kept = std::move(exchange); };
    if (way == 3) it.endpoint.on_refuse = [](HttpExchangePtr, unsigned) { throw 3; };
    it.link.receive(input);
    CHECK(it.endpoint.refused == 413);
    CHECK(it.link.sent() == own);
    if (kept != nullptr) kept->respond(200, {}, "late");
    CHECK(it.link.sent() == own);
    CHECK(it.link.closed() == CloseHow::flush);
  }
  CHECK(refusals.value() == 4);
}

TEST_CASE("words that were said stand, also where the contract throws behind them") {
  Server it(small);
  it.endpoint.on_refuse = [](HttpExchangePtr exchange, unsigned status) {
    exchange->respond(status, "text/plain", "mine");
    exchange->respond(status, "text/plain", "twice");
    throw std::runtime_error("a bug");
  };
  it.link.receive(head("POST /a", "Content-Length: 101\r\n"));
  CHECK(it.link.sent() == worded("413 Content Too Large", "mine"));
}

TEST_CASE("a refusal behind pipelined requests comes after their answers") {
  Worded it(small);
  it.link.receive(get("/1") + get("/2") + head("POST /a", "Content-Length: 101\r\n"));
  CHECK(it.link.sent() == ok("/1") + ok("/2") + worded("413 Content Too Large", "2 /a"));
}

TEST_CASE("who is told to upgrade reads it in Connection too") {
  Server it;
  it.endpoint.on_exchange = [](HttpExchangePtr exchange) {
    const HttpHeader upgrade[] = {{"Upgrade", "websocket"}};
    exchange->respond(426, {}, {}, upgrade);
  };
  it.link.receive(get("/ws") + get("/ws", "Connection: close\r\n"));
  const auto told = "HTTP/1.1 426 Upgrade Required" + head_lines + "\r\nContent-Length: 0\r\nConnection: Upgrade";
  CHECK(it.link.sent() == told + "\r\nUpgrade: websocket\r\n\r\n" + told + ", close\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("an upgrade by another method is an ordinary request; one to a host that stops is refused with 503") {
  websocket::WebSocket socket;
  const std::string headers =
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n";
  Worded it;
  it.endpoint.socket_transport = &socket;
  it.link.receive(head("POST /ws", headers));
  CHECK(it.seen == std::vector<std::string>{"2 /ws"});
  it.link.take_sent();
  const auto request = head("GET /ws", headers);
  it.link.receive(request.substr(0, 20));
  it.link.protocol()->drain();
  it.link.receive(request.substr(20));
  CHECK(it.link.sent() == worded("503 Service Unavailable", "0 /ws"));
  CHECK(it.endpoint.opened == 0);
}
