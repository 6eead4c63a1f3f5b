#include "identity/verified.hpp"

#include <cstring>
#include <functional>
#include <utility>

namespace loft::identity {
namespace {

/// In constant time, so that nobody learns a signature piece by piece.
bool same(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  std::uint64_t differs = 0;
  std::size_t at = 0;
  for (; at + 8 <= a.size(); at += 8) {
    std::uint64_t x = 0, y = 0;
    std::memcpy(&x, a.data() + at, 8);
    std::memcpy(&y, b.data() + at, 8);
    differs |= x ^ y;
  }
  for (; at < a.size(); ++at) differs |= static_cast<std::uint64_t>(static_cast<unsigned char>(a[at] ^ b[at]));
  return differs == 0;
}

}  // namespace

Verified& Verified::of_thread() {
  thread_local Verified mine(512);
  return mine;
}

Verified::Slot* Verified::pair_of(std::string_view token) noexcept {
  return &slots_[2 * (std::hash<std::string_view>()(token) % pairs_)];
}

const Verified::Slot* Verified::find(std::string_view token, std::uint64_t keys) noexcept {
  if (slots_.empty() || token.size() > longest) return nullptr;
  const auto* pair = pair_of(token);
  for (const auto* slot : {pair, pair + 1}) {
    // The whole token, not its hash: who finds a second one with the same hash gains nothing.
    if (slot->keys == keys && same(slot->token, token)) return slot;
  }
  return nullptr;
}

void Verified::note(std::string_view token, std::string_view claims, std::uint64_t keys, std::size_t key) {
  if (token.size() > longest) return;
  if (slots_.empty()) slots_.resize(2 * pairs_);
  auto* pair = pair_of(token);
  std::swap(pair[0], pair[1]);
  pair[0].token = token;
  pair[0].claims = claims;
  pair[0].keys = keys;
  pair[0].key = key;
}

}  // namespace loft::identity
