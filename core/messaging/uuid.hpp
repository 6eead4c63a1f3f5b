#pragma once

#include <cstdint>
#include <string>

namespace loft {

/// What a derived UUID names.
enum class UuidKind : std::uint8_t { user = 1, message = 2, conversation = 3, event = 4 };

/// The UUID of an id, RFC 9562 version 8: installation tag, kind, id. Reversible, and of one kind sorted like the ids
/// (contracts/reference.md §7.3).
std::string derived_uuid(UuidKind kind, std::uint64_t id);

/// Whether `text` is a UUID in lower case.
bool is_uuid(const std::string& text) noexcept;

}  // namespace loft
