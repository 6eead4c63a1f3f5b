#include "messaging/content_digest.hpp"

#include <string>

#include <loft/json.hpp>

#include "messaging/hash.hpp"

namespace loft {
namespace {

// Kinds of values, so that the text "1" and the number 1 differ.
constexpr std::uint64_t in_object = 0xA0761D6478BD642Full, in_array = 0x8EBC6AF09C88C6E3ull;
constexpr std::uint64_t of_text = 1, of_word = 2, of_bytes = 3;

/// Walks JSON and adds up what it says. Content was checked before, though perhaps by a domain of its own ideas: so it
/// believes nothing, and `sound` says whether it could follow.
class Walk {
 public:
  explicit Walk(std::string_view text) noexcept : p_(text.data()), end_(text.data() + text.size()) {}

  std::uint64_t whole() {
    skip_space();
    if (p_ == end_ || (*p_ != '{' && *p_ != '[')) return fail();
    const auto sum = value(json::default_depth);
    skip_space();
    return p_ == end_ ? sum : fail();
  }
  bool sound() const noexcept { return sound_; }

 private:
  std::uint64_t fail() noexcept {
    sound_ = false;
    p_ = end_;
    return 0;
  }
  void skip_space() noexcept { p_ = json::detail::skip_space(p_, end_); }
  bool take(char c) noexcept {
    skip_space();
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }

  std::uint64_t value(int depth) {
    skip_space();
    if (p_ == end_ || depth < 0) return fail();
    switch (*p_) {
      case '"':
        return text();
      case '{':
        ++p_;
        return object(depth - 1);
      case '[':
        ++p_;
        return array(depth - 1);
      default:
        return word();
    }
  }

  /// The sum knows no order.
  std::uint64_t object(int depth) {
    std::uint64_t sum = 0, count = 0;
    if (take('}')) return detail::fold(in_object, in_object);
    do {
      skip_space();
      if (p_ == end_ || *p_ != '"') return fail();
      const auto name = text();
      if (!take(':')) return fail();
      sum += detail::fold(name ^ in_object, value(depth) ^ in_array);
      ++count;
    } while (take(','));
    return take('}') ? detail::fold(sum ^ in_object, count ^ in_object) : fail();
  }

  std::uint64_t array(int depth) {
    std::uint64_t sum = in_array, count = 0;
    if (take(']')) return detail::fold(in_array, in_array);
    do {
      sum = detail::fold(sum ^ value(depth), in_object + ++count);
    } while (take(','));
    return take(']') ? detail::fold(sum ^ in_array, count ^ in_array) : fail();
  }

  /// true, false, null and numbers.
  std::uint64_t word() {
    const char* const first = p_;
    while (p_ != end_ && !json::detail::is_space(*p_) && *p_ != ',' && *p_ != '}' && *p_ != ']' && *p_ != ':' &&
           *p_ != '"' && *p_ != '{' && *p_ != '[') {
      ++p_;
    }
    if (p_ == first) return fail();
    return hash64({first, static_cast<std::size_t>(p_ - first)}, of_word);
  }

  std::uint64_t text() {
    const char* const first = p_++;
    bool is_plain = true;
    for (;; ++p_) {
      p_ = json::detail::skip_to_quote(p_, end_);
      if (p_ == end_) return fail();
      if (*p_ == '"') break;
      if (*p_ != '\\') continue;
      is_plain = false;
      if (++p_ == end_) return fail();
    }
    ++p_;
    if (is_plain) return hash64({first + 1, static_cast<std::size_t>(p_ - first) - 2}, of_text);
    const auto escaped = json::parse({first, static_cast<std::size_t>(p_ - first)});
    return escaped ? hash64(*escaped->text(), of_text) : fail();
  }

  const char* p_;
  const char* const end_;
  bool sound_ = true;
};

}  // namespace

std::uint64_t content_digest(std::string_view domain, std::string_view content) {
  Walk walk(content);
  auto sum = walk.whole();
  if (!walk.sound()) sum = hash64(content, of_bytes);
  return hash64(domain, sum);
}

}  // namespace loft
