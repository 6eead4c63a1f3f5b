#include <catch2/catch.hpp>
#include <core_domain.hpp>
#include <loft/json.hpp>

using loft::Code;
using loft::core_domain::check;
using loft::core_domain::Which;

namespace {

std::string refusal(Which which, std::string_view content) {
  const auto outcome = check(which, content);
  if (outcome) return "accepted";
  CHECK(outcome.error().code == Code::invalid);
  CHECK(outcome.error().reason == "content.invalid");
  return outcome.error().detail;
}

bool accepted(Which which, std::string_view content) { return check(which, content).ok(); }

std::string text_of(std::string_view inside) { return "{\"text\":\"" + std::string(inside) + "\"}"; }

}  // namespace

TEST_CASE("the eight domains stand in the order of their indices, each with its schema") {
  const auto specs = loft::core_domain::specs();
  const char* names[] = {"Core:Text", "Core:Image",    "Core:Video", "Core:Voice",
                         "Core:File", "Core:Location", "Core:Card",  "Core:System"};
  REQUIRE(specs.size() == 8);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    CHECK(specs[i].name == names[i]);
    CHECK_FALSE(specs[i].host_validates);
    CHECK(loft::json::parse(specs[i].schema).ok());
    CHECK(specs[i].schema.find("\"title\": \"" + specs[i].name + "\"") != std::string::npos);
  }
}

TEST_CASE("text is accepted plain, escaped, with spaces, and with members of others") {
  CHECK(accepted(Which::text, R"({"text":"hello"})"));
  CHECK(accepted(Which::text, R"({"text":"say \"hi\" \\"})"));
  CHECK(accepted(Which::text, R"( { "text" : "你好 \ud83d\ude00" } )"));
  CHECK(accepted(Which::text, R"({"mentions":[1,2],"text":"x","extra":{"a":null}})"));
}

TEST_CASE("text that is empty, missing, null, of another type or there twice is refused, naming it") {
  CHECK(refusal(Which::text, R"({"text":""})") == "text must not be empty");
  CHECK(refusal(Which::text, R"({})") == "text is required");
  CHECK(refusal(Which::text, R"({"text":null})") == "text must not be null");
  CHECK(refusal(Which::text, R"({"text":7})") == "text must be a string");
  CHECK(refusal(Which::text, R"({"text":"a","text":"b"})") == "text stands twice");
  CHECK(refusal(Which::text, R"({"text":"a","text":5})") == "text stands twice");
  CHECK(refusal(Which::text, R"(["text"])") == "it must be an object");
  CHECK(refusal(Which::text, R"({"text":"a")") == "the object is not closed at byte 11");
}

TEST_CASE("text is measured in bytes of UTF-8, whether written plain or escaped") {
  const auto refused = [](const std::string& content) {
    const auto outcome = check(Which::text, content);
    return !outcome.ok() && outcome.error().code == Code::too_large && outcome.error().reason == "content.too_large";
  };
  std::string chinese, escaped;
  for (int i = 0; i < 16384 / 3; ++i) {
    chinese += "你";
    escaped += "\\u4f60";
  }
  CHECK(accepted(Which::text, text_of(std::string(16384, 'a'))));
  CHECK(accepted(Which::text, text_of(chinese)));
  CHECK(accepted(Which::text, text_of(escaped)));
  CHECK(refused(text_of(chinese + "你")));
  CHECK(refused(text_of(escaped + "\\u4f60")));
  CHECK(refusal(Which::text, text_of(std::string(16385, 'a'))) == "text must not be longer than 16384 characters");
}

TEST_CASE("media need a url, and their optional members may be null") {
  for (const auto which : {Which::image, Which::video, Which::voice, Which::file}) {
    CHECK(accepted(which, R"({"url":"https://e/x"})"));
    CHECK(accepted(which, R"({"url":"u","size":12,"custom":true})"));
    CHECK(accepted(which, R"({"url":"u","size":null})"));
    CHECK(refusal(which, R"({"size":1})") == "url is required");
    CHECK(refusal(which, R"({"url":""})") == "url must not be empty");
    CHECK(refusal(which, R"({"url":["u"]})") == "url must be a string");
    CHECK(refusal(which, R"({"url":"u","size":"big"})") == "size must be a whole number");
    CHECK(refusal(which, R"({"url":"u","size":-1})") == "size is out of range");
    CHECK(refusal(which, R"({"url":"u","size":9007199254740992})") == "size is out of range");
  }
  CHECK(refusal(Which::image, R"({"url":"u","width":1.5})") == "width must be a whole number");
  CHECK(accepted(Which::video, R"({"url":"u","duration":12.5})"));
  CHECK(refusal(Which::file, R"({"url":"u","filename":3})") == "filename must be a string");
}

TEST_CASE("a location lies on the earth") {
  CHECK(accepted(Which::location, R"({"latitude":-90,"longitude":180,"address":"x"})"));
  CHECK(refusal(Which::location, R"({"latitude":90.1,"longitude":0})") == "latitude is out of range");
  CHECK(refusal(Which::location, R"({"latitude":0,"longitude":"0"})") == "longitude must be a number");
  CHECK(refusal(Which::location, R"({"latitude":0})") == "longitude is required");
}

TEST_CASE("a card has a title or names a user") {
  CHECK(accepted(Which::card, R"({"userId":10001,"username":null,"avatar":"a"})"));
  CHECK(accepted(Which::card, R"({"user_id":"u1"})"));
  CHECK(accepted(Which::card, R"({"title":"Menu"})"));
  CHECK(refusal(Which::card, R"({"avatar":"a","title":""})") == "a card needs a title, a username or a userId");
  CHECK(refusal(Which::card, R"({"userId":1.5})") == "userId must be a string or a whole number");
}

TEST_CASE("a system notice has a text") {
  CHECK(accepted(Which::system, R"({"text":"Maintenance","title":null})"));
  CHECK(refusal(Which::system, R"({"title":"t"})") == "text is required");
}
