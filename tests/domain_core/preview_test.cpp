#include <catch2/catch.hpp>
#include <core_domain.hpp>

using loft::core_domain::Which;

namespace {

std::string line(Which which, std::string_view content, std::string_view locale = "zh-CN") {
  std::string out = "> ";
  loft::core_domain::CoreDomain().preview(static_cast<std::size_t>(which), content, locale, out);
  CHECK(out.starts_with("> "));
  return out.substr(2);
}

}  // namespace

TEST_CASE("the preview of a text is its first fifty characters in one line") {
  std::string long_text;
  for (int i = 0; i < 60; ++i) long_text += "字";
  CHECK(line(Which::text, R"({"text":"hello"})") == "hello");
  CHECK(line(Which::text, "{\"text\":\"" + long_text + "\"}") == long_text.substr(0, 50 * 3));
  CHECK(line(Which::text, R"({"text":"two\nlines\tand a tab"})") == "two lines and a tab");
}

TEST_CASE("what cannot be shown has a label in the reader's language") {
  CHECK(line(Which::image, R"({"url":"u","text":"caption"})") == "[图片消息]");
  CHECK(line(Which::video, R"({"url":"u"})") == "[视频消息]");
  CHECK(line(Which::voice, R"({"url":"u"})") == "[语音消息]");
  CHECK(line(Which::file, R"({"url":"u","filename":"plan.pdf"})") == "[文件] plan.pdf");
  CHECK(line(Which::file, R"({"url":"u"})") == "[文件]");
  CHECK(line(Which::location, R"({"latitude":1,"longitude":2,"address":"West Lake"})") == "[位置] West Lake");
  CHECK(line(Which::location, R"({"latitude":1,"longitude":2,"name":"Inn","address":"A"})") == "[位置] Inn");
  CHECK(line(Which::card, R"({"userId":10001})") == "[名片] 10001");
  CHECK(line(Which::card, R"({"userId":10001,"username":"bob"})") == "[名片] bob");
  CHECK(line(Which::system, R"({"text":"t","title":"Notice"})") == "Notice");
  CHECK(line(Which::system, R"({"text":"t"})") == "系统消息");

  CHECK(line(Which::image, R"({"url":"u"})", "en") == "[Image]");
  CHECK(line(Which::video, R"({"url":"u"})", "en-GB") == "[Video]");
  CHECK(line(Which::voice, R"({"url":"u"})", "en") == "[Voice message]");
  CHECK(line(Which::file, R"({"url":"u","filename":"a"})", "en") == "[File] a");
  CHECK(line(Which::location, R"({"latitude":1,"longitude":2})", "en") == "[Location]");
  CHECK(line(Which::card, R"({"title":"Menu"})", "en") == "[Card] Menu");
  CHECK(line(Which::system, R"({"text":"t"})", "en") == "System message");
}

TEST_CASE("content that its domain would refuse still has a preview") {
  CHECK(line(Which::text, R"({"text":5})") == "5");
  CHECK(line(Which::text, R"(not json)") == "[消息]");
  CHECK(line(Which::file, R"({"filename":{}})") == "[文件]");
}
