// What Loft takes for a mail address.
#pragma once

#include <algorithm>
#include <string_view>

namespace loft {

inline constexpr std::size_t max_mail_address = 254;

/// Whether a text is one address of the form `local@domain` as RFC 5321 has it without quotes, or as RFC 6531 does, in
/// UTF-8: 254 bytes at most, 64 of them before the `@`; no list, no name, no angle brackets, nothing that could end a
/// line or a header. Says nothing about whether it is there. The text must be valid UTF-8. Thread role: any.
inline bool is_mail_address(std::string_view text) noexcept {
  const auto at = text.find('@');
  if (at == std::string_view::npos || text.size() > max_mail_address) return false;
  const auto local = text.substr(0, at), domain = text.substr(at + 1);
  constexpr std::string_view in_local = "!#$%&'*+-/=?^_`{|}~.";
  const auto word = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
  };
  // Dots stand between something.
  const auto dotted = [](std::string_view part) {
    return !part.empty() && part.front() != '.' && part.back() != '.' && part.find("..") == std::string_view::npos;
  };
  if (local.size() > 64 || !dotted(local) || !dotted(domain)) return false;
  const auto fine_local = [&](char c) {
    return word(static_cast<unsigned char>(c)) || in_local.find(c) != in_local.npos;
  };
  if (!std::all_of(local.begin(), local.end(), fine_local)) return false;
  for (std::size_t from = 0; from <= domain.size();) {
    const auto end = std::min(domain.find('.', from), domain.size());
    const auto label = domain.substr(from, end - from);
    if (label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    const auto fine = [&](char c) { return word(static_cast<unsigned char>(c)) || c == '-'; };
    if (!std::all_of(label.begin(), label.end(), fine)) return false;
    from = end + 1;
  }
  return true;
}

}  // namespace loft
