#include <limits>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>
#include <loft/json.hpp>

using namespace loft;
using json::Type;

namespace {

/// Parses a copy of exactly the text's size, so that a sanitizer sees a read beyond the end.
struct Parsed {
  explicit Parsed(std::string_view text, int depth = json::default_depth) : copy(text.begin(), text.end()) {
    result = std::make_unique<Result<json::Value>>(json::parse(Bytes(copy.data(), copy.size()), depth));
  }
  bool ok() const { return result->ok(); }
  std::string detail() const { return result->error().detail; }
  const json::Value& value() const { return **result; }

  std::vector<char> copy;
  std::unique_ptr<Result<json::Value>> result;
};

}  // namespace

TEST_CASE("valid texts are taken, whatever the white space around them") {
  for (const auto* text :
       {"null", "true", "false", "0", "-0", "12", "-1.5", "1e5", "1E+5", "1.25e-7", "\"\"", "\"a\"", "[]", "{}",
        " [ 1 , 2 ] ", "\t\r\n{ \"a\" : { \"b\" : [ null ] } }\n", "[[],{}]", "\"\x7F\""}) {
    INFO(text);
    CHECK(Parsed(text).ok());
  }
}

TEST_CASE("invalid texts are refused") {
  for (const auto* text : {"",
                           " ",
                           "nul",
                           "nulll",
                           "True",
                           "+1",
                           "01",
                           "-",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "0x1",
                           "NaN",
                           "Infinity",
                           "\"",
                           "\"a",
                           "'a'",
                           "[",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{\"a\":1,",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:1}",
                           "{\"a\" 1}",
                           "{\"a\":1 \"b\":2}",
                           "]",
                           "}",
                           "[}",
                           "1 2",
                           "{}{}",
                           "// c\n1",
                           "\"\n\"",
                           "\"\t\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\",
                           "\"\\u",
                           "\xEF\xBB\xBF{}"}) {
    INFO(text);
    const Parsed parsed(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.result->error().code == Code::invalid);
    CHECK(parsed.result->error().reason == "json.malformed");
  }
  CHECK_FALSE(Parsed(std::string_view("\"\0\"", 3)).ok());
  CHECK_FALSE(Parsed(std::string_view("\"\\\0\"", 4)).ok());
}

TEST_CASE("an error says what is wrong and at which byte") {
  CHECK(Parsed("{\"a\":1,}").detail() == "a name in double quotes is missing at byte 7");
  CHECK(Parsed("[1 2]").detail() == "a comma or a closing bracket is missing at byte 3");
  CHECK(Parsed("{} x").detail() == "there is more behind the value at byte 3");
  CHECK(Parsed("\"12345678\xFF\"").detail() == "the text is not UTF-8 at byte 9");
}

TEST_CASE("strings must be UTF-8, and surrogates must come in pairs") {
  CHECK(Parsed("\"\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80\"").ok());
  for (const auto* text : {"\"\x80\"", "\"\xC0\xAF\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"", "\"\xE6\xBC\"",
                           "\"\xF0\x9F\x98", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"", "\"\\ud83d\\n\"",
                           "\"\\ud83d\\u0041\"", "\"\\ud83d\\ud83d\"", "\"\\ud83d\\u\""}) {
    INFO(text);
    CHECK_FALSE(Parsed(text).ok());
  }
  CHECK(Parsed("\"\\uD83D\\uDE00\"").value().text() == "\xF0\x9F\x98\x80");
}

TEST_CASE("depth is limited to what the caller allows") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK(Parsed(nested(32)).ok());
  CHECK(Parsed(nested(33)).detail() == "nested too deeply at byte 32");
  CHECK(Parsed("1", 0).ok());
  CHECK_FALSE(Parsed("{}", 0).ok());
  CHECK(Parsed("{\"a\":{}}", 2).ok());
  CHECK_FALSE(Parsed("{\"a\":[{}]}", 2).ok());
  CHECK_FALSE(Parsed(std::string(1'000'000, '[')).ok());
}

TEST_CASE("escapes are undone") {
  CHECK(Parsed(R"("a\"\\\/\b\f\n\r\t\u0041\u00e9\u6f22z")").value().text() == "a\"\\/\b\f\n\r\tA\xC3\xA9\xE6\xBC\xA2z");
  CHECK(Parsed("\"a\\u0000b\"").value().text() == std::string("a\0b", 3));
}

