// The server's key pair, and what clients seal with its public half: ECIES over P-256, as BouncyCastle's cipher of that
// name has it. There is no standard of that name; the pieces are ECDH, KDF2 with SHA-1, XOR and HMAC-SHA1.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <loft/bytes.hpp>
#include <loft/error.hpp>

struct evp_pkey_st;  // OpenSSL's

namespace loft::route_packet {

/// Thread role of `open`: any, many at once.
class ServerKey {
 public:
  /// A P-256 private key: PEM (PKCS#8 or SEC 1, without a passphrase), or base64 of PKCS#8 in DER. The error's detail
  /// says what is wrong and never repeats the text.
  static Result<ServerKey> load(Bytes text);

  /// What a client has sealed; nullopt where the seal does not hold. Two forms are tried, that of BouncyCastle and that
  /// of CarryPigeon's desktop client, which derives its keys otherwise.
  std::optional<std::string> open(Bytes sealed) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  using Key = std::unique_ptr<evp_pkey_st, Free>;

  explicit ServerKey(Key key) : key_(std::move(key)) {}
  static Key read(Bytes text);
  /// The x-coordinate that both sides compute; nullopt where `point` is none of the curve.
  std::optional<std::string> agree(Bytes point) const;

  Key key_;
};

}  // namespace loft::route_packet
