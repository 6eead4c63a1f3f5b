// WebSocket frames for the load programs: no fragments, no control frames but close; they talk to each other and to
// Loft.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace load {

inline constexpr unsigned char text_frame = 0x81;

/// Room for the longest frame header with a mask.
inline void append_header(std::string& out, std::size_t length, bool masked) {
  const unsigned char mask = masked ? 0x80 : 0;
  out.push_back(static_cast<char>(text_frame));
  if (length < 126) {
    out.push_back(static_cast<char>(mask | length));
  } else if (length < 65536) {
    out.push_back(static_cast<char>(mask | 126));
    out.push_back(static_cast<char>(length >> 8));
    out.push_back(static_cast<char>(length));
  } else {
    out.push_back(static_cast<char>(mask | 127));
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(length >> shift));
  }
}

inline void unmask(char* data, std::size_t length, const char key[4]) {
  std::uint64_t wide;
  const char twice[8] = {key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]};
  std::memcpy(&wide, twice, 8);
  std::size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    std::uint64_t block;
    std::memcpy(&block, data + i, 8);
    block ^= wide;
    std::memcpy(data + i, &block, 8);
  }
  for (; i < length; ++i) data[i] ^= key[i & 3];
}

inline void append_masked(std::string& out, std::string_view payload) {
  append_header(out, payload.size(), true);
  const char key[4] = {0x1b, 0x2c, 0x3d, 0x4e};  // a constant: what it hides from is no concern here
  out.append(key, 4);
  const std::size_t at = out.size();
  out.append(payload);
  unmask(out.data() + at, payload.size(), key);
}

/// The frame at the beginning of `data`, unmasked in place. `used` 0: not whole yet.
struct Frame {
  unsigned char opcode = 0;
  std::string_view payload;
  std::size_t used = 0;
};

inline Frame next_frame(char* data, std::size_t size) {
  Frame frame;
  if (size < 2) return frame;
  const auto* bytes = reinterpret_cast<unsigned char*>(data);
  std::size_t length = bytes[1] & 0x7f;
  std::size_t head = 2;
  if (length == 126) {
    if (size < 4) return frame;
    length = std::size_t{bytes[2]} << 8 | bytes[3];
    head = 4;
  } else if (length == 127) {
    if (size < 10) return frame;
    length = 0;
    for (int i = 2; i < 10; ++i) length = length << 8 | bytes[i];
    head = 10;
  }
  const bool masked = (bytes[1] & 0x80) != 0;
  if (masked) head += 4;
  if (size < head + length) return frame;
  if (masked) unmask(data + head, length, data + head - 4);
  frame.opcode = bytes[0] & 0x0f;
  frame.payload = {data + head, length};
  frame.used = head + length;
  return frame;
}

}  // namespace load
