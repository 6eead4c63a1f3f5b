#include <catch2/catch.hpp>

#include "config/settings.hpp"

using namespace loft;
using namespace loft::config;

namespace {

struct Read {
  std::unique_ptr<Document> document;
  Settings settings;
  std::string problems;
};

Read read(std::string_view text) {
  Read result;
  result.document = Document::parse(text, "a.yaml");
  result.settings = read_settings(*result.document);
  result.problems = format(result.document->problems());
  return result;
}

}  // namespace

TEST_CASE("push is off by default, and document 000's blocks are read as it writes them") {
  CHECK_FALSE(read("").settings.push.enabled);
  const auto [document, s, problems] = read(R"(
push:
  enabled: true
  apns: {enabled: true, key_id: K, team_id: T}
  fcm: {enabled: false}
  email: {enabled: true}
email:
  smtp_host: smtp.qq.com
  smtp_port: 465
  sender: "your@email.com"
)");
  CHECK(problems == "");
  CHECK(s.push.enabled);
  REQUIRE(s.push.channels.size() == 2);
  CHECK(s.push.channels[0].word == "apns");
  CHECK(s.push.channels[0].plugin.id == "push.apns");
  CHECK(s.push.channels[0].plugin.options["key_id"].text() == "K");
  CHECK(s.push.channels[1].word == "email");
  CHECK(s.push.channels[1].plugin.id == "push.smtp");
  CHECK(s.push.channels[1].plugin.options["smtp_host"].text() == "smtp.qq.com");
}

TEST_CASE("with push.enabled off no channel is loaded, whatever stands below it") {
  const auto [document, s, problems] = read("push: {enabled: false, apns: {enabled: true}, email: {enabled: true}}");
  CHECK(problems == "");
  CHECK(s.push.channels.empty());
}

TEST_CASE("another word below push is a channel, served by the plugin of that name or by the one it names") {
  const auto [document, s, problems] = read(R"(
push: {enabled: true, huawei: {enabled: true}, second: {enabled: true, use: push.apns}, privacy: id-only}
)");
  CHECK(problems == "");
  REQUIRE(s.push.channels.size() == 2);
  CHECK(s.push.channels[0].plugin.id == "push.huawei");
  CHECK(s.push.channels[1].plugin.id == "push.apns");
  CHECK(s.push.channels[1].plugin.instance == "push.second");
  CHECK(s.push.privacy == Settings::Push::Privacy::id_only);
}

TEST_CASE("a channel that does not say whether it is on is named") {
  for (const auto* text : {"push: {enabled: true, apns: {key_id: K}}", "push: {enabled: true, email: {interval: 1m}}"})
    CHECK_THAT(read(text).problems, Catch::Contains("does not say whether it is on"));
  CHECK(read("push: {enabled: false, apns: {key_id: K}}").problems.empty());
}

TEST_CASE("a platform whose devices belong to a channel that nobody serves is named") {
  const std::string begin = R"(
listeners: [{name: web, listen: "127.0.0.1:0", contracts: [push]}]
push: {enabled: true, apns: {enabled: true}, fcm: {enabled: false}}
contracts: {push: {channels: )";
  CHECK(read(begin + "{ios: apns}}}\n").problems.empty());
  CHECK_THAT(read(begin + "{ios: apn}}}\n").problems, Catch::Contains("did you mean 'apns'"));
  CHECK_THAT(read(begin + "{ios: apns, web: fcm}}}\n").problems,
             Catch::Contains("'fcm' is no channel that is enabled"));
}

TEST_CASE("slips below push are named") {
  CHECK_THAT(read("push: {dealy: 2s}").problems, Catch::Contains("did you mean 'delay'"));
  CHECK_THAT(read("push: {apns: {enabled: maybe}}").problems, Catch::Contains("takes true or false"));
  CHECK_THAT(read("push: {retry_first: 10m, retry_longest: 1m}").problems, Catch::Contains("push.retry_longest"));
  CHECK_THAT(read("push: {email: {intervall: 1m}}").problems, Catch::Contains("did you mean 'interval'"));
}
