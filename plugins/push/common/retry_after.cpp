#include "common/retry_after.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace loft::push {

Millis parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now) {
  const auto* const end = value.data() + value.size();
  std::int64_t seconds = 0;
  const auto [stop, error] = std::from_chars(value.data(), end, seconds);
  if (stop == end && error == std::errc::result_out_of_range && !value.starts_with('-')) return longest_retry_after;
  if (stop != end || error != std::errc{}) {
    const auto date = curl_getdate(std::string(value).c_str(), nullptr);
    if (date < 0) return 0;
    seconds = static_cast<std::int64_t>(date) - std::chrono::system_clock::to_time_t(now);
  }
  return std::clamp<std::int64_t>(seconds, 0, longest_retry_after / 1000) * 1000;
}

std::optional<std::string_view> header_value(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = line[i] >= 'A' && line[i] <= 'Z' ? static_cast<char>(line[i] + 32) : line[i];
    if (c != name[i]) return std::nullopt;
  }
  auto value = line.substr(name.size() + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  return value;
}

}  // namespace loft::push
