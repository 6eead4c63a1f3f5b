// Random content finds no difference between `check` and the schemas.
#include <core_domain.hpp>

#include "../support/schema_check.hpp"

using loft::core_domain::Which;

namespace {

class Generator : loft::tests::ContentDice {
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

  std::string value(std::string_view name) {
    const bool is_number = name == "latitude" || name == "longitude" || name == "width" || name == "height" ||
                           name == "size" || name == "duration";
    switch (below(12)) {
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
    // Around the bounds of the schemas.
    constexpr std::size_t lengths[] = {0,    1,    2,    127,  128,  129,   1023,  1024,  1025,
                                       4096, 4097, 8191, 8192, 8193, 16384, 16385, 32768, 32769};
    return text(lengths, 6, 6);
  }
};

}  // namespace

TEST_CASE("check accepts what the schema accepts and nothing else") {
  Generator generator;
  loft::tests::compare_with_schemas(
      loft::core_domain::specs(), [&](const loft::DomainSpec& spec) { return generator.content(spec.schema); },
      [](std::size_t index, const std::string& content) {
        return loft::core_domain::check(static_cast<Which>(index), content);
      });
}
