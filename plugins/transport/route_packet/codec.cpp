#include "codec.hpp"

#include <loft/utf8.hpp>

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

PlainCodec::Opened PlainCodec::open(Bytes payload) const noexcept {
  if (!payload.starts_with('{')) {
    if (payload.size() <= prefix_size) return {Kind::heartbeat, {}, ""};
    payload.remove_prefix(prefix_size);
    if (!payload.starts_with('{'))
      return {Kind::broken, {}, "payload is no JSON object; encryption is not spoken here"};
  }
  if (!utf8::valid(payload)) return {Kind::broken, {}, "payload is not UTF-8"};
  return {Kind::text, payload, ""};
}

void PlainCodec::seal(Slices text, std::size_t size, std::string& out) const {
  out.reserve(out.size() + length_size + size);
  out += static_cast<char>(size >> 8);
  out += static_cast<char>(size);
  for (const auto piece : text) out.append(piece);
}

}  // namespace loft::route_packet
