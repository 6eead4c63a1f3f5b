// Words of a command line or of SQL that an operator copies.
#pragma once

#include <string>
#include <string_view>

namespace loft::storage {

/// As it stands where a shell takes it so, else between quotes.
inline std::string quoted_for_shell(std::string_view word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@,+=%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
  std::string text = "'";
  for (const char c : word) {
    if (c == '\'') text += "'\\'";
    text += c;
  }
  return text += '\'';
}

/// A name or text between quotes, of which those in it are doubled.
inline std::string quoted_for_sql(std::string_view word, char quote) {
  std::string text(1, quote);
  for (const char c : word) {
    if (c == quote) text += quote;
    text += c;
  }
  return text += quote;
}

}  // namespace loft::storage
