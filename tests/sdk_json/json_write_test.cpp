#include <random>

#include <catch2/catch.hpp>
#include <loft/json.hpp>

using namespace loft;

namespace {

std::string written(Bytes text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("strings are written with the escapes they need and no others") {
  CHECK(written("") == "\"\"");
  CHECK(written("a/b \xC3\xA9") == "\"a/b \xC3\xA9\"");
  CHECK(written("\"\\\b\f\n\r\t") == R"("\"\\\b\f\n\r\t")");
  CHECK(written(std::string("\0\x1F\x7F", 3)) == "\"\\u0000\\u001f\x7F\"");
}

TEST_CASE("any text survives being written and read") {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (unsigned i = random() % 40; i > 0; --i) {
      const auto kind = random() % 4;
      const auto c = kind == 0   ? random() % 0x30
                     : kind == 1 ? random() % 0x800
                     : kind == 2 ? random() % 0xD800
                                 : 0x10000 + random() % 0x100000;
      utf8::append(text, static_cast<std::uint32_t>(c));
    }
    const auto json = written(text);
    const auto value = json::parse(json);
    REQUIRE(value.ok());
    CHECK((*value).text() == text);
    CHECK((*value).equals(text));
    CHECK_FALSE((*value).equals(text + "x"));
  }
}

TEST_CASE("the writer sets commas and nests") {
  std::string out;
  json::Writer w(out);
  w.object();
  w.key("id").number(-7);
  w.key("big").number(~std::uint64_t{0});
  w.key("list").array();
  w.string("a").boolean(true).null().raw("{\"x\":1}");
  w.array().end_array();
  w.object().end_object();
  w.end_array();
  w.key("last").boolean(false);
  w.end_object();
  CHECK(out == R"({"id":-7,"big":18446744073709551615,"list":["a",true,null,{"x":1},[],{}],"last":false})");
  CHECK(json::parse(out).ok());
}