TEST_CASE("text without escapes can be used as it stands, other text cannot") {
  CHECK(Parsed("\"plain \xC3\xA9\"").value().plain_text() == "plain \xC3\xA9");
  CHECK(Parsed("\"\"").value().plain_text() == "");
  CHECK_FALSE(Parsed("\"a\\n\"").value().plain_text());
  CHECK_FALSE(Parsed("1").value().plain_text());
  CHECK_FALSE(Parsed("1").value().text());
}

TEST_CASE("integers are exact over the whole of int64, and nothing else is one") {
  CHECK(Parsed("9223372036854775807").value().integer() == std::numeric_limits<std::int64_t>::max());
  CHECK(Parsed("-9223372036854775808").value().integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(Parsed("1760163332012743905").value().integer() == 1760163332012743905);
  CHECK(Parsed("-0").value().integer() == 0);
  for (const auto* text : {"9223372036854775808", "1.0", "1e2", "\"1\"", "true", "null", "[1]"}) {
    INFO(text);
    CHECK_FALSE(Parsed(text).value().integer());
  }
}

TEST_CASE("integers are also read from text where a contract allows it") {
  CHECK(Parsed("\"42\"").value().integer_or_text() == 42);
  CHECK(Parsed("42").value().integer_or_text() == 42);
  for (const auto* text : {"\"\"", "\" 1\"", "\"1 \"", "\"1x\"", "\"+1\"", "\"\\u0031\"", "null"}) {
    INFO(text);
    CHECK_FALSE(Parsed(text).value().integer_or_text());
  }
}

TEST_CASE("types and booleans") {
  CHECK(Parsed("null").value().type() == Type::null);
  CHECK(Parsed("-1").value().type() == Type::number);
  CHECK(Parsed("[]").value().type() == Type::array);
  CHECK(Parsed("{}").value().type() == Type::object);
  CHECK(Parsed("\"\"").value().type() == Type::string);
  CHECK(Parsed("true").value().boolean() == true);
  CHECK(Parsed("false").value().boolean() == false);
  CHECK_FALSE(Parsed("0").value().boolean());
  CHECK(json::Value().type() == Type::null);
}

TEST_CASE("members and elements come in order and as they were written") {
  const Parsed parsed(R"( { "a" : [ 1 , "x]}" , {"b":[]} ] ,"c":{ } , "d":"e\"" } )");
  std::vector<std::string> names, values;
  parsed.value().members([&](const json::Value& name, const json::Value& value) {
    names.push_back(*name.text());
    values.emplace_back(value.raw());
    return true;
  });
  CHECK(names == std::vector<std::string>{"a", "c", "d"});
  CHECK(values == std::vector<std::string>{R"([ 1 , "x]}" , {"b":[]} ])", "{ }", R"("e\"")"});
  std::vector<std::string> elements;
  parsed.value().find("a")->elements([&](const json::Value& value) {
    elements.emplace_back(value.raw());
    return true;
  });
  CHECK(elements == std::vector<std::string>{"1", R"("x]}")", R"({"b":[]})"});
}

TEST_CASE("a visit that returns false is the last; other types are not visited") {
  int visits = 0;
  Parsed("[1,2,3]").value().elements([&](const json::Value&) { return ++visits < 2; });
  CHECK(visits == 2);
  Parsed("{\"a\":1,\"b\":2}").value().members([&](const json::Value&, const json::Value&) { return ++visits, false; });
  CHECK(visits == 3);
  Parsed("{}").value().elements([&](const json::Value&) { return ++visits, true; });
  Parsed("[]").value().members([&](const json::Value&, const json::Value&) { return ++visits, true; });
  Parsed("\"a\"").value().elements([&](const json::Value&) { return ++visits, true; });
  CHECK(visits == 3);
}

TEST_CASE("members are found by name, escaped or not; null and missing are the same; the first of two counts") {
  const Parsed parsed(R"({"a":1,"n\u0061me":2,"nothing":null,"a":3})");
  CHECK(parsed.value().find("a")->integer() == 1);
  CHECK(parsed.value().find("name")->integer() == 2);
  CHECK_FALSE(parsed.value().find("nothing"));
  CHECK_FALSE(parsed.value().find("b"));
  CHECK_FALSE(Parsed("[1]").value().find("a"));
}

TEST_CASE("every cut of a valid text is refused without reading beyond it") {
  const std::string text =
      R"({"type":"chat","list":[1,-2.5e3,true,null,"\ud83d\ude00 longer than eight bytes"],"o":{"k":"v"}})";
  REQUIRE(Parsed(text).ok());
  for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(Parsed(text.substr(0, size)).ok());
}
