// The quick check of a domain and its schema are two statements of one rule: random content must not find a difference.
#pragma once

#include <catch2/catch.hpp>
#include <random>
#include <span>
#include <string>

#include <boost/json/parse.hpp>
#include <loft/domain.hpp>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace loft::tests {

/// What a schema says of contents.
class SchemaOracle {
 public:
  explicit SchemaOracle(const std::string& text) {
    const auto json = boost::json::parse(text);
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::BoostJsonAdapter(json), schema_);
  }
  bool accepts(const std::string& content) {
    const auto json = boost::json::parse(content);
    valijson::Validator validator;
    return validator.validate(schema_, valijson::adapters::BoostJsonAdapter(json), nullptr);
  }

 private:
  valijson::Schema schema_;
};

/// Dice for contents.
class ContentDice {
 protected:
  bool chance(int one_in) { return random_() % static_cast<unsigned>(one_in) == 0; }
  template <std::size_t N>
  const char* one_of(const char* const (&list)[N]) {
    return list[random_() % N];
  }
  std::size_t below(std::size_t limit) { return random_() % limit; }

  /// A JSON text of one of the lengths, mostly of one of the first `usual`, in characters of every width.
  template <std::size_t N>
  std::string text(const std::size_t (&lengths)[N], std::size_t usual, int otherwise_one_in) {
    const auto length = lengths[below(chance(otherwise_one_in) ? N : usual)];
    const char* unit = one_of({"a", "é", "你", "😀", "\\n", "\\u4f60", "\\ud83d\\ude00", "\\\"", "\\\\"});
    std::string out = "\"";
    for (std::size_t i = 0; i < length; ++i) out += chance(50) ? "b" : unit;
    return out + '"';
  }

 private:
  std::mt19937 random_{20250101};
};

/// `content(spec)` makes one, `check(index, content)` judges it.
template <class Content, class Check>
void compare_with_schemas(std::span<const DomainSpec> specs, Content content_of, Check check) {
  for (std::size_t index = 0; index < specs.size(); ++index) {
    INFO(specs[index].name);
    SchemaOracle oracle(specs[index].schema);
    int accepted = 0, refused = 0;
    for (int round = 0; round < 600; ++round) {
      const std::string content = content_of(specs[index]);
      const Result<void> mine = check(index, content);
      const bool expected = oracle.accepts(content);
      ++(expected ? accepted : refused);
      // Bytes are what a schema cannot count.
      if (expected && !mine && mine.error().reason == "content.too_large") continue;
      if (mine.ok() != expected) {
        FAIL("schema says " << expected << ", check says " << (mine ? "yes" : mine.error().detail) << ": "
                            << content.substr(0, 400));
      }
    }
    CHECK(accepted > 20);
    CHECK(refused > 20);
  }
}

}  // namespace loft::tests
