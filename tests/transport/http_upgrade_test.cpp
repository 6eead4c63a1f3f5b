// HTTP and WebSocket together, as they run in a host.
#include <catch2/catch.hpp>

#include "http/http.hpp"
#include "http_support.hpp"
#include "splits.hpp"
#include "websocket/websocket.hpp"
#include "websocket_support.hpp"

using namespace loft;
using namespace loft::test;

namespace {

std::string upgrade(std::string_view path, std::string_view version = "13") {
  return get(path,
             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: " +
                 std::string(version) + "\r\n");
}

}  // namespace

TEST_CASE("frames behind an upgrade request reach the WebSocket, however the bytes are split") {
  const auto input = get("/before") + upgrade("/ws") + text_frame("hello") + client_close(1000);
  for (const auto& way : ways_to_split(input, 20)) {
    websocket::WebSocket socket;
    Server it;
    it.endpoint.socket_transport = &socket;
    for (const auto& piece : way) it.link.receive(piece);
    CHECK(it.endpoint.messages == std::vector<std::string>{"hello"});
    CHECK(it.link.sent().starts_with(ok("/before") + "HTTP/1.1 101 Switching Protocols\r\n"));
    CHECK(it.link.sent().ends_with("\r\n\r\n" + server_frame(0x88, close_payload(1000))));
    CHECK(it.link.closed() == CloseHow::flush);
  }
}

TEST_CASE("a refused upgrade leaves the connection to HTTP") {
  websocket::WebSocket socket;
  Server it;
  it.endpoint.socket_transport = &socket;
  it.link.receive(upgrade("/ws", "8") + get("/after"));
  CHECK(it.link.sent().starts_with("HTTP/1.1 426 "));
  CHECK(it.link.sent().ends_with(ok("/after")));
  CHECK(it.link.is_open());
  it.link.advance(75'000);
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("an upgrade where there is no socket, or no such transport, is an ordinary request") {
  websocket::WebSocket socket;
  Server it;
  it.link.receive(upgrade("/ws"));
  it.endpoint.socket_transport = &socket;
  it.link.receive(upgrade("/other"));
  CHECK(it.seen == std::vector<std::string>{"0 /ws", "0 /other"});
}

TEST_CASE("an upgrade that the contract does not admit leaves the connection to HTTP") {
  websocket::WebSocket socket;
  Server it;
  it.endpoint.socket_transport = &socket;
  it.endpoint.admission.refused = 401;
  it.link.receive(upgrade("/ws") + get("/after"));
  CHECK(it.link.sent() == "HTTP/1.1 401 Refused\r\nServer: loft\r\nContent-Length: 0\r\n\r\n" + ok("/after"));
  CHECK(it.endpoint.opened == 0);
}

TEST_CASE("transports say what they carry") {
  CHECK(http::Http().carries() == Carries::requests);
  CHECK(websocket::WebSocket().carries() == Carries::requests);
}

TEST_CASE("HTTP's deadline does not reach into the WebSocket") {
  websocket::WebSocket socket;
  Server it;
  it.endpoint.socket_transport = &socket;
  it.link.receive(upgrade("/ws"));
  CHECK(it.link.deadline_in() == 54'000);
}
