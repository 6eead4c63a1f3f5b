// A packet connection fed with any bytes.
#include <memory>

#include <loft/testing/link.hpp>
#include <loft/utf8.hpp>

#include "route_packet/connection.hpp"
#include "split.hpp"

namespace {

struct Run {
  loft::route_packet::Settings settings;
  loft::testing::FakeEndpoint endpoint;
  loft::testing::FakeLink link;

  Run() {
    endpoint.on_message = [this](loft::MessageView message) {
      loft::fuzz::require(!message.data.empty() && message.is_text == loft::utf8::valid(message.data),
                          "the contract hears whether it is UTF-8");
      endpoint.channel->send(loft::Slices(&message.data, 1));
    };
    auto connection = std::make_unique<loft::route_packet::Connection>(link, settings);
    connection->open(endpoint);
    link.begin(std::move(connection));
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const loft::fuzz::Input input(data, size);
  Run whole, cut;
  whole.link.receive(input.bytes);
  input.pieces([&](std::string_view piece) { cut.link.receive(piece); });
  loft::fuzz::require(whole.link.used_within_bounds() && cut.link.used_within_bounds(), "no more is used than came");
  loft::fuzz::require(whole.endpoint.messages == cut.endpoint.messages, "messages do not depend on the cuts");
  loft::fuzz::require(whole.link.sent() == cut.link.sent(), "answers do not depend on the cuts");
  loft::fuzz::require(whole.link.is_open() == cut.link.is_open(), "the end does not depend on the cuts");
  whole.link.advance(20'000);
  loft::fuzz::require(!whole.link.is_open(), "a silent connection ends");
  return 0;
}
