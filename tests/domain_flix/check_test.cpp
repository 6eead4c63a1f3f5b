#include <catch2/catch.hpp>
#include <flix_domain.hpp>
#include <loft/json.hpp>

using loft::Code;
using loft::flix_domain::Which;

namespace {

constexpr Which all[] = {Which::product, Which::order, Which::comment, Which::like, Which::favorite};

std::string verdict(Which which, std::string_view content) {
  std::string normal;
  const auto outcome = loft::flix_domain::FlixDomain().check(static_cast<std::size_t>(which), content, normal);
  CHECK(normal.empty());
  if (outcome) return "accepted";
  CHECK(outcome.error().code == Code::invalid);
  CHECK(outcome.error().reason == "content.invalid");
  return outcome.error().detail;
}

std::string line(Which which, std::string_view content, std::string_view locale = "zh-CN") {
  std::string out = "> ";
  loft::flix_domain::FlixDomain().preview(static_cast<std::size_t>(which), content, locale, out);
  CHECK(out.starts_with("> "));
  return out.substr(2);
}

}  // namespace

TEST_CASE("the five domains stand in the order of their indices, each with its schema") {
  const auto specs = loft::flix_domain::FlixDomain().domains();
  const char* names[] = {"Flix:Product", "Flix:Order", "Flix:Comment", "Flix:Like", "Flix:Favorite"};
  REQUIRE(specs.size() == 5);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    CHECK(specs[i].name == names[i]);
    CHECK_FALSE(specs[i].host_validates);
    CHECK(loft::json::parse(specs[i].schema).ok());
    CHECK(specs[i].schema.find("\"title\": \"" + specs[i].name + "\"") != std::string::npos);
  }
}

TEST_CASE("what the document prints and what applications add is accepted") {
  for (const auto which : all) {
    CHECK(verdict(which, R"({"title":"Mug","text":"blue","image_urls":["a","b"],"deep_link":"app://x"})") ==
          "accepted");
    CHECK(verdict(which, R"({"product_id":"p1","price":12.5,"tags":[1],"shop":{"id":7}})") == "accepted");
    CHECK(verdict(which, R"({"title":null,"text":null,"image_urls":null,"deep_link":null})") == "accepted");
    CHECK(verdict(which, R"({"text":""})") == "accepted");
  }
}

TEST_CASE("an empty like or favorite says enough, the other things must say something") {
  for (const auto which : all) {
    const bool enough = which == Which::like || which == Which::favorite;
    CHECK(verdict(which, "{}") == (enough ? "accepted" : "must say something"));
  }
}

TEST_CASE("a member of the wrong type, too long or there twice is named") {
  for (const auto which : all) {
    CHECK(verdict(which, R"({"title":7})") == "title must be a string");
    CHECK(verdict(which, R"({"text":{}})") == "text must be a string");
    CHECK(verdict(which, R"({"deep_link":true})") == "deep_link must be a string");
    CHECK(verdict(which, R"({"image_urls":"a"})") == "image_urls must be a list of strings");
    CHECK(verdict(which, R"({"image_urls":["a",null]})") == "image_urls must be a list of strings");
    CHECK(verdict(which, R"({"text":"a","text":"b"})") == "text stands twice");
    CHECK(verdict(which, "[]") == "it must be an object");
    CHECK(verdict(which, "{") == "a name in double quotes is missing at byte 1");
  }
  std::string title;
  for (int i = 0; i < 1024; ++i) title += "你";
  CHECK(verdict(Which::order, "{\"title\":\"" + title + "\"}") == "accepted");
  CHECK(verdict(Which::order, "{\"title\":\"" + title + "好\"}") == "title must not be longer than 1024 characters");
  std::string urls;
  for (int i = 0; i < 64; ++i) urls += "\"u\",";
  CHECK(verdict(Which::order, "{\"image_urls\":[" + urls + "\"u\"]}") == "image_urls must not have more than 64 items");
}

TEST_CASE("a preview is the label in the reader's language and what a person would call the thing") {
  CHECK(line(Which::product, R"({"title":"Mug","text":"blue"})") == "[商品] Mug");
  CHECK(line(Which::product, R"({"title":"","text":"blue"})") == "[商品] blue");
  CHECK(line(Which::order, R"({"name":"No. 7"})") == "[订单] No. 7");
  CHECK(line(Which::comment, R"({"text":"two\nlines"})") == "[评论] two lines");
  CHECK(line(Which::like, R"({"text":"x"})") == "[点赞]");
  CHECK(line(Which::favorite, "{}") == "[收藏]");
  CHECK(line(Which::order, R"({"order_id":7})") == "[订单]");
  CHECK(line(Which::product, R"({"title":"Mug"})", "en-GB") == "[Product] Mug");
  CHECK(line(Which::like, "{}", "en") == "[Like]");
  CHECK(line(Which::comment, "not json") == "[评论]");
  std::string long_title;
  for (int i = 0; i < 60; ++i) long_title += "字";
  CHECK(line(Which::product, "{\"title\":\"" + long_title + "\"}") == "[商品] " + long_title.substr(0, 50 * 3));
}
