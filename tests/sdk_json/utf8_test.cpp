#include <random>
#include <string>

#include <catch2/catch.hpp>
#include <loft/utf8.hpp>

using namespace loft;

namespace {

/// RFC 3629 said once more, slowly: decode, then look at the code point.
std::size_t slow_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  const std::size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  std::uint32_t point = size == 1 ? lead : lead & (0x7F >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (at(i) >> 6 != 2) return 0;
    point = point << 6 | (at(i) & 0x3F);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  return point < smallest[size] || surrogate || point > 0x10FFFF ? 0 : size;
}

std::size_t slow_first_bad(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto size = slow_length(text.substr(at));
    if (size == 0) break;
    at += size;
  }
  return at;
}

}  // namespace

TEST_CASE("each code point is written as UTF-8 and is well-formed, except surrogates") {
  for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
    std::string text;
    utf8::append(text, point);
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (utf8::valid(text) == surrogate ||
        (!surrogate && utf8::length(text.data(), text.data() + text.size()) != text.size())) {
      FAIL("code point " << point);
    }
  }
}

TEST_CASE("every two bytes, with every kind of tail, are judged as RFC 3629 says") {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      for (const std::string tail : {"", "\x80", "\xBF", "\x80\x80", "\xBF\xBF",
                                     "\x80"
                                     "A",
                                     "A"}) {
        const std::string text = std::string{static_cast<char>(a), static_cast<char>(b)} + tail;
        if (utf8::length(text.data(), text.data() + text.size()) != slow_length(text)) FAIL(a << ' ' << b);
        if (utf8::first_bad(text) != slow_first_bad(text)) FAIL(a << ' ' << b);
      }
    }
  }
}

TEST_CASE("the first bad byte is found at any offset") {
  for (std::size_t before = 0; before < 40; ++before) {
    for (const std::string bad : {"\xFF", "\xC0\xAF", "\xE6\xBC", "\xED\xA0\x80", "\x80"}) {
      CHECK(utf8::first_bad(std::string(before, 'a') + bad + "aaaaaaaaaaaa") == before);
      CHECK(utf8::first_bad(std::string(before, 'a') + bad) == before);
    }
    CHECK(utf8::first_bad(std::string(before, 'a')) == before);
  }
}

TEST_CASE("random bytes are judged as by the slow definition") {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 30, 0);
    for (auto& c : text) c = static_cast<char>(random() % 2 == 0 ? 'a' : random());
    if (utf8::first_bad(text) != slow_first_bad(text)) FAIL("round " << round);
  }
}

TEST_CASE("a prefix counts code points, not bytes") {
  CHECK(utf8::prefix("a\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80z", 4) == "a\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80");
  CHECK(utf8::prefix("abc", 0).empty());
  CHECK(utf8::prefix("abc", 9) == "abc");
}
