// JSON Web Tokens (RFC 7519) for providers, signed with a private key that the operator gives.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <loft/error.hpp>

struct evp_pkey_st;

namespace loft::push {

/// Thread role: any; nothing changes after construction.
class Signer {
 public:
  enum class Kind : std::uint8_t { es256, rs256 };

  /// From a PEM (`BEGIN PRIVATE KEY`), unencrypted, on P-256 or RSA of 2048 bits or more. Errors: invalid `key`; the
  /// detail says what is wrong, never what is in it.
  static Result<Signer> from_pem(Kind kind, std::string_view pem);

  /// header.claims.signature; `header` and `claims` are JSON texts. Throws std::runtime_error when OpenSSL fails.
  std::string jwt(std::string_view header, std::string_view claims) const;

 private:
  Signer(Kind kind, std::shared_ptr<evp_pkey_st> key) : kind_(kind), key_(std::move(key)) {}
  std::string sign(std::string_view text) const;

  Kind kind_;
  std::shared_ptr<evp_pkey_st> key_;
};

/// A file with a secret in it.
struct SecretFile {
  std::string text;
  bool is_open_to_others = false;  ///< users other than its owner may read it
};

/// Errors: invalid `key`, with path and what went wrong. Files of 64 KiB at most.
Result<SecretFile> read_secret_file(const std::string& path);

}  // namespace loft::push
