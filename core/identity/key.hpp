// One key that signatures of tokens are checked with. The algorithm belongs to the key: what a token says of itself
// only chooses among keys.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/error.hpp>

struct evp_pkey_st;

namespace loft::identity {

enum class Algorithm : std::uint8_t { hs256, hs384, hs512, rs256, rs384, rs512, ps256, es256, es384, eddsa };

/// The name as JWS writes it: `HS256`.
std::string_view name(Algorithm algorithm) noexcept;
/// Nullopt for every other word, `none` first of all.
std::optional<Algorithm> algorithm_named(std::string_view word) noexcept;
/// All names, in the order of the enumeration.
const std::vector<std::string>& algorithm_names();
constexpr bool is_secret_kind(Algorithm algorithm) noexcept { return algorithm <= Algorithm::hs512; }

/// Thread role: any; nothing changes after construction. Cheap to copy. The errors of what makes one are invalid `key`;
/// the detail says what is wrong and goes to operators.
class Key {
 public:
  /// HS256, HS384, HS512. A secret is at least as long as 32 bytes, and no public key: whoever knows that could sign.
  static Result<Key> from_secret(Algorithm algorithm, std::string secret);

  /// The others: a public key (`BEGIN PUBLIC KEY`) or the one of a certificate, of the algorithm's kind: RSA of 2048
  /// bits or more, P-256, P-384, Ed25519.
  static Result<Key> from_pem(Algorithm algorithm, std::string_view pem);

  /// From the parts of a JWK, each as big-endian bytes.
  static Result<Key> from_rsa(Algorithm algorithm, std::string_view modulus, std::string_view exponent);
  static Result<Key> from_point(Algorithm algorithm, std::string_view x, std::string_view y);
  static Result<Key> from_ed25519(std::string_view x);

  Algorithm algorithm() const noexcept { return algorithm_; }

  /// Whether `signature` (raw bytes, as in a JWS) is this key's for `text`.
  bool verify(std::string_view text, std::string_view signature) const;

  /// Precondition: made by `from_secret`.
  std::string sign(std::string_view text) const;

 private:
  explicit Key(Algorithm algorithm) noexcept : algorithm_(algorithm) {}
  static Result<Key> take(Algorithm algorithm, evp_pkey_st* owned);

  Algorithm algorithm_;
  std::shared_ptr<const std::string> secret_;
  std::shared_ptr<evp_pkey_st> public_;
};

}  // namespace loft::identity
