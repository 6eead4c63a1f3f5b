// Random content finds no difference between `check` and the schemas.
#include <flix_domain.hpp>

#include "../support/schema_check.hpp"

using loft::flix_domain::Which;

namespace {

class Generator : loft::tests::ContentDice {
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
  std::string value(std::string_view name) {
    if (chance(12)) return one_of({"null", "true", "[]", "{}", "7", "\"a\"", "[\"a\"]", "[7]", "[[\"a\"]]"});
    if (name != "image_urls") return string();
    std::string out = "[";
    constexpr std::size_t lengths[] = {0, 1, 2, 63, 64, 65};
    const auto length = lengths[below(chance(4) ? std::size(lengths) : 3)];
    for (std::size_t i = 0; i < length; ++i) {
      if (i != 0) out += ',';
      out += length > 2 ? "\"u\"" : string();
    }
    return out + ']';
  }

  std::string string() {
    // Around the bounds of the schemas.
    constexpr std::size_t lengths[] = {0, 1, 2, 1023, 1024, 1025, 8191, 8192, 8193, 16383, 16384, 16385};
    return text(lengths, 3, 4);
  }
};

}  // namespace

TEST_CASE("check accepts what the schema accepts and nothing else") {
  Generator generator;
  loft::tests::compare_with_schemas(
      loft::flix_domain::specs(), [&](const loft::DomainSpec&) { return generator.content(); },
      [](std::size_t index, const std::string& content) {
        return loft::flix_domain::check(static_cast<Which>(index), content);
      });
}
