// Identifiers. All that the host makes share one layout below 2^53, so that every JSON client keeps them exact:
// 41 bits of milliseconds since 2025-01-01T00:00:00Z | 4 bits node | 8 bits counter.
#pragma once

#include <cstdint>
#include <type_traits>

#include <loft/clock.hpp>

namespace loft {

enum class UserId : std::uint64_t { none = 0 };
enum class ConversationId : std::uint64_t { none = 0 };
enum class MessageId : std::uint64_t { none = 0 };

/// A place in the one order of everything that was committed: the id of a message or of a change.
using Position = std::uint64_t;

/// The number of a message inside its conversation: 1, 2, 3 … without gaps. 0 is before the first.
using Seq = std::uint64_t;

template <class E>
requires std::is_enum_v<E>
constexpr std::uint64_t raw(E id) noexcept { return static_cast<std::uint64_t>(id); }

namespace id {

inline constexpr Millis epoch = 1735689600000;  ///< 2025-01-01T00:00:00Z
inline constexpr unsigned node_bits = 4;
inline constexpr unsigned counter_bits = 8;
inline constexpr std::uint64_t limit = std::uint64_t{1} << 53;  ///< every id is below it

/// The time an id carries, milliseconds since 1970. A message's time is the time in its id.
constexpr Millis time_of(std::uint64_t id) noexcept {
  return static_cast<Millis>(id >> (node_bits + counter_bits)) + epoch;
}

/// The smallest id of a moment: ids below it are earlier, so that "before time T" is a prefix of every log.
/// Times before the epoch give 0; times beyond the layout give `limit`.
constexpr std::uint64_t first_at(Millis time) noexcept {
  if (time <= epoch) return 0;
  const auto offset = static_cast<std::uint64_t>(time - epoch);
  return offset >= (std::uint64_t{1} << 41) ? limit : offset << (node_bits + counter_bits);
}

}  // namespace id
}  // namespace loft
