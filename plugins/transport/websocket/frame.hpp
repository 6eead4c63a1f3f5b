// The framing of RFC 6455 §5, as seen by a server: pure functions over bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <loft/bytes.hpp>

namespace loft::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

inline constexpr bool is_control(Opcode opcode) noexcept { return static_cast<std::uint8_t>(opcode) >= 8; }

/// Close codes this side sends.
enum class CloseCode : std::uint16_t {
  none = 0,  ///< a close frame without a code; never on the wire
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  bad_data = 1007,
  policy = 1008,
  too_big = 1009,
  failure = 1011,
  try_again_later = 1013,
};

inline constexpr std::size_t max_control_payload = 125;

struct FrameHeader {
  Opcode opcode = Opcode::continuation;
  bool fin = false;
  std::uint8_t size = 0;  ///< bytes of the header itself, 6 to 14
  std::array<char, 4> mask{};
  std::uint64_t length = 0;  ///< of the payload
};

enum class HeaderState : std::uint8_t { complete, incomplete, broken };

/// Reads a client's frame header. `broken`: the peer broke the protocol, `problem` says how. The verdict on a rule is
/// given as soon as the bytes that decide it are there.
HeaderState read_header(Bytes bytes, FrameHeader& header, const char*& problem) noexcept;

/// Writes an unmasked header with FIN set into `to`; returns its size (2, 4 or 10).
std::size_t write_header(Opcode opcode, std::uint64_t length, char (&to)[10]) noexcept;

/// `to[i] = from[i] ^ mask[(phase + i) % 4]`. True when every byte of the result is ASCII.
bool unmask(char* to, Bytes from, const std::array<char, 4>& mask, std::uint64_t phase) noexcept;

/// Whether a peer may send this code in a close frame (§7.4).
bool is_valid_close_code(unsigned code) noexcept;

/// Whether `tail` could become well-formed UTF-8 with more bytes behind it; it begins where a sequence should begin.
bool may_continue_utf8(Bytes tail) noexcept;

/// At most `limit` bytes of `text`, cut between code points; what is not UTF-8 is cut off too.
std::string_view utf8_cut(std::string_view text, std::size_t limit) noexcept;

}  // namespace loft::websocket
