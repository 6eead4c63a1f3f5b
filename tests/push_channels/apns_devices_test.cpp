// Device tokens and apps: which are believed, doubted, refused.
#include "apns_bench.hpp"

using namespace push_test;

TEST_CASE("a dead token is dead since when Apple says, a bad one always") {
  Running running;
  CHECK(running.bench.ask("410t1700000000000-x").since == 1'700'000'000'000);
  CHECK(running.bench.ask("400-BadDeviceToken-x").since == 0);
  const auto now = running.bench.ask("410-x").since;
  CHECK(std::abs(now - real_now()) < 60'000);
}

TEST_CASE("before anything was accepted, no device is removed for a token that is called bad") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  ApnsBench bench(options_for(there));
  bench.run();
  CHECK(bench.ask("400-BadDeviceToken-x").kind == Kind::refused);
  CHECK(bench.logged("production"));
  for (int i = 0; i < 18; ++i) CHECK(bench.ask("400-BadDeviceToken-x").kind == Kind::refused);
  CHECK(bench.ask("400-BadDeviceToken-x").kind == Kind::broken);
  CHECK(bench.ask("410-x").kind == Kind::dead_token);
  CHECK(bench.ask(device).kind == Kind::accepted);
  CHECK(bench.ask("400-BadDeviceToken-x").kind == Kind::dead_token);
}

TEST_CASE("tokens that are called bad for one app are doubted whatever another app has had accepted") {
  TemporaryFolder folder;
  const Simulation there(folder.path, {"--bundle-id", "org.example.chat", "--bundle-id", "org.example.other"});
  ApnsBench bench(options_for(there, {{"apps", std::string("org.example.other")}}));
  bench.run();
  REQUIRE(bench.ask(device).kind == Kind::accepted);
  auto other = ApnsBench::notification("400-DeviceTokenNotForTopic-x");
  other.device.app = "org.example.other";
  // The channel serves the first app well: it is not broken, however many are called bad.
  for (int i = 0; i < 25; ++i) CHECK(bench.ask(other).kind == Kind::refused);
  CHECK(bench.logged("org.example.other"));
  CHECK(bench.ask("400-DeviceTokenNotForTopic-x").kind == Kind::dead_token);
}

TEST_CASE("a key that is not for one app of several keeps the others going") {
  Running running({}, {{"apps", std::string("org.example.other")}});
  auto other = ApnsBench::notification(device);
  other.device.app = "org.example.other";
  const auto verdict = running.bench.ask(other);
  CHECK(verdict.kind == Kind::refused);
  CHECK(verdict.reason == "TopicDisallowed");
  CHECK(running.bench.logged("org.example.other"));
}

TEST_CASE("a device of an app that is not configured is not sent to under another app's topic") {
  Running running;
  auto n = ApnsBench::notification("400-DeviceTokenNotForTopic-x");
  n.device.app = "org.example.stranger";
  const auto verdict = running.bench.ask(n);
  CHECK(verdict.kind == Kind::refused);
  CHECK(verdict.reason == "push.unknown_app");
  CHECK(running.bench.logged("apps"));
  n.device.app = "org.example.chat";
  n.device.token = device;
  CHECK(running.bench.ask(n).kind == Kind::accepted);
}

TEST_CASE("what Apple must not be asked is refused at once") {
  Running running({}, {{"apps", std::string("org.example.other")}});
  auto n = ApnsBench::notification("../../evil\r\nx: y");
  CHECK(running.bench.ask(n).kind == Kind::dead_token);
  for (const auto* token : {"..", "%2e%2e", "a/b", ""})
    CHECK(running.bench.ask(std::string(token)).reason == "push.bad_token");
  n = ApnsBench::notification(device);
  n.expires = real_now() - 1000;
  CHECK(running.bench.ask(n).reason == "push.expired");
  n = ApnsBench::notification(device);
  n.device.app = "org.example.stranger";
  CHECK(running.bench.ask(n).reason == "push.unknown_app");
  n.device.app.clear();
  n.collapse_key = "a\r\nevil: 1";
  CHECK(running.bench.ask(n).reason == "push.bad_id");
}

TEST_CASE("a token that cannot be Apple's, and an app that is not served, are refused when they are registered") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  auto options = options_for(there, {{"apps", std::string("org.example.other")}});
  options.erase("endpoint");
  ApnsBench bench(options);
  REQUIRE(bench.set_up());
  CHECK(bench.registered(device).empty());
  CHECK(bench.registered(std::string(160, 'A'), "org.example.other").empty());
  for (const auto* token : {"DzoVu7u7u7s=", "ab+/cd==", "<0f3a bbbb>", "410-phone", "0f3", ""}) {
    INFO(token);
    CHECK(bench.registered(token).find("hexadecimal") != std::string::npos);
  }
  CHECK(bench.registered(device, "org.example.stranger").find("bundle id") != std::string::npos);
  // A rehearsal's service has tokens of its own.
  ApnsBench rehearsal(options_for(there));
  REQUIRE(rehearsal.set_up());
  CHECK(rehearsal.registered("410-phone").empty());
  CHECK_FALSE(rehearsal.registered("ab+/cd==").empty());
}
