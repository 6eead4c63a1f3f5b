// One connection's encryption after its handshake: AES-GCM over the text, bound to sequence, session and time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <loft/bytes.hpp>
#include <loft/clock.hpp>

struct evp_cipher_ctx_st;  // OpenSSL's

namespace loft::route_packet {

/// Fills a buffer with random bytes; false when there are none to be had.
using RandomFn = bool (*)(unsigned char* to, std::size_t size) noexcept;
bool random_bytes(unsigned char* to, std::size_t size) noexcept;

/// Thread role: that connection's I/O thread.
///
///   payload = nonce (12 bytes) | associated data (20 bytes) | text, encrypted | tag (16 bytes)
///   associated data = sequence (32 bits) | session (64 bits) | milliseconds since 1970 (64 bits), big-endian
class Cipher {
 public:
  static constexpr std::size_t nonce_size = 12;
  static constexpr std::size_t associated_size = 20;
  static constexpr std::size_t tag_size = 16;
  static constexpr std::size_t overhead = nonce_size + associated_size + tag_size;

  /// Null where `key` is not 16, 24 or 32 bytes, or the library or `random` fails.
  static std::unique_ptr<Cipher> make(Bytes key, RandomFn random);

  enum class Verdict : std::uint8_t {
    text,       ///< `text` is what the client wrote
    heartbeat,  ///< a zero nonce and nothing behind the associated data
    ignored,    ///< too short for nonce and associated data
    forged,     ///< not what this client would have sent: `why` says more
  };
  struct Opened {
    Verdict verdict = Verdict::forged;
    Bytes text;  ///< valid until the next call of any cipher on this thread
    const char* why = "";
  };

  /// `now`: since 1970; what says that it was sent over `max_age` before that is refused, 0: nothing is too old.
  Opened open(Bytes payload, Millis now, Millis max_age);

  /// Appends a payload. False: this connection cannot send any more (its sequence is used up, or the library failed).
  bool seal(Slices text, Millis now, std::string& out);
  /// Appends the payload of a heartbeat; as `seal`.
  bool heartbeat(Millis now, std::string& out);

  std::int64_t session() const noexcept { return session_; }

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, Free>;

  Cipher() = default;
  const char* check(Bytes associated, Millis now, Millis max_age);
  bool associate(Millis now, std::string& out);
  bool decrypt(Bytes payload, std::string& text);

  Context in_;
  Context out_;
  std::int64_t session_ = 0;
  std::int64_t heard_ = -1;       ///< the client's last sequence
  std::int64_t next_ = 0;         ///< the next one of this side
  unsigned char nonce_[12] = {};  ///< of the last packet sent: its last eight bytes are counted up
};

}  // namespace loft::route_packet
