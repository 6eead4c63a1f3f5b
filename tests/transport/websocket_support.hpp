// Frames as a client writes them, and a connection to send them to.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <loft/testing/link.hpp>

#include "websocket/connection.hpp"

namespace loft::test {

inline std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

struct FrameParts {
  int first = 0x81;  ///< FIN, reserved bits, opcode
  bool masked = true;
  int length_form = 0;  ///< 0: shortest; else 7, 16 or 64 bits
  std::string mask = "\x37\xfa\x21\x3d";
};

inline std::string frame(std::string_view payload, FrameParts parts = {}) {
  std::string out(1, static_cast<char>(parts.first));
  const auto size = payload.size();
  const int form = parts.length_form != 0 ? parts.length_form : size < 126 ? 7 : size < 65536 ? 16 : 64;
  const int mask_bit = parts.masked ? 0x80 : 0;
  out += static_cast<char>(mask_bit | (form == 7 ? static_cast<int>(size) : form == 16 ? 126 : 127));
  for (int shift = form - 8; form != 7 && shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
  if (!parts.masked) return out.append(payload);
  out += parts.mask;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(payload[i] ^ parts.mask[i % 4]);
  return out;
}

inline std::string text_frame(std::string_view payload) { return frame(payload); }
inline std::string part(int first, std::string_view payload) { return frame(payload, {.first = first}); }

/// What the server sends.
inline std::string server_frame(int first, std::string_view payload) {
  return frame(payload, {.first = first, .masked = false});
}
inline std::string close_payload(int code, std::string_view reason = {}) {
  return bytes({code >> 8, code & 0xFF}).append(reason);
}
inline std::string client_close(int code, std::string_view reason = {}) {
  return part(0x88, close_payload(code, reason));
}

/// The close code of the last frame, when that is a close frame: 0 without a code, -1 when there is no close frame.
inline int close_code(std::string_view sent) {
  int code = -1;
  while (sent.size() >= 2) {
    std::size_t length = static_cast<unsigned char>(sent[1]);
    std::size_t head = 2;
    if (length >= 126) {
      const std::size_t extra = length == 126 ? 2 : 8;
      length = 0;
      for (std::size_t i = 0; i < extra; ++i) length = length << 8 | static_cast<unsigned char>(sent[2 + i]);
      head += extra;
    }
    code = -1;
    if (static_cast<unsigned char>(sent[0]) == 0x88) {
      code = length < 2 ? 0 : static_cast<unsigned char>(sent[head]) << 8 | static_cast<unsigned char>(sent[head + 1]);
    }
    sent.remove_prefix(std::min(head + length, sent.size()));
  }
  return code;
}

struct Socket {
  websocket::Settings settings;
  testing::FakeEndpoint endpoint;
  testing::FakeLink link;

  explicit Socket(websocket::Settings with = {}) : settings(std::move(with)) {}

  Socket& begin() {
    auto connection = std::make_unique<websocket::Connection>(link, settings);
    connection->open(endpoint, {.path = "/ws"});
    link.begin(std::move(connection));
    return *this;
  }
  Channel& channel() { return *endpoint.channel; }
  void send(std::string_view text) {
    const Bytes piece(text);
    channel().send(Slices(&piece, 1));
  }
};

}  // namespace loft::test
