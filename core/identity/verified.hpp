// Signatures that were found good a moment ago. A client sends the same token with every HTTP request, and a check with
// a public key costs more (RS256 16 µs, ES256 60, EdDSA 110) than the rest of many a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loft::identity {

/// Knows that a signature is good, and nothing else of a token: what it claims, and until when, is judged each time.
/// Thread role: one, of which it is.
class Verified {
 public:
  /// Each token has one place, which it loses to the next one that falls there: so many are remembered at most.
  explicit Verified(std::size_t places) : places_(places) {}

  /// The calling thread's; its memory is taken with the first token.
  static Verified& of_thread();

  /// Whether that key was found to have signed the token. `keys` and `key` are the state of the ring, and a place in
  /// it: what was noted for other keys does not count.
  bool holds(std::string_view token, std::uint64_t keys, std::size_t key) noexcept;
  void note(std::string_view token, std::uint64_t keys, std::size_t key);

  std::uint64_t hits() const noexcept { return hits_; }

  static constexpr std::size_t longest = 2 << 10;  ///< longer tokens are not remembered

 private:
  struct Slot {
    std::string token;
    std::uint64_t keys = 0;
    std::size_t key = 0;
  };

  std::size_t place(std::string_view token) const noexcept;

  std::size_t places_;
  std::vector<Slot> slots_;
  std::uint64_t hits_ = 0;
};

}  // namespace loft::identity
