// Text as the filter compares it: folded characters that know where they stand in the JSON they came from.
#pragma once

#include <cstdint>
#include <vector>

#include <loft/bytes.hpp>

namespace loft::word_filter {

/// One character of a text, folded, and the bytes that it is written with.
struct Symbol {
  std::uint32_t character = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// The same number for characters that the filter takes for one: upper and lower case of Latin, Greek and Cyrillic
/// letters, full-width forms and plain ones.
std::uint32_t fold(std::uint32_t character) noexcept;

/// Characters that nobody sees, put between letters to hide a word. They are no symbols.
bool is_invisible(std::uint32_t character) noexcept;

/// Whether such a character goes on with the word of its neighbour: letters and digits of scripts that put spaces
/// between words. Folded.
bool joins_words(std::uint32_t character) noexcept;

/// Appends the symbols of `written`, UTF-8 as it stands between a JSON string's quotes and as json::parse has checked
/// it; places count from `offset`.
void read_json_text(Bytes written, std::uint32_t offset, std::vector<Symbol>& out);

/// The same of plain UTF-8 without escapes.
void read_plain_text(Bytes text, std::vector<Symbol>& out);

}  // namespace loft::word_filter
