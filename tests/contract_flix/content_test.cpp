// Content on its way in and out.
#include <catch2/catch.hpp>

#include "content.hpp"
#include "host.hpp"

using namespace flix_test;

namespace {

std::string stored(std::string_view type, std::string_view content) {
  std::string out;
  const auto parsed = json::parse(content);
  const auto read = flix::read_content(*parsed, *flix::content_type(type), out);
  return read ? out : "refused: " + read.error().detail;
}

std::string shown(const Bench& bench, std::string domain, std::string content) {
  std::string out;
  flix::append_content(out, *bench.record(std::move(domain), std::move(content)).message, bench.host.previews, "zh-CN");
  CHECK(json::parse(out).ok());
  return out;
}

}  // namespace

TEST_CASE("each content type has its domain, and each domain a content type") {
  for (const auto& [word, domain] : std::map<std::string, std::string>{{"text", "Core:Text"},
                                                                       {"image", "Core:Image"},
                                                                       {"product", "Flix:Product"},
                                                                       {"order", "Flix:Order"},
                                                                       {"comment", "Flix:Comment"},
                                                                       {"like", "Flix:Like"},
                                                                       {"favorite", "Flix:Favorite"},
                                                                       {"system", "Core:System"}}) {
    REQUIRE(flix::content_type(word) != nullptr);
    CHECK(flix::content_type(word)->domain == domain);
    CHECK(flix::content_type_of(domain).word == word);
  }
  CHECK(flix::content_type("video") == nullptr);
  CHECK(flix::content_type_of("Core:Video").word == "text");
  CHECK(flix::content_type_of("Acme:Poll").word == "text");
}

TEST_CASE("an object is stored as it came") {
  const std::string_view text = R"({ "text":"a", "title":null,"deep_link":"app://x","image_urls":["u"],"n":1.50 })";
  CHECK(stored("text", text) == text);
  CHECK(stored("product", R"({"price":12.50})") == R"({"price":12.50})");
  CHECK(stored("like", "{}") == "{}");
}

TEST_CASE("a picture is stored with the url that other contracts look for, and shown as it was sent") {
  Bench bench;
  const auto there_and_back = [&](std::string_view sent, std::string_view kept) {
    CHECK(stored("image", sent) == kept);
    CHECK(shown(bench, "Core:Image", std::string(kept)) == sent);
  };
  there_and_back(R"({"image_urls":["a","b"],"text":"c"})", R"({"url":"a","image_urls":["a","b"],"text":"c"})");
  there_and_back(R"({"image_urls":["a"],"text":"c"})", R"({"url":"a","text":"c"})");
  CHECK(stored("image", R"({"url":"a","image_urls":["b"]})") == R"({"url":"a","image_urls":["b"]})");
  CHECK(stored("image", R"({"url":null,"image_urls":["b"]})") == R"({"url":"b"})");
  CHECK(stored("image", R"({"image_urls":[]})") == R"({"image_urls":[]})");
  CHECK(stored("image", R"({"image_urls":[7]})") == R"({"image_urls":[7]})");
  CHECK(shown(bench, "Core:Image", R"({"url":"a","width":3})") == R"({"image_urls":["a"],"width":3})");
  CHECK(shown(bench, "Core:Image", R"({"url":"a","image_urls":null})") == R"({"image_urls":["a"]})");
}

TEST_CASE("a list of parts becomes one object") {
  CHECK(stored("text", R"([{"type":"text","payload":"a"}])") == R"({"text":"a"})");
  CHECK(stored("text", R"([{"type":"text","payload":"a\n"},{"type":"text","payload":"\"b\""}])") ==
        R"({"text":"a\n\n\"b\""})");
  CHECK(stored("image",
               R"([{"type":"image","payload":"u"},{"type":"text","payload":"t"},{"type":"image","payload":"v"}])") ==
        R"({"url":"u","text":"t","image_urls":["u","v"]})");
  CHECK(stored("order",
               R"([{"type":"order","payload":{"id":7,"text":"x"}},{"type":"order","payload":{"id":8,"n":1}}])") ==
        R"({"id":7,"text":"x","n":1})");
  CHECK(stored("order", R"([{"type":"text","payload":"t"},{"type":"order","payload":{"text":"x","id":7}}])") ==
        R"({"text":"t","id":7})");
}

TEST_CASE("what is neither an object nor parts is refused") {
  for (const char* content : {"7", "\"hi\"", "true", "null"}) {
    CHECK(stored("text", content) == "refused: content must be an object");
  }
  const auto parts = R"(refused: content a list must have 1 to 64 parts {"type":…,"payload":…})";
  std::string many = "[";
  for (int i = 0; i < 65; ++i) many += R"({"type":"text","payload":"a"},)";
  many.back() = ']';
  for (const std::string& content : {std::string("[]"), std::string("[7]"), std::string("[{}]"),
                                     std::string(R"([{"type":"text","payload":7}])"), many}) {
    CHECK(stored("text", content) == parts);
  }
}

TEST_CASE("what the document has no type for is its preview, media with all that belongs to them") {
  Bench bench;
  bench.host.previews.previews["Core:Video"] = "[视频消息]";
  bench.host.previews.previews["Acme:Poll"] = "poll \"7\"";
  CHECK(shown(bench, "Core:Video", R"({"url":"v","duration":3,"text":"x"})") ==
        R"({"text":"[视频消息]","url":"v","duration":3})");
  CHECK(shown(bench, "Core:Location", R"({"latitude":1,"longitude":2})") ==
        R"({"text":"zh-CN Core:Location","latitude":1,"longitude":2})");
  CHECK(shown(bench, "Acme:Poll", R"({"question":"?"})") == R"({"text":"poll \"7\""})");
  CHECK(shown(bench, "Core:System", R"({"text":"a","title":"b"})") == R"({"text":"a","title":"b"})");
  CHECK(shown(bench, "Flix:Order", R"({"id":7})") == R"({"id":7})");
}
