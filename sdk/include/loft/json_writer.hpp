// Writing JSON: strings, integers, and a writer that sets the commas. loft/json.hpp includes this.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <loft/bytes.hpp>
#include <loft/json_scan.hpp>

namespace loft::json {

/// Appends `text` (UTF-8) as a JSON string, with quotes.
inline void append_string(std::string& out, Bytes text) {
  out += '"';
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* const first = p;
    p = detail::skip_plain(p, end);
    while (p != end && static_cast<unsigned char>(*p) >= 0x20 && *p != '"' && *p != '\\') ++p;
    out.append(first, p);
    if (p == end) break;
    const auto c = static_cast<unsigned char>(*p++);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += "0123456789abcdef"[c >> 4];
        out += "0123456789abcdef"[c & 15];
    }
  }
  out += '"';
}

inline void append_integer(std::string& out, std::int64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}
inline void append_integer(std::string& out, std::uint64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// Writes one JSON text. Commas are its business; nesting is the caller's.
///   Writer w(out); w.object(); w.key("id").number(7); w.key("list").array(); w.string("a"); w.end_array();
///   w.end_object();
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  Writer& object() {
    begin('{');
    return *this;
  }
  Writer& end_object() {
    end('}');
    return *this;
  }
  Writer& array() {
    begin('[');
    return *this;
  }
  Writer& end_array() {
    end(']');
    return *this;
  }

  /// `name` needs no escaping.
  Writer& key(std::string_view name) {
    comma();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    fresh_ = true;
    return *this;
  }
  Writer& string(Bytes text) {
    comma();
    append_string(out_, text);
    return *this;
  }
  template <class T>
  requires std::is_integral_v<T> Writer& number(T value) {
    comma();
    if constexpr (std::is_signed_v<T>)
      append_integer(out_, static_cast<std::int64_t>(value));
    else
      append_integer(out_, static_cast<std::uint64_t>(value));
    return *this;
  }
  Writer& boolean(bool value) {
    comma();
    out_ += value ? "true" : "false";
    return *this;
  }
  Writer& null() {
    comma();
    out_ += "null";
    return *this;
  }
  /// A ready JSON text.
  Writer& raw(Bytes json) {
    comma();
    out_ += json;
    return *this;
  }

 private:
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }
  void begin(char c) {
    comma();
    out_ += c;
    fresh_ = true;
  }
  void end(char c) {
    out_ += c;
    fresh_ = false;
  }

  std::string& out_;
  bool fresh_ = true;
};

}  // namespace loft::json
