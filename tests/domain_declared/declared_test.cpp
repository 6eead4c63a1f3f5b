#include <catch2/catch.hpp>

#include "declared/declared_domain.hpp"

using namespace loft;
using loft::declared_domain::DeclaredDomain;
using loft::declared_domain::LineTemplate;

namespace {

std::string line(std::string_view text, std::string_view content) {
  const auto parsed = LineTemplate::parse(text);
  REQUIRE(parsed);
  std::string out = "> ";
  parsed->append(*json::parse(content), out);
  return out.substr(2);
}

std::string refusal(std::string_view text) {
  const auto parsed = LineTemplate::parse(text);
  return parsed ? "" : parsed.error().detail;
}

struct Declared {
  DeclaredDomain domain;
  OptionTable table;
  Declared() { domain.options(table); }

  void set(std::string_view name, std::string value) {
    for (auto& row : table.rows()) {
      if (row.name == name) return row.set_text(std::move(value));
    }
    FAIL("no option " << name);
  }
  void set(std::map<std::string, std::string> previews) {
    for (auto& row : table.rows()) {
      if (row.name == "previews") row.set_map(std::move(previews));
    }
  }
  std::string preview(std::string_view content, Locale locale) const {
    std::string out;
    domain.preview(0, content, locale, out);
    return out;
  }
};

}  // namespace

TEST_CASE("a line takes texts, numbers, truth values and lengths of lists from the content") {
  CHECK(line("[Poll] {title}", R"({"title":"Lunch?"})") == "[Poll] Lunch?");
  CHECK(line("{n} of {all}, {open}", R"({"n":3,"all":4.5,"open":true})") == "3 of 4.5, true");
  CHECK(line("{options} options", R"({"options":["a","b","c"]})") == "3 options");
  CHECK(line("{author.name}: {title}", R"({"title":"x","author":{"name":"Ann"}})") == "Ann: x");
  CHECK(line("{a}{b}{c}|", R"({"a":null,"b":{"x":1}})") == "|");
  CHECK(line("{a.b}", R"({"a":"text"})").empty());
  CHECK(line("{{{n}}}", R"({"n":1})") == "{1}");
}

TEST_CASE("a line is one line of at most a hundred characters") {
  CHECK(line("{t}", R"({"t":"a\nb\tc\u007fd"})") == "a b c d");
  std::string text;
  for (int i = 0; i < 120; ++i) text += "字";
  CHECK(line("{t}", "{\"t\":\"" + text + "\"}") == text.substr(0, 300));
}

TEST_CASE("a line that cannot be read is refused with its place") {
  CHECK(refusal("a } b") == "'}' without '{'; a brace that is to be seen is written twice at character 3");
  CHECK(refusal("a {title") == "'{' without '}' at character 3");
  CHECK(refusal("a {title {b}") == "'{' without '}' at character 3");
  CHECK(refusal("{}") == "a place without a member's name, such as {title}, at character 1");
  CHECK(refusal("{a..b}") == "a place without a member's name, such as {title}, at character 1");
}

TEST_CASE("the line of the locale's language is taken, else the plain one") {
  Declared t;
  t.set("domain", "Acme:Survey");
  t.set("schema", "{}");
  t.set("preview", "[问卷] {title}");
  t.set({{"en", "[Survey] {title}"}, {"en-GB", "[Enquiry] {title}"}});
  REQUIRE(t.domain.configure());
  const std::string_view content = R"({"title":"x"})";
  CHECK(t.preview(content, "zh-CN") == "[问卷] x");
  CHECK(t.preview(content, "en") == "[Survey] x");
  CHECK(t.preview(content, "en_US") == "[Survey] x");
  CHECK(t.preview(content, "EN-gb") == "[Enquiry] x");
  CHECK(t.preview(content, "eng") == "[问卷] x");
  CHECK(t.preview("broken", "zh") == "[问卷] ");
}

TEST_CASE("a domain's name has two words, and a wrong line names its option") {
  Declared t;
  t.set("schema", "{}");
  for (const char* name : {"", "Survey", "Acme:", ":Survey", "Acme:Sur vey", "1cme:Survey", "Acme:A:B"}) {
    t.set("domain", name);
    const auto done = t.domain.configure();
    REQUIRE_FALSE(done);
    CHECK(done.error().reason == "domain");
  }
  t.set("domain", "Acme:Survey_2");
  CHECK(t.domain.configure());
  t.set({{"en", "{"}});
  const auto done = t.domain.configure();
  REQUIRE_FALSE(done);
  CHECK(done.error().reason == "previews");
  CHECK(done.error().detail == "'en': '{' without '}' at character 1");
}
