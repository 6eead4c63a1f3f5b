// A WebSocket fed with any bytes: it never crashes, never reads beyond a read, and the cuts between reads do not
// matter.
#include <memory>

#include <loft/testing/link.hpp>
#include <loft/utf8.hpp>

#include "split.hpp"
#include "websocket/connection.hpp"

namespace {

struct Run {
  loft::websocket::Settings settings{.max_message = 4096, .max_fragments = 64};
  loft::testing::FakeEndpoint endpoint;
  loft::testing::FakeLink link;

  Run() {
    endpoint.on_message = [this](loft::MessageView message) {
      loft::fuzz::require(!message.is_text || loft::utf8::valid(message.data), "text is UTF-8");
      if (message.data == "hold") endpoint.channel->hold();
      if (message.data == "close") endpoint.channel->close(loft::CloseMeaning::done, "asked");
      if (message.data == "echo") endpoint.channel->send(loft::Slices(&message.data, 1));
    };
    auto connection = std::make_unique<loft::websocket::Connection>(link, settings);
    connection->open(endpoint, {.path = "/ws"});
    link.begin(std::move(connection));
  }
  void receive(std::string_view bytes) {
    link.receive(bytes);
    while (link.is_paused() && endpoint.channel != nullptr) {
      endpoint.channel->release();
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
  loft::fuzz::require(whole.endpoint.messages == cut.endpoint.messages, "messages do not depend on the cuts");
  loft::fuzz::require(whole.link.sent() == cut.link.sent(), "answers do not depend on the cuts");
  loft::fuzz::require(whole.link.is_open() == cut.link.is_open(), "the end does not depend on the cuts");
  whole.link.advance(200'000);
  loft::fuzz::require(!whole.link.is_open(), "a silent connection ends");
  loft::fuzz::require(whole.endpoint.ended == 1, "the end is told once");
  return 0;
}
