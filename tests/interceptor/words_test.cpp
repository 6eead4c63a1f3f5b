// The automaton against a search that tries every word at every place.
#include "word_filter/words.hpp"

#include <algorithm>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include <loft/json.hpp>

#include "word_filter/word_list.hpp"

using namespace loft;
using namespace loft::word_filter;

namespace {

std::vector<Symbol> symbols(const std::string& text) {
  std::vector<Symbol> out;
  read_plain_text(text, out);
  return out;
}

std::set<std::size_t> covered(const Words& words, const std::vector<Symbol>& text) {
  std::vector<Hit> hits;
  words.cover(text, hits);
  std::set<std::size_t> out;
  std::size_t before = 0;
  for (const auto& hit : hits) {
    CHECK(hit.first < hit.last);
    CHECK((out.empty() || hit.first > before));
    before = hit.last;
    for (auto i = hit.first; i < hit.last; ++i) out.insert(i);
  }
  return out;
}

std::set<std::size_t> naive(const std::vector<std::string>& list, const std::vector<Symbol>& text, bool whole) {
  std::set<std::size_t> out;
  for (const auto& each : list) {
    const auto word = symbols(each);
    for (std::size_t at = 0; at + word.size() <= text.size(); ++at) {
      const auto same = [](const Symbol& a, const Symbol& b) { return a.character == b.character; };
      const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at);
      if (!std::equal(word.begin(), word.end(), begin, same)) continue;
      const auto last = at + word.size();
      const auto joined = [&](std::size_t left) {
        return joins_words(text[left].character) && joins_words(text[left + 1].character);
      };
      if (whole && ((at > 0 && joined(at - 1)) || (last < text.size() && joined(last - 1)))) continue;
      for (auto i = at; i < last; ++i) out.insert(i);
    }
  }
  return out;
}

/// Of few characters, so that they meet: letters, spaces, a full-width letter, Han, an invisible one, beyond the BMP.
std::string random_text(std::mt19937& random, std::size_t length) {
  static const char* const pieces[] = {"a",
                                       "a",
                                       "b",
                                       "A",
                                       "B",
                                       " ",
                                       "_",
                                       "\xEF\xBC\xA1",
                                       "\xE5\x9D\x8F",
                                       "\xE2\x80\x8B",
                                       "\xF0\x9F\x98\x80",
                                       "\xC3\x84",
                                       "\xC3\xA4",
                                       "\""};
  std::string out;
  for (std::size_t i = 0; i < length; ++i) out += pieces[random() % std::size(pieces)];
  return out;
}

}  // namespace

TEST_CASE("the automaton finds what a naive search finds, as substrings and as whole words") {
  std::mt19937 random(7);
  std::size_t found = 0;
  for (int round = 0; round < 3000; ++round) {
    const bool whole = random() % 2 == 0;
    Words words(whole);
    std::vector<std::string> list;
    for (auto i = 1 + random() % 6; i > 0; --i) {
      auto word = random_text(random, 1 + random() % 5);
      if (words.add(word)) list.push_back(std::move(word));
    }
    words.finish();
    const auto text = symbols(random_text(random, random() % 40));
    const auto expected = naive(list, text, whole);
    found += expected.size();
    REQUIRE(covered(words, text) == expected);
    REQUIRE(words.any(text) == !expected.empty());
  }
  CHECK(found > 5000);  // the pieces did meet
}

TEST_CASE("a text written with escapes has the symbols of the plain one, and each knows its bytes") {
  std::mt19937 random(8);
  for (int round = 0; round < 500; ++round) {
    const auto plain = random_text(random, random() % 20);
    // Some characters as \u escapes, capitals and small digits.
    std::string written = "\"";
    for (const char* p = plain.data(); p != plain.data() + plain.size();) {
      const auto length = utf8::length(p, plain.data() + plain.size());
      const std::string one(p, length);
      p += length;
      if (random() % 2 == 0 && length < 4) {
        std::uint32_t c = static_cast<unsigned char>(one[0]);
        if (length == 2) c = (c & 0x1F) << 6 | (static_cast<unsigned char>(one[1]) & 0x3F);
        if (length == 3) {
          c = (c & 0x0F) << 12 | (static_cast<unsigned char>(one[1]) & 0x3F) << 6 |
              (static_cast<unsigned char>(one[2]) & 0x3F);
        }
        char escape[7];
        std::snprintf(escape, sizeof escape, random() % 2 == 0 ? "\\u%04x" : "\\u%04X", c);
        written += escape;
      } else if (length == 4 && random() % 2 == 0) {
        written += "\\ud83d\\uDE00";
      } else {
        written += one == "\"" ? "\\\"" : one;
      }
    }
    written += '"';
    const auto value = json::parse(written);
    REQUIRE(value.ok());
    std::vector<Symbol> read;
    read_json_text(value->raw().substr(1, value->raw().size() - 2), 1, read);
    const auto expected = symbols(plain);
    REQUIRE(read.size() == expected.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
      REQUIRE(read[i].character == expected[i].character);
      // Its bytes alone are one character again.
      const auto bytes = '"' + written.substr(read[i].begin, read[i].end - read[i].begin) + '"';
      const auto alone = json::parse(bytes);
      REQUIRE(alone.ok());
      REQUIRE(symbols(*alone->text()).size() == 1);
    }
  }
}

TEST_CASE("words that end in each other take time for the text alone") {
  Words words(false);
  for (std::size_t length = 1; length <= Words::longest; ++length) CHECK(words.add(std::string(length, 'a')));
  CHECK_FALSE(words.add(std::string(Words::longest + 1, 'a')));
  CHECK_FALSE(words.add(""));
  CHECK_FALSE(words.add("\xE2\x80\x8B"));
  CHECK_FALSE(words.add("\xC3"));
  words.finish();
  const auto text = symbols(std::string(200'000, 'a'));
  std::vector<Hit> hits;
  words.cover(text, hits);
  REQUIRE(hits.size() == 1);
  CHECK(hits[0].last == 200'000);
}

TEST_CASE("a list is one word to a line, with remarks; a wrong line is named") {
  Words words(false);
  CHECK(read_list("\xEF\xBB\xBF"
                  "one\r\n\n  # not this\n two words \nONE",
                  "list.txt", words)
            .ok());
  words.finish();
  CHECK(words.size() == 2);
  CHECK(words.any(symbols("Two Words")));
  CHECK_FALSE(words.any(symbols("not this")));
  const auto bad = read_list("fine\n\xFF\n", "list.txt", words);
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().detail == "list.txt:2: the line is not UTF-8; save the list in that encoding");
  const auto missing = read_file("/nowhere/words.txt", words);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().detail == "'/nowhere/words.txt': No such file or directory");
  const auto folder = read_file("/", words);
  REQUIRE_FALSE(folder.ok());
  CHECK(folder.error().detail == "'/': it cannot be read; is it a file?");
}
