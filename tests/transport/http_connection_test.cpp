#include "http/connection.hpp"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "http_support.hpp"

using namespace loft;
using namespace loft::test;

TEST_CASE("pipelined requests that are answered at once are all handled in one read") {
  Server it;
  std::string burst, expected;
  for (int i = 0; i < 50; ++i) {
    burst += get("/" + std::to_string(i));
    expected += ok("/" + std::to_string(i));
  }
  it.link.receive(burst);
  CHECK(it.link.sent() == expected);
  CHECK(it.link.unused() == 0);
}

TEST_CASE("pipelined requests wait while the outbox is under pressure") {
  Server server;
  server.link.outbox_room = ok("/a").size();
  server.link.receive(get("/a") + get("/b") + get("/c"));
  CHECK(server.seen.size() == 2);
  server.link.take_sent();
  server.link.turn();
  CHECK(server.seen.size() == 3);
  CHECK(server.link.sent() == ok("/c"));
}

TEST_CASE("a request waits for the answer to the one before it") {
  Server it;
  it.keep = true;
  it.link.receive(get("/1") + get("/2"));
  CHECK(it.seen == std::vector<std::string>{"0 /1"});
  CHECK(it.link.is_paused());
  it.kept[0]->respond(200, "text/plain", "one");
  it.link.turn();
  REQUIRE(it.seen.size() == 2);
  it.kept[1]->respond(200, "text/plain", "two");
  CHECK(it.link.sent() == ok("one") + ok("two"));
  CHECK_FALSE(it.link.is_paused());
}

TEST_CASE("reading rests while a request is in flight: the end of the peer's stream waits for the answer") {
  Server it;
  it.keep = true;
  it.link.receive(get("/1"));
  CHECK(it.link.is_paused());
  it.link.receive(get("/2"));
  CHECK(it.seen.size() == 1);
  it.kept[0]->respond(200, "text/plain", "one");
  it.link.turn();
  CHECK(it.seen.size() == 2);
  CHECK(it.link.is_paused());
  it.kept[1]->respond(200, "text/plain", "two");
  CHECK_FALSE(it.link.is_paused());
}

TEST_CASE("a request that is answered at once does not touch reading") {
  Server it;
  it.link.receive(get("/1"));
  CHECK_FALSE(it.link.is_paused());
}

TEST_CASE("an exchange is answered once, and outlives its connection") {
  Server it;
  it.keep = true;
  it.link.receive(get("/1", "X-Y: z\r\n"));
  it.kept[0]->respond(200, "text/plain", "one");
  it.kept[0]->respond(200, "text/plain", "again");
  CHECK(it.link.take_sent() == ok("one"));
  it.link.receive(post("/2", "body"));
  it.link.end(CloseReason::peer);
  it.kept[1]->respond(200, "text/plain", "two");
  CHECK(it.link.sent().empty());
  CHECK(it.kept[1]->body() == "body");
  CHECK(it.kept[1]->remote_address() == "192.0.2.7");
  CHECK(it.kept[0]->header("x-y") == "z");
}

TEST_CASE("a route gives parameters, takes the mount prefix away, and says who calls") {
  Server it;
  it.keep = true;
  it.link.receive(get("/api/things/7?a=b%20c"));
  auto& exchange = *it.kept.at(0);
  exchange.route({.parameters = {{"id", "7"}}, .mount = 4, .caller = {.thread = 3}});
  CHECK(exchange.path() == "/things/7");
  CHECK(exchange.parameter("id") == "7");
  CHECK(exchange.parameter("other").empty());
  CHECK(exchange.query_value("a") == "b c");
  CHECK(exchange.caller(UserId{5}).thread == 3);
  CHECK(exchange.caller(UserId{5}).user == UserId{5});
}

TEST_CASE("a mount prefix longer than the path leaves it empty") {
  Server it;
  it.keep = true;
  it.link.receive(get("/a"));
  it.kept.at(0)->route({.mount = 99});
  CHECK(it.kept[0]->path().empty());
}

TEST_CASE("answers without a body say so by their status") {
  Server it;
  it.endpoint.on_exchange = [](HttpExchangePtr exchange) { exchange->respond(304, {}, "not sent"); };
  it.link.receive(get("/"));
  CHECK(it.link.sent() == "HTTP/1.1 304 Not Modified" + head_lines + "\r\n\r\n");
}

TEST_CASE("a contract's status outside 200 to 999 becomes 500") {
  Server it;
  it.endpoint.on_exchange = [](HttpExchangePtr exchange) { exchange->respond(100, {}, {}); };
  it.link.receive(get("/"));
  CHECK(it.link.sent().starts_with("HTTP/1.1 500 "));
}

TEST_CASE("a contract's headers are sent; its Connection: close ends the connection") {
  Server it;
  it.endpoint.on_exchange = [](HttpExchangePtr exchange) {
    const HttpHeader more[] = {{"Retry-After", "1"}, {"Connection", "close"}};
    exchange->respond(200, "text/plain", "x", more);
  };
  it.link.receive(get("/"));
  CHECK(it.link.sent() == ok("x", "\r\nConnection: close\r\nRetry-After: 1"));
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("a route that throws is answered 500 and the connection closes") {
  Server it;
  it.endpoint.on_exchange = [](HttpExchangePtr) { throw std::runtime_error("a bug"); };
  it.link.receive(get("/") + get("/"));
  CHECK(it.link.sent() == refused("500 Internal Server Error", "internal error"));
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("a route that throws after its answer closes without a second one") {
  Server it;
  it.endpoint.on_exchange = [](HttpExchangePtr exchange) {
    exchange->respond(200, "text/plain", "x");
    throw std::runtime_error("a bug");
  };
  it.link.receive(get("/") + get("/"));
  CHECK(it.link.sent() == ok("x"));
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("drain closes an idle connection at once") {
  Server it;
  it.link.receive(get("/1"));
  it.link.protocol()->drain();
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("drain lets a request finish, in flight or half read, and then closes") {
  Server it;
  it.keep = true;
  const auto request = get("/1");
  it.link.receive(request.substr(0, 9));
  it.link.protocol()->drain();
  CHECK(it.link.is_open());
  it.link.receive(request.substr(9));
  it.kept.at(0)->respond(200, "text/plain", "one");
  CHECK(it.link.sent() == ok("one", "\r\nConnection: close"));
  CHECK(it.link.closed() == CloseHow::flush);
}
