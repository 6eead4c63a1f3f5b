#include <array>

#include <loft/json.hpp>

#include "flix_domain.hpp"

namespace loft::flix_domain {
namespace {

constexpr std::size_t max_title = 1024, max_text = 16384, max_link = 8192, max_images = 64;

struct Field {
  std::string_view name;
  std::size_t most;  ///< characters; of each item in a list
  bool is_list;
};
constexpr Field fields[] = {{"title", max_title, false},
                            {"text", max_text, false},
                            {"image_urls", max_link, true},
                            {"deep_link", max_link, false}};

Error invalid(std::string_view name, std::string_view what) {
  return {Code::invalid, "content.invalid", std::string(name) + " " + std::string(what)};
}

/// Characters (code points) of a JSON string.
std::size_t characters(Bytes raw) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 1; i + 1 < raw.size(); ++count) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c != '\\') {
      i += c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    } else if (raw[i + 1] != 'u') {
      i += 2;
    } else {
      // The text was checked: the first half of a pair is followed by the second, and both are one character.
      i += (json::detail::hex4(raw.data() + i + 2) & 0xFC00) == 0xD800 ? 12 : 6;
    }
  }
  return count;
}

Result<void> check_text(const Field& field, const json::Value& value) {
  if (!value.is(json::Type::string)) {
    return invalid(field.name, field.is_list ? "must be a list of strings" : "must be a string");
  }
  // A character is at least one byte as written: short texts need no counting.
  if (value.raw().size() - 2 <= field.most || characters(value.raw()) <= field.most) return {};
  return invalid(field.name, "must not be longer than " + std::to_string(field.most) + " characters");
}

Result<void> check_field(const Field& field, const json::Value& value) {
  if (value.is(json::Type::null)) return {};
  if (!field.is_list) return check_text(field, value);
  if (!value.is(json::Type::array)) return invalid(field.name, "must be a list of strings");
  Result<void> outcome;
  std::size_t count = 0;
  value.elements([&](const json::Value& item) {
    outcome = ++count > max_images ? invalid(field.name, "must not have more than 64 items") : check_text(field, item);
    return outcome.ok();
  });
  return outcome;
}

}  // namespace

Result<void> check(Which which, Bytes content) {
  const auto object = json::parse(content);
  if (!object) return Error{Code::invalid, "content.invalid", object.error().detail};
  if (!object->is(json::Type::object)) return Error{Code::invalid, "content.invalid", "it must be an object"};
  std::array<bool, std::size(fields)> seen{};
  bool is_empty = true;
  Result<void> outcome;
  object->members([&](const json::Value& name, const json::Value& value) {
    is_empty = false;
    for (std::size_t i = 0; i < std::size(fields); ++i) {
      if (!name.equals(fields[i].name)) continue;
      outcome = seen[i] ? invalid(fields[i].name, "stands twice") : check_field(fields[i], value);
      seen[i] = true;
      break;
    }
    return outcome.ok();
  });
  if (!outcome) return outcome;
  const bool may_be_empty = which == Which::like || which == Which::favorite;
  if (is_empty && !may_be_empty) return Error{Code::invalid, "content.invalid", "must say something"};
  return {};
}

Result<void> FlixDomain::check(std::size_t index, Bytes content, std::string&) const {
  return flix_domain::check(static_cast<Which>(index), content);
}

}  // namespace loft::flix_domain
