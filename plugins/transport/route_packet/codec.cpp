#include "codec.hpp"

namespace loft::route_packet {

Cut cut_frame(Bytes bytes, Bytes& payload) noexcept {
  if (bytes.size() < length_size) return Cut::incomplete;
  const auto length =
      static_cast<std::size_t>(static_cast<unsigned char>(bytes[0]) << 8 | static_cast<unsigned char>(bytes[1]));
  if (length == 0) return Cut::broken;
  if (bytes.size() - length_size < length) return Cut::incomplete;
  payload = bytes.substr(length_size, length);
  return Cut::packet;
}

namespace {

constexpr std::string_view zero_nonce("\0\0\0\0\0\0\0\0\0\0\0\0", 12);

bool begins_an_object(Bytes text) noexcept {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != Bytes::npos && text[first] == '{';
}

}  // namespace

bool is_heartbeat(Bytes payload) noexcept { return payload.size() == prefix_size && payload.starts_with(zero_nonce); }

Bytes plain_text(Bytes payload) noexcept {
  if (begins_an_object(payload)) return payload;
  const bool prefixed = payload.size() > prefix_size && begins_an_object(payload.substr(prefix_size));
  return prefixed ? payload.substr(prefix_size) : payload;
}

}  // namespace loft::route_packet
