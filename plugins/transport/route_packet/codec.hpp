// Frames, and plain payloads in them.
#pragma once

#include <cstdint>

#include <loft/bytes.hpp>

namespace loft::route_packet {

inline constexpr std::size_t length_size = 2;
inline constexpr std::size_t max_payload = 65'535;

enum class Cut : std::uint8_t {
  packet,      ///< a frame with a payload
  incomplete,  ///< more bytes are needed
  broken,      ///< a length of 0
};

/// Cuts the first frame off `bytes`: a big-endian length of 16 bits, then so many bytes of payload.
Cut cut_frame(Bytes bytes, Bytes& payload) noexcept;

/// The prefix that CarryPigeon clients write before every text, encrypted or not: nonce (12 bytes) and associated data
/// (20 bytes).
inline constexpr std::size_t prefix_size = 32;

/// A prefix whose nonce is zero, with nothing behind it: a sign of life.
bool is_heartbeat(Bytes payload) noexcept;

/// The text of a plain payload: JSON as it stands, or behind a prefix, of which nothing is looked at. What is neither
/// is unreadable and comes back whole: how to say so is the contract's business.
Bytes plain_text(Bytes payload) noexcept;

}  // namespace loft::route_packet
