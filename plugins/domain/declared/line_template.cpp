#include "declared/line_template.hpp"

#include <algorithm>
#include <optional>

#include <loft/utf8.hpp>

namespace loft::declared_domain {
namespace {

constexpr std::size_t longest = 100;  // characters

Error wrong(std::size_t at, const std::string& what) {
  return {Code::invalid, "template", what + " at character " + std::to_string(at + 1)};
}

/// The names between the dots; empty: one of them is.
std::vector<std::string> path_of(std::string_view text) {
  std::vector<std::string> path;
  for (;;) {
    const auto dot = text.find('.');
    path.emplace_back(text.substr(0, dot));
    if (path.back().empty()) return {};
    if (dot == std::string_view::npos) return path;
    text.remove_prefix(dot + 1);
  }
}

std::string shown(const json::Value& value) {
  switch (value.type()) {
    case json::Type::string:
      return value.text().value_or("");
    case json::Type::number:
    case json::Type::boolean:
      return std::string(value.raw());
    case json::Type::array: {
      std::size_t count = 0;
      value.elements([&](const json::Value&) {
        ++count;
        return true;
      });
      return std::to_string(count);
    }
    default:
      return {};
  }
}

std::string member(json::Value value, const std::vector<std::string>& path) {
  for (const auto& name : path) {
    const auto found = value.is(json::Type::object) ? value.find(name) : std::nullopt;
    if (!found) return {};
    value = *found;
  }
  return shown(value);
}

}  // namespace

Result<LineTemplate> LineTemplate::parse(std::string_view text) {
  LineTemplate made;
  Part part;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c != '{' && c != '}') {
      part.text += c;
      continue;
    }
    if (at + 1 < text.size() && text[at + 1] == c) {
      part.text += c;
      ++at;
      continue;
    }
    if (c == '}') return wrong(at, "'}' without '{'; a brace that is to be seen is written twice");
    const auto end = text.find_first_of("{}", at + 1);
    if (end == std::string_view::npos || text[end] == '{') return wrong(at, "'{' without '}'");
    part.path = path_of(text.substr(at + 1, end - at - 1));
    if (part.path.empty()) return wrong(at, "a place without a member's name, such as {title},");
    made.parts_.push_back(std::move(part));
    part = {};
    at = end;
  }
  made.parts_.push_back(std::move(part));
  return made;
}

void LineTemplate::append(const json::Value& content, std::string& out) const {
  std::string line;
  for (const auto& part : parts_) {
    line += part.text;
    if (!part.path.empty()) line += member(content, part.path);
  }
  for (const char c : utf8::prefix(line, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
}

}  // namespace loft::declared_domain
