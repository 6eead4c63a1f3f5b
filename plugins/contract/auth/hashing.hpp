// Password hashes: argon2id by libsodium, in the text form that carries its own parameters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace loft::auth {

/// What one check costs. The higher, the dearer for whoever steals the hashes, and for the host.
struct Cost {
  std::size_t memory = 64 << 20;
  unsigned passes = 3;
};

/// Throw std::runtime_error when libsodium cannot start.
void start_hashing();

/// Takes the time and the memory that `cost` says. Empty: there is not so much memory.
std::string hash(std::string_view password, const Cost& cost);

/// A hash of that cost that no password has: checking against it takes as long as against a real one.
std::string hash_of_nothing(const Cost& cost);

enum class Match { no, yes, out_of_memory };
/// Takes the time and memory that the hash says.
Match matches(const std::string& hash, std::string_view password);

/// Whether the hash was made at another cost.
bool is_outdated(const std::string& hash, const Cost& cost);

/// For tables that strangers must not be able to aim at.
std::size_t keyed_hash(std::string_view text, std::string_view key);
std::string random_hash_key();

}  // namespace loft::auth
