#include "phrasing.hpp"

#include <algorithm>

namespace loft::storage {
namespace {

bool is_name(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

}  // namespace

Statement placed(std::string_view text, Placeholder placeholder) {
  Statement statement;
  std::vector<std::string_view> names;
  char quote = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == ':') {
      auto end = at + 1;
      while (end < text.size() && is_name(text[end])) ++end;
      const auto name = text.substr(at + 1, end - at - 1);
      const auto known = std::find(names.begin(), names.end(), name);
      const auto place = static_cast<std::size_t>(known - names.begin());
      if (known == names.end()) names.push_back(name);
      at = end - 1;
      if (placeholder == Placeholder::numbered) {
        statement.sql += '$' + std::to_string(place + 1);
        if (place == statement.order.size()) statement.order.push_back(static_cast<std::uint8_t>(place));
      } else {
        statement.sql += '?';
        statement.order.push_back(static_cast<std::uint8_t>(place));
      }
      continue;
    }
    statement.sql += c;
  }
  return statement;
}

Statement phrased(const Phrasing& phrasing, Query query) {
  const auto own =
      std::find_if(phrasing.own.begin(), phrasing.own.end(), [&](const OwnText& row) { return row.query == query; });
  return placed(own == phrasing.own.end() ? text(query) : own->text, phrasing.placeholder);
}

}  // namespace loft::storage
