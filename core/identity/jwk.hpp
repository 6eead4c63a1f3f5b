// Sets of keys as issuers publish them: JWK Sets, RFC 7517.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/error.hpp>

#include "identity/key.hpp"

namespace loft::identity {

struct NamedKey {
  Key key;
  std::string kid;  ///< empty: the key has none
};

struct KeySet {
  std::vector<NamedKey> keys;
  std::vector<std::string> left_out;  ///< why others of the set are not used, a line each
};

inline constexpr std::size_t most_keys = 64;  ///< of a set

/// Reads a set. A key serves one algorithm: its `alg`; where it names none, `wanted`, or else what its type is used
/// with (RS256, ES256, ES384, EdDSA). Keys for something else than checking signatures, of unknown types, too small or
/// malformed are left out, and so are those of another algorithm than `wanted`. `with_secrets`: symmetric keys count.
/// Errors: invalid `jwks` (no JSON, no set, no usable key); the detail goes to operators.
Result<KeySet> read_key_set(std::string_view text, std::optional<Algorithm> wanted, bool with_secrets);

}  // namespace loft::identity
