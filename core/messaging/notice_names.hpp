// How system conversations and broadcasts are found: by handles that nobody else can give.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <loft/id.hpp>

namespace loft {

inline bool is_topic(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 50 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

/// `reader` none: of the broadcast.
inline std::string notice_handle(std::string_view topic, UserId reader) {
  auto handle = "system:" + std::string(topic);
  if (reader != UserId::none) handle += ":" + std::to_string(raw(reader));
  return handle;
}

}  // namespace loft
