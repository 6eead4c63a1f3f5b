#include "messaging/uuid.hpp"

#include <array>

namespace loft {

std::string derived_uuid(UuidKind kind, std::uint64_t id) {
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

bool is_uuid(const std::string& text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

}  // namespace loft
