#include "identity/verified.hpp"

#include <openssl/crypto.h>

#include <functional>

namespace loft::identity {

Verified& Verified::of_thread() {
  thread_local Verified mine(1024);
  return mine;
}

std::size_t Verified::place(std::string_view token) const noexcept {
  return std::hash<std::string_view>()(token) % places_;
}

const Verified::Slot* Verified::find(std::string_view token, std::uint64_t keys) noexcept {
  if (slots_.empty() || token.size() > longest) return nullptr;
  const auto& slot = slots_[place(token)];
  // The whole token, not its hash: who finds a second one with the same hash gains nothing. In constant time, so that
  // nobody learns a signature piece by piece.
  if (slot.keys != keys || slot.token.size() != token.size()) return nullptr;
  if (CRYPTO_memcmp(slot.token.data(), token.data(), token.size()) != 0) return nullptr;
  ++hits_;
  return &slot;
}

void Verified::note(std::string_view token, std::string_view claims, std::uint64_t keys, std::size_t key) {
  if (token.size() > longest) return;
  if (slots_.empty()) slots_.resize(places_);
  auto& slot = slots_[place(token)];
  slot.token = token;
  slot.claims = claims;
  slot.keys = keys;
  slot.key = key;
}

}  // namespace loft::identity
