// Tokens whose signatures were found good a moment ago. A client sends the same one with every HTTP request, and
// reading it anew costs 5 µs and more with a shared secret, 16 with RS256, 60 with ES256, 110 with EdDSA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loft::identity {

/// Knows which key has signed a token, and what the token claims. Whether that is to be believed, and until when, is
/// judged each time. Thread role: one, of which it is.
class Verified {
 public:
  struct Slot {
    std::string token;
    std::string claims;      ///< the payload, a JSON object
    std::uint64_t keys = 0;  ///< the state of the ring …
    std::size_t key = 0;     ///< … and the place in it of the key
  };

  /// So many are remembered at most. Two places are open to each token; the one that came there first gives way.
  explicit Verified(std::size_t pairs) : pairs_(pairs) {}

  /// The calling thread's; its memory is taken with the first token.
  static Verified& of_thread();

  /// Null: it is not known to be signed by one of these keys. What was noted for another state of the ring does not
  /// count. Valid until the next `note`.
  const Slot* find(std::string_view token, std::uint64_t keys) noexcept;
  void note(std::string_view token, std::string_view claims, std::uint64_t keys, std::size_t key);

  static constexpr std::size_t longest = 2 << 10;  ///< longer tokens are not remembered

 private:
  Slot* pair_of(std::string_view token) noexcept;

  std::size_t pairs_;
  std::vector<Slot> slots_;
};

}  // namespace loft::identity
