// Small helpers for the texts of HTTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace loft::http {

inline char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// Equal but for the case of ASCII letters.
bool same(std::string_view a, std::string_view b) noexcept;

std::string_view trim(std::string_view text) noexcept;

/// Whether a comma-separated list holds the token, whatever its case.
bool has_token(std::string_view list, std::string_view token) noexcept;

/// RFC 9110 `token`: not empty, only token characters.
bool is_token(std::string_view text) noexcept;

/// Fit for a header's value: no control characters but the tab.
bool is_value(std::string_view text) noexcept;

/// Percent-decoding; `+` is a space in a query. A broken `%` sequence stays as it is.
std::string decode(std::string_view text, bool plus_is_space);

/// The decoded value of the first parameter of that name.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace loft::http
