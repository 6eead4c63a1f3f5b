// A packet connection fed with any bytes: plain, one that may become encrypted, and one that is.
#include <algorithm>
#include <memory>

#include <loft/testing/link.hpp>
#include <loft/utf8.hpp>

#include "route_packet/connection.hpp"
#include "split.hpp"

namespace {

using namespace loft::route_packet;

// The key of the known answer; `handshake` below is sealed for it.
constexpr std::string_view private_key =
    "MIGTAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBHkwdwIBAQQgCOvdGTo9Pzb/EjnJDAVRp+3nUGUsHZCprYNCf/OZ5pWgCgYIKoZIzj0DAQehRANC"
    "AAQAJ4aO9/5U7sAoLMnUSzqUlfTpduENrWBnhMtOktVU+GQ1BW9C1Ade+BTFA9DFMuK+O4ZafHD0JsT/cSa0t9r7";
constexpr std::string_view handshake =
    R"({"id":1,"session_id":0,"key":"BFQtesKg4zkarOdGZFCeYoUcIh6+9n+bRq0tn6HMRhCs5G/Yw1bLR8gjLNNLEhvyY5y83cZc/jLZGs6CC)"
    R"(RRKNMS9URh8lVjS5snS4OQ1g1OlBKdDYo4LpzFDqzZvGsH99RUxC40UEVzM9O3b1A=="})";

const std::shared_ptr<const ServerKey>& server_key() {
  static const auto key = [] {
    auto loaded = ServerKey::load(private_key);
    loft::fuzz::require(loaded.ok(), "the key of the known answer is one");
    return std::make_shared<const ServerKey>(std::move(*loaded));
  }();
  return key;
}

/// The same for both ways to cut, so that their answers can be compared.
bool sevens(unsigned char* to, std::size_t size) noexcept {
  std::fill_n(to, size, static_cast<unsigned char>(7));
  return true;
}

struct Run {
  Settings settings;
  loft::testing::FakeEndpoint endpoint;
  loft::testing::FakeLink link;

  explicit Run(Encryption encryption) {
    settings.encryption = encryption;
    settings.random = &sevens;
    settings.max_age = 0;
    if (encryption != Encryption::off) settings.key = server_key();
    endpoint.on_message = [this](loft::MessageView message) {
      loft::fuzz::require(message.is_text == loft::utf8::valid(message.data), "the contract hears whether it is UTF-8");
      endpoint.channel->send(loft::Slices(&message.data, 1));
    };
    auto connection = std::make_unique<Connection>(link, settings);
    connection->open(endpoint);
    link.begin(std::move(connection));
  }
};

void compare(Encryption encryption, std::string_view before, const loft::fuzz::Input& input) {
  Run whole(encryption), cut(encryption);
  for (auto* run : {&whole, &cut}) {
    if (before.empty()) continue;
    const char length[] = {static_cast<char>(before.size() >> 8), static_cast<char>(before.size())};
    run->link.receive(std::string(length, 2).append(before));
    loft::fuzz::require(!run->link.sent().empty(), "the handshake is confirmed");
  }
  whole.link.receive(input.bytes);
  input.pieces([&](std::string_view piece) { cut.link.receive(piece); });
  loft::fuzz::require(whole.link.used_within_bounds() && cut.link.used_within_bounds(), "no more is used than came");
  loft::fuzz::require(whole.endpoint.messages == cut.endpoint.messages, "messages do not depend on the cuts");
  loft::fuzz::require(whole.link.sent() == cut.link.sent(), "answers do not depend on the cuts");
  loft::fuzz::require(whole.link.is_open() == cut.link.is_open(), "the end does not depend on the cuts");
  whole.link.advance(20'000);
  loft::fuzz::require(!whole.link.is_open(), "a silent connection ends");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const loft::fuzz::Input input(data, size);
  compare(Encryption::off, {}, input);
  compare(Encryption::optional, {}, input);
  compare(Encryption::required, handshake, input);
  return 0;
}
