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

namespace {

constexpr std::string_view zero_nonce("\0\0\0\0\0\0\0\0\0\0\0\0", 12);

bool begins_an_object(Bytes text) noexcept {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != Bytes::npos && text[first] == '{';
}

}  // namespace

PlainCodec::Opened PlainCodec::open(Bytes payload) const noexcept {
  if (!begins_an_object(payload)) {
    if (payload.size() == prefix_size && payload.starts_with(zero_nonce)) return {};
    if (payload.size() > prefix_size && begins_an_object(payload.substr(prefix_size)))
      payload.remove_prefix(prefix_size);
  }
  // What is neither form is unreadable as well; how to say so is the contract's business.
  return {Kind::message, {payload, utf8::valid(payload)}};
}

void PlainCodec::seal(Slices text, std::size_t size, std::string& out) const {
  out.reserve(out.size() + length_size + size);
  out += static_cast<char>(size >> 8);
  out += static_cast<char>(size);
  for (const auto piece : text) out.append(piece);
}

}  // namespace loft::route_packet
