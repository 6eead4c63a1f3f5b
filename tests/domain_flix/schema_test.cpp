// The quick check and the schema are two statements of one rule: random content must not find a difference.
#include <catch2/catch.hpp>
#include <flix_domain.hpp>
#include <random>

#include <boost/json/parse.hpp>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

using loft::flix_domain::Which;

namespace {

class Oracle {
 public:
  explicit Oracle(const std::string& text) {
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

class Generator {
 public:
  /// An object with members that the schema knows, and a few that it does not.
  std::string content() {
    std::string out = "{";
    for (const char* name : {"title", "text", "image_urls", "deep_link", "other", "price"}) {
      if (chance(2)) continue;
      if (out.size() > 1) out += chance(2) ? "," : " , ";
      out += '"' + std::string(name) + "\":" + value(name);
    }
    return out + '}';
  }

 private:
  bool chance(int one_in) { return random_() % static_cast<unsigned>(one_in) == 0; }
  template <std::size_t N>
  const char* one_of(const char* const (&list)[N]) {
    return list[random_() % N];
  }

  std::string value(std::string_view name) {
    if (chance(12)) return one_of({"null", "true", "[]", "{}", "7", "\"a\"", "[\"a\"]", "[7]", "[[\"a\"]]"});
    if (name != "image_urls") return string();
    std::string out = "[";
    constexpr std::size_t lengths[] = {0, 1, 2, 63, 64, 65};
    const auto length = lengths[random_() % (chance(4) ? std::size(lengths) : 3)];
    for (std::size_t i = 0; i < length; ++i) {
      if (i != 0) out += ',';
      out += length > 2 ? "\"u\"" : string();
    }
    return out + ']';
  }

  std::string string() {
    // Around the bounds of the schemas, in characters of every width.
    constexpr std::size_t lengths[] = {0, 1, 2, 1023, 1024, 1025, 8191, 8192, 8193, 16383, 16384, 16385};
    const auto length = lengths[random_() % (chance(4) ? std::size(lengths) : 3)];
    const char* unit = one_of({"a", "é", "你", "😀", "\\n", "\\u4f60", "\\ud83d\\ude00", "\\\"", "\\\\"});
    std::string out = "\"";
    for (std::size_t i = 0; i < length; ++i) out += chance(50) ? "b" : unit;
    return out + '"';
  }

  std::mt19937 random_{20250101};
};

}  // namespace

TEST_CASE("check accepts what the schema accepts and nothing else") {
  const auto specs = loft::flix_domain::specs();
  Generator generator;
  for (std::size_t index = 0; index < specs.size(); ++index) {
    INFO(specs[index].name);
    Oracle oracle(specs[index].schema);
    int accepted = 0, refused = 0;
    for (int round = 0; round < 600; ++round) {
      const auto content = generator.content();
      const auto mine = loft::flix_domain::check(static_cast<Which>(index), content);
      const bool expected = oracle.accepts(content);
      ++(expected ? accepted : refused);
      if (mine.ok() != expected) {
        FAIL("schema says " << expected << ", check says " << (mine ? "yes" : mine.error().detail) << ": "
                            << content.substr(0, 400));
      }
    }
    CHECK(accepted > 20);
    CHECK(refused > 20);
  }
}
