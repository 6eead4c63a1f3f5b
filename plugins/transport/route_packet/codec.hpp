// Frames and the payloads in them. A connection knows no more of the wire than this: another codec behind the same
// functions (one that encrypts) changes nothing else.
#pragma once

#include <cstdint>
#include <string>

#include <loft/bytes.hpp>
#include <loft/contract.hpp>

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

/// Plain payloads: JSON as it stands, or behind a prefix of nonce (12 bytes) and associated data (20 bytes), as clients
/// write it whose encryption is switched off.
class PlainCodec {
 public:
  static constexpr std::size_t prefix_size = 32;

  enum class Kind : std::uint8_t {
    message,    ///< for the contract, readable or not
    heartbeat,  ///< a prefix whose nonce is zero, with nothing behind it: a sign of life
  };
  struct Opened {
    Kind kind = Kind::heartbeat;
    MessageView message;
  };

  Opened open(Bytes payload) const noexcept;

  /// Bytes that stand between the length and the text of an outgoing packet of this size.
  std::size_t overhead() const noexcept { return 0; }
  /// Appends a whole frame. Precondition: `overhead()` and the text are at most `max_payload` bytes.
  void seal(Slices text, std::size_t size, std::string& out) const;
};

}  // namespace loft::route_packet
