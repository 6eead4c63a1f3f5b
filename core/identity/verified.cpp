#include "identity/verified.hpp"

#include <functional>

namespace loft::identity {

Verified& Verified::of_thread() {
  thread_local Verified mine(1024);
  return mine;
}

std::size_t Verified::place(std::string_view token) const noexcept {
  return std::hash<std::string_view>()(token) % places_;
}

bool Verified::holds(std::string_view token, std::uint64_t keys, std::size_t key) noexcept {
  if (slots_.empty() || token.size() > longest) return false;
  const auto& slot = slots_[place(token)];
  // The whole token, not its hash: who finds a second one with the same hash gains nothing.
  const bool same = slot.keys == keys && slot.key == key && slot.token == token;
  hits_ += same ? 1 : 0;
  return same;
}

void Verified::note(std::string_view token, std::uint64_t keys, std::size_t key) {
  if (token.size() > longest) return;
  if (slots_.empty()) slots_.resize(places_);
  auto& slot = slots_[place(token)];
  slot.token = token;
  slot.keys = keys;
  slot.key = key;
}

}  // namespace loft::identity
