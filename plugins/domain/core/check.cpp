#include <array>
#include <charconv>
#include <optional>

#include <loft/json.hpp>

#include "core_domain.hpp"

namespace loft::core_domain {
namespace {

enum class Kind : std::uint8_t { text, integer, number, id };

/// One known member. `low` and `high` bound the characters of a text and the value of a number.
struct Field {
  std::string_view name;
  Kind kind = Kind::text;
  bool required = false;
  double low = 0;
  double high = 0;
};

constexpr double exact = 9007199254740991.0;  // 2^53 - 1: beyond it JavaScript loses digits
constexpr std::size_t max_fields = 8;

struct Shape {
  std::array<Field, max_fields> fields;
  std::size_t count = 0;
};

constexpr Field text_field(std::string_view name, double high, bool required = false) {
  return {name, Kind::text, required, required ? 1.0 : 0.0, high};
}
constexpr Field url{"url", Kind::text, true, 1, 8192};
constexpr Field thumbnail = text_field("thumbnail", 32768);
constexpr Field size{"size", Kind::integer, false, 0, exact};
constexpr Field duration{"duration", Kind::number, false, 0, exact};

// In the order of `Which`.
constexpr Shape shapes[] = {
    {{text_field("text", 16384, true)}, 1},
    {{url, thumbnail, Field{"width", Kind::integer, false, 0, exact}, Field{"height", Kind::integer, false, 0, exact},
      size, text_field("text", 16384)},
     6},
    {{url, thumbnail, duration, size}, 4},
    {{url, duration, size}, 3},
    {{url, text_field("filename", 1024), size, text_field("format", 128)}, 4},
    {{Field{"latitude", Kind::number, true, -90, 90}, Field{"longitude", Kind::number, true, -180, 180},
      text_field("name", 1024), text_field("address", 1024)},
     4},
    {{text_field("title", 1024), text_field("username", 1024), Field{"userId", Kind::id, false, 0, 128},
      Field{"user_id", Kind::id, false, 0, 128}, text_field("avatar", 8192), text_field("url", 8192),
      text_field("description", 4096)},
     7},
    {{text_field("text", 16384, true), text_field("title", 1024)}, 2},
};

Error invalid(std::string_view name, std::string_view what) {
  return {Code::invalid, "content.invalid", std::string(name) + " " + std::string(what)};
}

/// Characters (code points) of a JSON string.
double characters(const json::Value& string) {
  const Bytes raw = string.raw();
  std::size_t count = 0;
  for (std::size_t i = 1; i + 1 < raw.size();) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c == '\\') {
      const bool is_unit = raw[i + 1] == 'u';
      // A pair of surrogates is one character; the text was checked, so that a first half is followed by a second.
      const bool is_high = is_unit && (json::detail::hex4(raw.data() + i + 2) & 0xFC00) == 0xD800;
      i += is_high ? 12 : is_unit ? 6 : 2;
    } else {
      i += c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    }
    ++count;
  }
  return static_cast<double>(count);
}

std::optional<double> number(const json::Value& value) noexcept {
  double out = 0;
  const Bytes raw = value.raw();
  const auto [stop, error] = std::from_chars(raw.data(), raw.data() + raw.size(), out);
  if (error != std::errc{} || stop != raw.data() + raw.size()) return std::nullopt;
  return out;
}

Result<void> check_text(const Field& field, const json::Value& value) {
  // A character is at least one byte as written: short texts need no counting.
  const auto bytes = static_cast<double>(value.raw().size() - 2);
  if (bytes < field.low) return invalid(field.name, "must not be empty");
  if (bytes > field.high && characters(value) > field.high) {
    return invalid(field.name,
                   "must not be longer than " + std::to_string(static_cast<int>(field.high)) + " characters");
  }
  return {};
}

Result<void> check_number(const Field& field, const json::Value& value) {
  const auto amount = number(value);
  if (!amount || *amount < field.low || *amount > field.high) return invalid(field.name, "is out of range");
  return {};
}

Result<void> check_field(const Field& field, const json::Value& value) {
  if (value.is(json::Type::null)) {
    if (field.required) return invalid(field.name, "must not be null");
    return {};
  }
  switch (field.kind) {
    case Kind::text:
      if (!value.is(json::Type::string)) return invalid(field.name, "must be a string");
      return check_text(field, value);
    case Kind::integer:
      if (!value.integer()) return invalid(field.name, "must be a whole number");
      return check_number(field, value);
    case Kind::number:
      if (!value.is(json::Type::number)) return invalid(field.name, "must be a number");
      return check_number(field, value);
    case Kind::id:
      if (value.is(json::Type::string)) return check_text(field, value);
      if (!value.integer()) return invalid(field.name, "must be a string or a whole number");
      return check_number({field.name, Kind::integer, false, -exact, exact}, value);
  }
  return {};
}

/// The UTF-8 bytes of a text, which a schema cannot count.
Result<void> check_bytes(const json::Value& text) {
  const Bytes raw = text.raw();
  if (raw.size() - 2 <= max_text) return {};
  const auto bytes = text.plain_text() ? raw.size() - 2 : text.text()->size();
  if (bytes <= max_text) return {};
  return Error{Code::too_large, "content.too_large", "text must not be longer than 16 KiB"};
}

/// `{"text":"…"}` without any escape: what nearly every message is.
bool is_plain_text(Bytes content) noexcept {
  constexpr Bytes head = "{\"text\":\"";
  if (!content.starts_with(head)) return false;
  const auto quote = content.find('"', head.size());
  return quote > head.size() && quote + 2 == content.size() && content.back() == '}' && content[quote - 1] != '\\' &&
         quote - head.size() <= max_text;
}

bool says_something(const json::Value& value) noexcept {
  return value.is(json::Type::number) || (value.is(json::Type::string) && value.raw().size() > 2);
}

}  // namespace

Result<void> check(Which which, Bytes content) {
  if (which == Which::text && is_plain_text(content)) return {};
  const auto object = json::parse(content);
  if (!object) return Error{Code::invalid, "content.invalid", object.error().detail};
  if (!object->is(json::Type::object)) return Error{Code::invalid, "content.invalid", "it must be an object"};

  const auto& shape = shapes[static_cast<std::size_t>(which)];
  std::array<json::Value, max_fields> found;
  Result<void> outcome;
  object->members([&](const json::Value& name, const json::Value& value) {
    for (std::size_t i = 0; i < shape.count; ++i) {
      const auto& field = shape.fields[i];
      if (!name.equals(field.name)) continue;
      outcome = found[i].raw().empty() ? check_field(field, value) : invalid(field.name, "stands twice");
      found[i] = value;
      break;
    }
    return outcome.ok();
  });
  if (!outcome) return outcome;
  for (std::size_t i = 0; i < shape.count; ++i) {
    if (shape.fields[i].required && found[i].raw().empty()) return invalid(shape.fields[i].name, "is required");
  }
  if (which == Which::text) return check_bytes(found[0]);
  if (which == Which::card) {
    for (std::size_t i = 0; i < 4; ++i) {
      if (says_something(found[i])) return {};
    }
    return Error{Code::invalid, "content.invalid", "a card needs a title, a username or a userId"};
  }
  return {};
}

}  // namespace loft::core_domain
