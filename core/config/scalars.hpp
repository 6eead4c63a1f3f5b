// Numbers, durations and sizes as they are written in the YAML. Private to core/config.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <loft/options.hpp>

namespace loft::config {

/// A number, or what is wrong with the text. The messages do not repeat the text.
template <class T>
struct Parsed {
  T value{};
  std::string wrong;  ///< empty: `value` holds
};

Parsed<std::int64_t> parse_integer(std::string_view text);
Parsed<double> parse_number(std::string_view text);
Parsed<std::int64_t> parse_duration(std::string_view text);  ///< milliseconds
Parsed<std::int64_t> parse_size(std::string_view text);      ///< bytes
Parsed<bool> parse_boolean(std::string_view text);

/// Empty when `value` lies inside the option's range, else the sentence that states the range.
std::string check_range(const Option& option, double value);

/// The range as the reference shows it: `1–256`, `≥ 1s`; empty when there is none worth saying.
std::string range_text(const Option& option);

}  // namespace loft::config
