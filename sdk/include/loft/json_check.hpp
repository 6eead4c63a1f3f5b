// The pass that checks JSON (RFC 8259), before anything of it is looked at: loft/json.hpp's `parse`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <loft/bytes.hpp>
#include <loft/error.hpp>
#include <loft/json_scan.hpp>
#include <loft/utf8.hpp>

namespace loft::json::detail {

inline constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

inline const char* skip_space(const char* p, const char* end) noexcept {
  while (p != end && is_space(*p)) ++p;
  return p;
}

inline int hex4(const char* p) noexcept {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = p[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/// The checking pass. Every function returns the place behind what it checked, or null after noting what is wrong.
class Checker {
 public:
  Checker(const char* begin, const char* end) : begin_(begin), end_(end) {}

  const char* value(const char* p, int depth) noexcept {
    if (p == end_) return fail(p, "a value is missing");
    switch (*p) {
      case '{':
        return depth > 0 ? object(p + 1, depth - 1) : fail(p, "nested too deeply");
      case '[':
        return depth > 0 ? array(p + 1, depth - 1) : fail(p, "nested too deeply");
      case '"':
        return string(p + 1);
      case 't':
        return word(p, "true");
      case 'f':
        return word(p, "false");
      case 'n':
        return word(p, "null");
      default:
        return number(p);
    }
  }

  const char* fail(const char* p, const char* what) noexcept {
    what_ = what;
    where_ = p;
    return nullptr;
  }

  Error error() const {
    return {Code::invalid, "json.malformed",
            std::string(what_) + " at byte " + std::to_string(static_cast<std::size_t>(where_ - begin_))};
  }

 private:
  const char* object(const char* p, int depth) noexcept {
    p = skip_space(p, end_);
    if (p != end_ && *p == '}') return p + 1;
    for (;;) {
      if (p == end_ || *p != '"') return fail(p, "a name in double quotes is missing");
      if ((p = string(p + 1)) == nullptr) return nullptr;
      p = skip_space(p, end_);
      if (p == end_ || *p != ':') return fail(p, "a colon is missing");
      if ((p = value(skip_space(p + 1, end_), depth)) == nullptr) return nullptr;
      p = skip_space(p, end_);
      if (p == end_) return fail(p, "the object is not closed");
      if (*p == '}') return p + 1;
      if (*p != ',') return fail(p, "a comma or a closing brace is missing");
      p = skip_space(p + 1, end_);
    }
  }

  const char* array(const char* p, int depth) noexcept {
    p = skip_space(p, end_);
    if (p != end_ && *p == ']') return p + 1;
    for (;;) {
      if ((p = value(p, depth)) == nullptr) return nullptr;
      p = skip_space(p, end_);
      if (p == end_) return fail(p, "the array is not closed");
      if (*p == ']') return p + 1;
      if (*p != ',') return fail(p, "a comma or a closing bracket is missing");
      p = skip_space(p + 1, end_);
    }
  }

  const char* string(const char* p) noexcept {
    p = skip_plain(p, end_);
    for (;;) {
      if (p == end_) return fail(p, "the string is not closed");
      const auto c = static_cast<unsigned char>(*p);
      if (c == '"') return p + 1;
      if (c == '\\') {
        if ((p = escape(p)) == nullptr) return nullptr;
        p = skip_plain(p, end_);
      } else if (c < 0x20) {
        return fail(p, "a control character is not escaped");
      } else if (c < 0x80) {
        ++p;
      } else {
        const auto n = utf8::length(p, end_);
        if (n == 0) return fail(p, "the text is not UTF-8");
        p += n;
      }
    }
  }

  // Surrogates must come in pairs: a lone one cannot be written as UTF-8 and would be lost on the way.
  const char* escape(const char* p) noexcept {
    if (end_ - p < 2) return fail(p, "the string is not closed");
    if (p[1] != 'u') {
      return std::strchr("\"\\/bfnrt", p[1]) != nullptr && p[1] != '\0' ? p + 2 : fail(p, "an unknown escape");
    }
    const int unit = end_ - p >= 6 ? hex4(p + 2) : -1;
    if (unit < 0) return fail(p, "four hex digits are missing");
    if (unit < 0xD800 || unit > 0xDFFF) return p + 6;
    if (unit > 0xDBFF || end_ - p < 12 || p[6] != '\\' || p[7] != 'u') return fail(p, "a lone surrogate");
    const int low = hex4(p + 8);
    return low >= 0xDC00 && low <= 0xDFFF ? p + 12 : fail(p, "a lone surrogate");
  }

  const char* digits(const char* p) noexcept {
    const char* const first = p;
    while (p != end_ && *p >= '0' && *p <= '9') ++p;
    return p != first ? p : fail(p, "a digit is missing");
  }

  const char* number(const char* p) noexcept {
    const char* const first = p;
    if (*p == '-') ++p;
    if (p == end_ || *p < '0' || *p > '9') return fail(first, "not a value");
    if (*p == '0') {
      ++p;
    } else if ((p = digits(p)) == nullptr) {
      return nullptr;
    }
    if (p != end_ && *p == '.' && (p = digits(p + 1)) == nullptr) return nullptr;
    if (p != end_ && (*p == 'e' || *p == 'E')) {
      ++p;
      if (p != end_ && (*p == '+' || *p == '-')) ++p;
      if ((p = digits(p)) == nullptr) return nullptr;
    }
    return p;
  }

  const char* word(const char* p, std::string_view text) noexcept {
    return Bytes(p, static_cast<std::size_t>(end_ - p)).starts_with(text) ? p + text.size() : fail(p, "not a value");
  }

  const char* begin_;
  const char* end_;
  const char* what_ = "";
  const char* where_ = nullptr;
};

}  // namespace loft::json::detail
