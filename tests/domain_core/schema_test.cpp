// The quick check and the schema are two statements of one rule: random content must not find a difference.
#include <catch2/catch.hpp>
#include <core_domain.hpp>
#include <random>

#include <boost/json/parse.hpp>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

using loft::core_domain::Which;

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
  std::string content(const std::string& schema) {
    std::string out = "{";
    for (const char* name : names) {
      const bool known = schema.find('"' + std::string(name) + "\":") != std::string::npos;
      if (known ? chance(3) : !chance(12)) continue;
      if (out.size() > 1) out += chance(2) ? "," : " , ";
      out += '"' + std::string(name) + "\":" + value(name);
    }
    return out + '}';
  }

 private:
  static constexpr const char* names[] = {"text",     "url",       "thumbnail", "width",       "height",
                                          "size",     "name",      "duration",  "filename",    "format",
                                          "latitude", "longitude", "avatar",    "address",     "title",
                                          "username", "userId",    "user_id",   "description", "other"};

  bool chance(int one_in) { return random_() % static_cast<unsigned>(one_in) == 0; }
  template <std::size_t N>
  const char* one_of(const char* const (&list)[N]) {
    return list[random_() % N];
  }

  std::string value(std::string_view name) {
    const bool is_number = name == "latitude" || name == "longitude" || name == "width" || name == "height" ||
                           name == "size" || name == "duration";
    switch (random_() % 12) {
      case 0:
        return one_of({"null", "true", "[]", "{}", "[\"a\"]", "{\"text\":\"a\"}"});
      case 1:
        return is_number ? string() : number();
      default:
        return is_number ? number() : string();
    }
  }

  std::string number() {
    return one_of({"0",
                   "1",
                   "-1",
                   "90",
                   "-90",
                   "91",
                   "180",
                   "-180.0",
                   "180.5",
                   "1.5",
                   "-0",
                   "-0.0",
                   "1.0",
                   "1e2",
                   "1E300",
                   "9007199254740991",
                   "9007199254740992",
                   "-9007199254740991",
                   "-9007199254740992",
                   "9223372036854775807",
                   "9223372036854775808",
                   "18446744073709551615",
                   "18446744073709551616"});
  }

  std::string string() {
    // Around the bounds of the schemas, in characters of every width.
    constexpr std::size_t lengths[] = {0,    1,    2,    127,  128,  129,   1023,  1024,  1025,
                                       4096, 4097, 8191, 8192, 8193, 16384, 16385, 32768, 32769};
    const auto length = lengths[random_() % (chance(6) ? std::size(lengths) : 6)];
    const char* unit = one_of({"a", "é", "你", "😀", "\\n", "\\u4f60", "\\ud83d\\ude00", "\\\"", "\\\\"});
    std::string out = "\"";
    for (std::size_t i = 0; i < length; ++i) out += chance(50) ? "b" : unit;
    return out + '"';
  }

  std::mt19937 random_{20250101};
};

}  // namespace

TEST_CASE("check accepts what the schema accepts and nothing else") {
  const auto specs = loft::core_domain::specs();
  Generator generator;
  for (std::size_t index = 0; index < specs.size(); ++index) {
    INFO(specs[index].name);
    Oracle oracle(specs[index].schema);
    int accepted = 0, refused = 0;
    for (int round = 0; round < 600; ++round) {
      const auto content = generator.content(specs[index].schema);
      const auto mine = loft::core_domain::check(static_cast<Which>(index), content);
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
