// The header Retry-After (RFC 9110 §10.2.3).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <loft/clock.hpp>

namespace loft::push {

/// The longest wait that is believed: a day.
inline constexpr Millis longest_retry_after = 86'400'000;

/// Seconds, or an HTTP date. 0: neither, or over already.
Millis parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now);

/// The value, without blanks around it, if the line is that header; `name` in lower case.
std::optional<std::string_view> header_value(std::string_view line, std::string_view name);

}  // namespace loft::push
