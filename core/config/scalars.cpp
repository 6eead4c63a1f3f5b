#include "config/scalars.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace loft::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array<Unit, 5> duration_units = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 6> size_units = {
    {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Digits, then one of the units. `bare` says whether the unit may be missing for any number.
template <std::size_t N>
Parsed<std::int64_t> with_unit(std::string_view text, const std::array<Unit, N>& units, bool bare, const char* help) {
  const auto digits = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  const auto suffix = text.substr(digits);
  if (digits == 0) return {0, help};
  std::int64_t value = 0;
  const bool fits = std::from_chars(text.data(), text.data() + digits, value).ec == std::errc{};
  if (suffix.empty() && (bare || (fits && value == 0))) {
    if (!fits) return {0, "is too large"};
    return {value, {}};
  }
  for (const auto& unit : units) {
    if (unit.name != suffix) continue;
    std::int64_t product = 0;
    if (!fits || __builtin_mul_overflow(value, unit.factor, &product)) return {0, "is too large"};
    return {product, {}};
  }
  return {0, help};
}

std::string bound_text(const Option& option, double value) {
  if (option.type == OptionType::duration) return OptionTable::duration_text(static_cast<Millis>(value));
  if (option.type == OptionType::size) return OptionTable::size_text(static_cast<std::uint64_t>(value));
  if (option.type == OptionType::integer) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr};
  }
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

struct Bounds {
  bool low;
  bool high;
};

/// Bounds that merely say "it has 64 bits" (or more than a setter can take) are not worth a word.
Bounds bounds(const Option& option) {
  constexpr double edge = 9.2e18;
  const bool low = option.minimum > -edge && !(option.type == OptionType::duration && option.minimum < 0);
  return {low, option.maximum < edge};
}

}  // namespace

Parsed<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (stop != text.data() + text.size() || error == std::errc::invalid_argument || text.empty()) {
    return {0, "is not a whole number; write digits only, such as 16"};
  }
  if (error == std::errc::result_out_of_range) return {0, "does not fit into 64 bits"};
  return {value, {}};
}

Parsed<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || stop != text.data() + text.size() || error != std::errc{} || !std::isfinite(value)) {
    return {0, "is not a number; write one such as 0.5"};
  }
  return {value, {}};
}

Parsed<std::int64_t> parse_duration(std::string_view text) {
  return with_unit(text, duration_units, false,
                   "is not a duration; write a whole number with a unit (ms, s, m, h, d), such as 30s");
}

Parsed<std::int64_t> parse_size(std::string_view text) {
  return with_unit(text, size_units, true,
                   "is not a size; write whole bytes or a unit (KiB, MiB, GiB, KB, MB, GB), such as 64KiB");
}

Parsed<bool> parse_boolean(std::string_view text) {
  if (text == "true") return {true, {}};
  if (text == "false") return {false, {}};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  if (lower == "yes" || lower == "on" || lower == "y" || lower == "true" || lower == "1") {
    return {false, "is not a boolean here; write true"};
  }
  if (lower == "no" || lower == "off" || lower == "n" || lower == "false" || lower == "0") {
    return {false, "is not a boolean here; write false"};
  }
  return {false, "is not a boolean; write true or false"};
}

std::string check_range(const Option& option, double value) {
  if (value >= option.minimum && value <= option.maximum) return {};
  const auto [low, high] = bounds(option);
  if (low && high) {
    return "is out of range: from " + bound_text(option, option.minimum) + " to " + bound_text(option, option.maximum);
  }
  if (low) return "is out of range: at least " + bound_text(option, option.minimum);
  return "is out of range: at most " + bound_text(option, option.maximum);
}

std::string range_text(const Option& option) {
  const bool numeric = option.type == OptionType::integer || option.type == OptionType::number ||
                       option.type == OptionType::duration || option.type == OptionType::size;
  if (!numeric) return {};
  auto [low, high] = bounds(option);
  // What the variable's type alone says is noise for a reader.
  constexpr double type_limits[] = {127, 255, 32767, 65535, 2147483647, 4294967295};
  const bool by_type =
      std::find(std::begin(type_limits), std::end(type_limits), option.maximum) != std::end(type_limits);
  if (high && by_type && option.maximum > 65535) high = false;
  if (low && option.minimum == 0 && option.type != OptionType::integer && !high) low = false;
  if (low && high) return bound_text(option, option.minimum) + "–" + bound_text(option, option.maximum);
  if (low && option.minimum > -2147483648.0) return "≥ " + bound_text(option, option.minimum);
  if (high) return "≤ " + bound_text(option, option.maximum);
  return {};
}

}  // namespace loft::config
