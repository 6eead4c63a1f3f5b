#include "hashing.hpp"

#include <sodium.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace loft::auth {
namespace {

template <std::size_t N>
std::string random_base64() {
  std::array<unsigned char, N> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, sodium_base64_ENCODED_LEN(N, sodium_base64_VARIANT_ORIGINAL_NO_PADDING)> text{};
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  return text.data();
}

}  // namespace

void start_hashing() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start: there are no random numbers");
}

std::string hash(std::string_view password, const Cost& cost) {
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), cost.passes, cost.memory,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return {};
  }
  return out.data();
}

std::string hash_of_nothing(const Cost& cost) {
  return "$argon2id$v=19$m=" + std::to_string(cost.memory >> 10) + ",t=" + std::to_string(cost.passes) + ",p=1$" +
         random_base64<16>() + "$" + random_base64<32>();
}

Match matches(const std::string& hash, std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (hash.size() >= text.size()) return Match::no;
  std::memcpy(text.data(), hash.data(), hash.size());
  errno = 0;
  if (crypto_pwhash_str_verify(text.data(), password.data(), password.size()) == 0) return Match::yes;
  return errno == ENOMEM ? Match::out_of_memory : Match::no;
}

bool is_outdated(const std::string& hash, const Cost& cost) {
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (hash.size() >= text.size()) return true;
  std::memcpy(text.data(), hash.data(), hash.size());
  return crypto_pwhash_str_needs_rehash(text.data(), cost.passes, cost.memory) != 0;
}

std::size_t keyed_hash(std::string_view text, std::string_view key) {
  std::uint64_t out = 0;
  static_assert(sizeof out == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&out), reinterpret_cast<const unsigned char*>(text.data()),
                   text.size(), reinterpret_cast<const unsigned char*>(key.data()));
  return out;
}

std::string random_hash_key() {
  std::string key(crypto_shorthash_KEYBYTES, '\0');
  randombytes_buf(key.data(), key.size());
  return key;
}

}  // namespace loft::auth
