#include "frame.hpp"

#include <cstring>

#include <loft/utf8.hpp>

namespace loft::websocket {

namespace {

std::uint64_t big_endian(const char* from, int bytes) noexcept {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(from[i]);
  return value;
}

HeaderState broken(const char*& problem, const char* what) noexcept {
  problem = what;
  return HeaderState::broken;
}

bool is_known(unsigned opcode) noexcept { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

}  // namespace

HeaderState read_header(Bytes bytes, FrameHeader& header, const char*& problem) noexcept {
  if (bytes.empty()) return HeaderState::incomplete;
  const auto first = static_cast<unsigned char>(bytes[0]);
  if ((first & 0x70) != 0) return broken(problem, "reserved bits are set");
  if (!is_known(first & 0x0F)) return broken(problem, "unknown opcode");
  header.opcode = static_cast<Opcode>(first & 0x0F);
  header.fin = (first & 0x80) != 0;
  if (is_control(header.opcode) && !header.fin) return broken(problem, "control frame is fragmented");
  if (bytes.size() < 2) return HeaderState::incomplete;

  const auto second = static_cast<unsigned char>(bytes[1]);
  if ((second & 0x80) == 0) return broken(problem, "frame is not masked");
  const unsigned short_length = second & 0x7F;
  if (is_control(header.opcode) && short_length > max_control_payload) {
    return broken(problem, "control frame is too long");
  }
  const int extra = short_length < 126 ? 0 : short_length == 126 ? 2 : 8;
  const auto length_end = static_cast<std::size_t>(2 + extra);
  if (bytes.size() < length_end) return HeaderState::incomplete;
  header.length = extra == 0 ? short_length : big_endian(bytes.data() + 2, extra);
  if (extra == 8 && header.length >> 63 != 0) return broken(problem, "length has its highest bit set");
  if ((extra == 2 && header.length < 126) || (extra == 8 && header.length < 0x10000)) {
    return broken(problem, "length is not in its shortest form");
  }
  if (bytes.size() < length_end + 4) return HeaderState::incomplete;
  std::memcpy(header.mask.data(), bytes.data() + length_end, 4);
  header.size = static_cast<std::uint8_t>(length_end + 4);
  return HeaderState::complete;
}

std::size_t write_header(Opcode opcode, std::uint64_t length, char (&to)[10]) noexcept {
  to[0] = static_cast<char>(0x80 | static_cast<unsigned>(opcode));
  const int extra = length < 126 ? 0 : length < 0x10000 ? 2 : 8;
  to[1] = static_cast<char>(extra == 0 ? length : extra == 2 ? 126 : 127);
  for (int i = 0; i < extra; ++i) to[2 + i] = static_cast<char>(length >> (8 * (extra - 1 - i)));
  return static_cast<std::size_t>(2 + extra);
}

bool unmask(char* to, Bytes from, const std::array<char, 4>& mask, std::uint64_t phase) noexcept {
  char turned[8];
  for (std::size_t i = 0; i < 8; ++i) turned[i] = mask[(phase + i) % 4];
  std::uint64_t key;
  std::memcpy(&key, turned, 8);
  std::uint64_t seen = 0;
  std::size_t at = 0;
  for (; at + 8 <= from.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, from.data() + at, 8);
    word ^= key;
    seen |= word;
    std::memcpy(to + at, &word, 8);
  }
  unsigned char rest = 0;
  for (; at < from.size(); ++at) {
    to[at] = static_cast<char>(from[at] ^ turned[at % 8]);
    rest |= static_cast<unsigned char>(to[at]);
  }
  return (seen & 0x8080808080808080ull) == 0 && rest < 0x80;
}

bool is_valid_close_code(unsigned code) noexcept {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

bool may_continue_utf8(Bytes tail) noexcept {
  if (tail.empty()) return true;
  if (tail.size() > 3) return false;
  // A beginning is good when some byte completes it: the lowest and the highest second bytes cover every lead.
  for (const char fill : {'\x80', '\x90', '\xA0', '\xBF'}) {
    char whole[4] = {fill, '\x80', '\x80', '\x80'};
    for (std::size_t i = 1; i < 4; ++i) whole[i] = i == tail.size() ? fill : '\x80';
    std::memcpy(whole, tail.data(), tail.size());
    if (utf8::length(whole, whole + 4) > tail.size()) return true;
  }
  return false;
}

std::string_view utf8_cut(std::string_view text, std::size_t limit) noexcept {
  text = text.substr(0, limit);
  return text.substr(0, utf8::first_bad(text));
}

}  // namespace loft::websocket
