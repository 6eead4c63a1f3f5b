// A fast hash of good quality for identities that are stored: it must not change between versions.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include <loft/storage.hpp>

namespace loft {

namespace detail {

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t load(const char* p, std::size_t n) noexcept {
  std::uint64_t value = 0;
  if (n != 0) std::memcpy(&value, p, n);
  return value;
}

}  // namespace detail

inline std::uint64_t hash64(std::string_view text, std::uint64_t seed) noexcept {
  constexpr std::uint64_t k0 = 0x9E3779B97F4A7C15ull, k1 = 0xD1B54A32D192ED03ull, k2 = 0xABC98388FB8FAC03ull;
  std::uint64_t h = seed ^ k0;
  const char* p = text.data();
  std::size_t left = text.size();
  for (; left > 16; p += 16, left -= 16) h = detail::fold(detail::load(p, 8) ^ k1 ^ h, detail::load(p + 8, 8) ^ k2);
  const std::uint64_t a = detail::load(p, left < 8 ? left : 8);
  const std::uint64_t b = left > 8 ? detail::load(p + 8, left - 8) : 0;
  h = detail::fold(a ^ k1 ^ h, b ^ k2 ^ text.size());
  return detail::fold(h ^ k2, h ^ k0);
}

/// The key of a client's own message id. Ids have 53 bits, so the sender stands in the key as it is: whatever client
/// ids somebody finds that meet, they never meet those of another sender. `digest` is left to what is known later.
inline ClientKey client_key(UserId sender, std::string_view client_id) noexcept {
  constexpr unsigned spare = 11;
  static_assert(id::limit == std::uint64_t{1} << (64 - spare));
  const auto more = hash64(client_id, detail::fold(raw(sender), 0xE7037ED1A0B428DBull) + 1);
  ClientKey key;
  key.hash[0] = hash64(client_id, raw(sender));
  key.hash[1] = raw(sender) << spare | more >> (64 - spare);
  return key;
}

/// To whom a message with a client id is addressed, however that was written.
enum class Addressed : std::uint64_t { user = 1, group, notice };

/// What a repeat has in common with its original: `said` is of domain and content, see content_digest.hpp.
inline std::uint64_t message_digest(std::uint64_t said, Addressed kind, std::uint64_t target) noexcept {
  return detail::fold(said ^ 0xD1B54A32D192ED03ull, target ^ static_cast<std::uint64_t>(kind) * 0x9E3779B97F4A7C15ull);
}

}  // namespace loft
