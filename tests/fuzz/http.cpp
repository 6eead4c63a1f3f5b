// The whole HTTP edge, with the upgrade to WebSocket behind it, fed with any bytes.
#include <memory>
#include <vector>

#include <loft/testing/link.hpp>

#include "http/connection.hpp"
#include "split.hpp"
#include "websocket/websocket.hpp"

namespace {

struct Run {
  loft::http::Settings settings{
      .max_header = 2048, .max_header_count = 20, .max_target = 512, .max_body = 2048, .max_requests = 50};
  loft::websocket::WebSocket socket;
  loft::testing::FakeEndpoint endpoint;
  loft::testing::FakeLink link;
  std::vector<std::string> seen;
  std::vector<loft::HttpExchangePtr> late;

  Run() {
    endpoint.socket_transport = &socket;
    endpoint.on_exchange = [this](loft::HttpExchangePtr exchange) {
      exchange->route({.parameters = {{"id", "1"}}, .mount = exchange->path().starts_with("/m") ? 2u : 0u});
      seen.push_back(
          std::string(exchange->path()).append("?").append(exchange->query()).append("|").append(exchange->body()));
      seen.back().append(exchange->query_value("a").value_or(""));
      const auto echoed = exchange->query_value("e").value_or("");
      const loft::HttpHeader echo[] = {{"X-Echo", echoed}};
      if (exchange->path() == "/late") {
        late.push_back(std::move(exchange));
      } else {
        exchange->respond(200, "text/plain", exchange->path(), echo);
      }
    };
    link.begin(std::make_unique<loft::http::Connection>(link, endpoint, settings));
  }
  void receive(std::string_view bytes) {
    link.receive(bytes);
    while (!late.empty()) {
      const auto exchanges = std::move(late);
      late.clear();
      for (const auto& exchange : exchanges) exchange->respond(200, "text/plain", "late");
      link.turn();
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const loft::fuzz::Input input(data, size);
  Run whole, cut;
  whole.receive(input.bytes);
  input.pieces([&](std::string_view piece) { cut.receive(piece); });
  loft::fuzz::require(whole.link.used_within_bounds() && cut.link.used_within_bounds(), "no more is used than came");
  loft::fuzz::require(whole.seen == cut.seen, "requests do not depend on the cuts");
  loft::fuzz::require(whole.endpoint.messages == cut.endpoint.messages, "messages do not depend on the cuts");
  loft::fuzz::require(whole.link.sent() == cut.link.sent(), "answers do not depend on the cuts");
  loft::fuzz::require(whole.link.is_open() == cut.link.is_open(), "the end does not depend on the cuts");
  whole.link.advance(400'000);
  loft::fuzz::require(!whole.link.is_open(), "a silent connection ends");
  return 0;
}
