// JSON (RFC 8259) as contracts need it: one pass that checks everything, then views into the same bytes. Content is
// carried on as it came, numbers are never squeezed through a double, and reading allocates nothing. Writing is in
// loft/json_writer.hpp, which this header includes.
//
// A name that stands twice in an object: the first one counts.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <loft/bytes.hpp>
#include <loft/error.hpp>
#include <loft/json_check.hpp>
#include <loft/json_writer.hpp>
#include <loft/utf8.hpp>

namespace loft::json {

enum class Type : std::uint8_t { null, boolean, number, string, array, object };

inline constexpr int default_depth = 32;

namespace detail {

// The two below walk text that was checked.

/// From behind the opening quote to the closing one.
inline const char* end_of_string(const char* p, const char* end) noexcept {
  p = skip_to_quote(p, end);
  while (*p != '"') p = *p == '\\' ? skip_to_quote(p + 2, end) : p + 1;
  return p;
}

inline const char* end_of_value(const char* p, const char* end) noexcept {
  if (*p == '"') return end_of_string(p + 1, end) + 1;
  if (*p != '{' && *p != '[') {
    while (p != end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p)) ++p;
    return p;
  }
  for (int depth = 0;; ++p) {
    if (*p == '"') {
      p = end_of_string(p + 1, end);
    } else if (*p == '{' || *p == '[') {
      ++depth;
    } else if ((*p == '}' || *p == ']') && --depth == 0) {
      return p + 1;
    }
  }
}

}  // namespace detail

/// A view of one checked value. Valid as long as the bytes it was parsed from.
class Value {
 public:
  Value() = default;

  /// The value as it was written.
  Bytes raw() const noexcept { return raw_; }

  Type type() const noexcept {
    switch (raw_.empty() ? 'n' : raw_.front()) {
      case '{':
        return Type::object;
      case '[':
        return Type::array;
      case '"':
        return Type::string;
      case 't':
      case 'f':
        return Type::boolean;
      case 'n':
        return Type::null;
      default:
        return Type::number;
    }
  }
  bool is(Type type) const noexcept { return this->type() == type; }

  /// The string's text, unescaped; nullopt for other types.
  std::optional<std::string> text() const {
    if (!is(Type::string)) return std::nullopt;
    std::string out;
    unescape(out);
    return out;
  }

  /// The string between its quotes when it holds no escapes, so that it can be used as it stands; else nullopt.
  std::optional<Bytes> plain_text() const noexcept {
    if (!is(Type::string)) return std::nullopt;
    const Bytes inside = raw_.substr(1, raw_.size() - 2);
    if (inside.find('\\') != Bytes::npos) return std::nullopt;
    return inside;
  }

  /// The exact integer, of a number without fraction and exponent inside int64; else nullopt.
  std::optional<std::int64_t> integer() const noexcept { return is(Type::number) ? exact(raw_) : std::nullopt; }

  /// As `integer`, and also of a string that holds nothing but such a number.
  std::optional<std::int64_t> integer_or_text() const noexcept {
    if (!is(Type::string)) return integer();
    return exact(raw_.substr(1, raw_.size() - 2));
  }

  std::optional<bool> boolean() const noexcept {
    if (!is(Type::boolean)) return std::nullopt;
    return raw_.front() == 't';
  }

  /// Calls `visit(name, value)` for each member of an object, `name` being a Value of type string; stops when it
  /// returns false. Does nothing for other types.
  template <class F>
  void members(F visit) const {
    if (!is(Type::object)) return;
    const char* const end = raw_.data() + raw_.size();
    const char* p = detail::skip_space(raw_.data() + 1, end);
    while (*p == '"') {
      const Value name = take(p, end);
      p = detail::skip_space(p, end) + 1;
      p = detail::skip_space(p, end);
      const Value value = take(p, end);
      if (!visit(name, value)) return;
      p = detail::skip_space(p, end);
      if (*p != ',') return;
      p = detail::skip_space(p + 1, end);
    }
  }

  /// As `members`, for the elements of an array: `visit(value)`.
  template <class F>
  void elements(F visit) const {
    if (!is(Type::array)) return;
    const char* const end = raw_.data() + raw_.size();
    const char* p = detail::skip_space(raw_.data() + 1, end);
    while (*p != ']') {
      if (!visit(take(p, end))) return;
      p = detail::skip_space(p, end);
      if (*p != ',') return;
      p = detail::skip_space(p + 1, end);
    }
  }

  /// The member of that name; nullopt where it is missing, `null`, or this is no object.
  std::optional<Value> find(std::string_view name) const {
    std::optional<Value> found;
    members([&](const Value& key, const Value& value) {
      if (!key.equals(name)) return true;
      if (!value.is(Type::null)) found = value;
      return false;
    });
    return found;
  }

  /// Whether this is a string with that text.
  bool equals(std::string_view text) const {
    if (!is(Type::string)) return false;
    const Bytes inside = raw_.substr(1, raw_.size() - 2);
    constexpr char escape = '\\';
    if (inside.find(escape) == Bytes::npos) return inside == text;
    return this->text() == text;
  }

 private:
  friend Result<Value> parse(Bytes text, int depth);

  explicit Value(Bytes raw) : raw_(raw) {}

  static Value take(const char*& p, const char* end) noexcept {
    const char* const first = p;
    p = detail::end_of_value(p, end);
    return Value(Bytes(first, static_cast<std::size_t>(p - first)));
  }

  static std::optional<std::int64_t> exact(Bytes text) noexcept {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
    return value;
  }

  void unescape(std::string& out) const {
    const char* p = raw_.data() + 1;
    const char* const end = raw_.data() + raw_.size() - 1;
    out.reserve(static_cast<std::size_t>(end - p));
    while (p != end) {
      if (*p != '\\') {
        out += *p++;
        continue;
      }
      switch (p[1]) {
        case 'b':
          out += '\b';
          break;
        case 'f':
          out += '\f';
          break;
        case 'n':
          out += '\n';
          break;
        case 'r':
          out += '\r';
          break;
        case 't':
          out += '\t';
          break;
        case 'u': {
          auto c = static_cast<std::uint32_t>(detail::hex4(p + 2));
          p += 4;
          if (c >= 0xD800 && c <= 0xDBFF) {
            c = 0x10000 + ((c - 0xD800) << 10) + (static_cast<std::uint32_t>(detail::hex4(p + 4)) - 0xDC00);
            p += 6;
          }
          utf8::append(out, c);
          break;
        }
        default:
          out += p[1];
      }
      p += 2;
    }
  }

  Bytes raw_;
};

/// Checks a whole text: one value, surrounded by white space only, strings in UTF-8, at most `depth` objects and arrays
/// inside each other. Error: invalid `json.malformed`, with the byte in the detail.
inline Result<Value> parse(Bytes text, int depth = default_depth) {
  const char* const end = text.data() + text.size();
  detail::Checker checker(text.data(), end);
  const char* const first = detail::skip_space(text.data(), end);
  const char* const last = checker.value(first, depth);
  if (last == nullptr) return checker.error();
  if (const char* const rest = detail::skip_space(last, end); rest != end) {
    checker.fail(rest, "there is more behind the value");
    return checker.error();
  }
  return Value(Bytes(first, static_cast<std::size_t>(last - first)));
}

}  // namespace loft::json
