// Parameters that mean more than their type. Every driver binds integers, enumerations, texts and these.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include <loft/message.hpp>

namespace loft::storage {

/// Bytes of any kind, which the database keeps as they are.
struct Blob {
  std::string_view bytes;
};

/// A text that is NULL in the database when it is empty, so that unique indexes do not see it.
struct Optional {
  std::string_view text;
};

/// The integers of databases end here; a number beyond is asked for by "to the end".
inline std::uint64_t clamp(std::uint64_t value) noexcept {
  return std::min(value, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

/// NULL for nobody.
inline std::optional<std::uint64_t> unless_none(UserId user) noexcept {
  return user == UserId::none ? std::nullopt : std::optional(raw(user));
}

}  // namespace loft::storage
