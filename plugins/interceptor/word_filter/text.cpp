#include "word_filter/text.hpp"

#include <loft/json.hpp>

namespace loft::word_filter {
namespace {

struct Taken {
  std::uint32_t character = 0;
  std::size_t length = 0;
};

/// The character that well-formed UTF-8 begins with.
Taken character_at(const char* p) noexcept {
  const auto at = [p](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i])); };
  const auto tail = [&](int i) { return at(i) & 0x3F; };
  if (at(0) < 0x80) return {at(0), 1};
  if (at(0) < 0xE0) return {(at(0) & 0x1F) << 6 | tail(1), 2};
  if (at(0) < 0xF0) return {(at(0) & 0x0F) << 12 | tail(1) << 6 | tail(2), 3};
  return {(at(0) & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4};
}

/// The character of the escape that begins at `p`.
Taken escape_at(const char* p) noexcept {
  switch (p[1]) {
    case 'b':
      return {'\b', 2};
    case 'f':
      return {'\f', 2};
    case 'n':
      return {'\n', 2};
    case 'r':
      return {'\r', 2};
    case 't':
      return {'\t', 2};
    case 'u': {
      const auto unit = static_cast<std::uint32_t>(json::detail::hex4(p + 2));
      if (unit < 0xD800 || unit > 0xDBFF) return {unit, 6};
      const auto low = static_cast<std::uint32_t>(json::detail::hex4(p + 8));
      return {0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), 12};
    }
    default:
      return {static_cast<unsigned char>(p[1]), 2};
  }
}

template <bool WithEscapes>
void read(Bytes text, std::uint32_t offset, std::vector<Symbol>& out) {
  const char* const begin = text.data();
  for (const char *p = begin, *const end = begin + text.size(); p != end;) {
    const auto taken = WithEscapes && *p == '\\' ? escape_at(p) : character_at(p);
    const auto at = offset + static_cast<std::uint32_t>(p - begin);
    p += taken.length;
    if (is_invisible(taken.character)) continue;
    out.push_back({fold(taken.character), at, at + static_cast<std::uint32_t>(taken.length)});
  }
}

bool between(std::uint32_t c, std::uint32_t low, std::uint32_t high) noexcept { return c >= low && c <= high; }

}  // namespace

std::uint32_t fold(std::uint32_t c) noexcept {
  if (c < 0x80) return between(c, 'A', 'Z') ? c + 32 : c;
  if (between(c, 0xFF01, 0xFF5E)) return fold(c - 0xFEE0);
  if (c == 0x3000) return ' ';
  if (between(c, 0xC0, 0xDE) && c != 0xD7) return c + 32;
  if (between(c, 0x391, 0x3A9) && c != 0x3A2) return c + 32;
  if (between(c, 0x410, 0x42F)) return c + 32;
  if (between(c, 0x400, 0x40F)) return c + 80;
  return c;
}

bool is_invisible(std::uint32_t c) noexcept {
  if (c < 0xAD) return false;
  return c == 0xAD || between(c, 0x200B, 0x200F) || between(c, 0x2060, 0x2064) || between(c, 0xFE00, 0xFE0F) ||
         c == 0xFEFF || c == 0x180E;
}

bool joins_words(std::uint32_t c) noexcept {
  if (c < 0x80) return between(c, 'a', 'z') || between(c, '0', '9') || c == '_';
  if (c == 0xD7 || c == 0xF7) return false;
  return between(c, 0xC0, 0x24F) || between(c, 0x370, 0x58F) || between(c, 0x5D0, 0x6FF) || between(c, 0x900, 0xDFF) ||
         between(c, 0x10A0, 0x10FF) || between(c, 0x1E00, 0x1FFF);
}

void read_json_text(Bytes written, std::uint32_t offset, std::vector<Symbol>& out) { read<true>(written, offset, out); }
void read_plain_text(Bytes text, std::vector<Symbol>& out) { read<false>(text, 0, out); }

}  // namespace loft::word_filter
