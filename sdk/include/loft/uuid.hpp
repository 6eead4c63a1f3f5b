// UUIDs that are ids in another dress, for contracts that name things by UUID.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <loft/id.hpp>

namespace loft {

/// What a derived UUID names.
enum class UuidKind : std::uint8_t { user = 1, message = 2, conversation = 3, event = 4 };

/// The UUID of an id, RFC 9562 version 8: installation tag, kind, id. Reversible, and of one kind sorted like the ids.
/// Users and conversations have a stored UUID, which may be another one: this is for messages and events.
inline std::string derived_uuid(UuidKind kind, std::uint64_t id) {
  std::array<std::uint8_t, 16> bytes{'l', 'o', 'f', 't', 0, static_cast<std::uint8_t>(kind), 0x80, 0};
  bytes[8] = static_cast<std::uint8_t>(0x80 | ((id >> 56) & 0x3F));
  for (unsigned i = 0; i < 7; ++i) bytes[15 - i] = static_cast<std::uint8_t>(id >> (8 * i));
  constexpr char hex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += hex[bytes[i] >> 4];
    text += hex[bytes[i] & 15];
  }
  return text;
}

/// Whether `text` is a UUID in lower case.
constexpr bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

/// The id that `derived_uuid` made the text of; letters may be upper case. Nullopt for every other text.
inline std::optional<std::uint64_t> derived_id(UuidKind kind, std::string_view text) {
  std::string lower(text);
  for (auto& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
  if (!is_uuid(lower)) return std::nullopt;
  std::uint64_t id = 0;
  for (const char c : std::string_view(lower).substr(19)) {
    if (c != '-') id = id << 4 | static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  id &= ~(std::uint64_t{0xC0} << 56);  // the variant's two bits
  if (id == 0 || id >= id::limit || derived_uuid(kind, id) != lower) return std::nullopt;
  return id;
}

}  // namespace loft
