#include "fcm/fcm.hpp"

#include <openssl/evp.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <loft/json.hpp>

#include "channel_bench.hpp"

using namespace push_test;
using loft::push::Fcm;
using FcmBench = Bench<Fcm>;

namespace {

const std::string device = "fcm-registration-token:of_a-device";

Options options_for(const Simulation& there, const Options& more = {}) {
  Options out{{"service_account", there.at("service_account")},
              {"endpoint", there.at("fcm")},
              {"ca_file", there.at("ca_file")}};
  for (const auto& [name, value] : more) out[name] = value;
  return out;
}

/// A simulation, and a channel that has had one notification accepted.
struct Running {
  TemporaryFolder folder;
  Simulation there;
  FcmBench bench;

  explicit Running(const std::vector<std::string>& arguments = {}, const Options& more = {})
      : there(folder.path, arguments), bench(options_for(there, more)) {
    bench.run();
    REQUIRE(bench.ask(device).kind == Kind::accepted);
  }
};

/// The message of the last push that was accepted.
struct Message {
  explicit Message(const Simulation& there)
      : text(there.pushes().back()), value(*loft::json::parse(text)->find("message")) {}
  std::string at(std::initializer_list<std::string_view> path) const {
    auto here = value;
    for (const auto name : path) {
      const auto next = here.find(name);
      if (!next) return "(none)";
      here = *next;
    }
    return here.text().value_or(std::string(here.raw()));
  }
  std::string text;
  loft::json::Value value;
};

}  // namespace

TEST_CASE("a notification arrives with its texts, ids, life time and what it replaces") {
  Running running;
  const Message message(running.there);
  CHECK(message.at({"token"}) == device);
  CHECK(message.at({"notification", "title"}) == "Ada");
  CHECK(message.at({"notification", "body"}) == FcmBench::notification(device).body);
  CHECK(message.at({"data", "message_id"}) == "4711");
  CHECK(message.at({"data", "conversation_id"}) == "42");
  CHECK(message.at({"data", "badge"}) == "3");
  CHECK(message.at({"android", "priority"}) == "high");
  CHECK(message.at({"android", "collapse_key"}) == "conversation-42");
  CHECK(message.at({"android", "notification", "tag"}) == "conversation-42");
  const auto ttl = std::stol(message.at({"android", "ttl"}));
  CHECK(ttl > 3000);
  CHECK(ttl <= 3600);
  CHECK(message.at({"apns"}) == "(none)");
}

TEST_CASE("an iPhone and a browser behind Firebase get what is theirs, and what may not be shown is data alone") {
  Running running;
  auto n = FcmBench::notification(device);
  n.device.platform = "ios";
  REQUIRE(running.bench.ask(n).kind == Kind::accepted);
  CHECK(Message(running.there).at({"apns", "payload", "aps", "badge"}) == "3");
  n.device.platform = "web";
  REQUIRE(running.bench.ask(n).kind == Kind::accepted);
  CHECK(Message(running.there).at({"webpush", "headers", "TTL"}) != "(none)");
}

TEST_CASE("what may not be shown is data alone, each message of it; an iPhone's extension is woken to show it") {
  Running running;
  auto n = FcmBench::notification(device);
  n.title.clear(), n.body.clear();
  REQUIRE(running.bench.ask(n).kind == Kind::accepted);
  CHECK(Message(running.there).at({"notification"}) == "(none)");
  // The app fetches by the id: one that took the place of another would hide a message.
  CHECK(Message(running.there).at({"android", "collapse_key"}) == "(none)");
  n.device.platform = "ios";
  REQUIRE(running.bench.ask(n).kind == Kind::accepted);
  CHECK(Message(running.there).at({"apns", "payload", "aps", "alert", "body"}) == "New message");
  CHECK(Message(running.there).at({"apns", "payload", "aps", "mutable-content"}) == "1");
  CHECK(Message(running.there).at({"apns", "headers", "apns-priority"}) == "10");
  Running silent({}, {{"hidden_text", std::string()}});
  REQUIRE(silent.bench.ask(n).kind == Kind::accepted);
  CHECK(Message(silent.there).at({"apns", "payload", "aps"}) == R"({"content-available":1})");
  CHECK(Message(silent.there).at({"apns", "headers", "apns-priority"}) == "5");
}

TEST_CASE("where unread messages are not counted, no badge is sent") {
  Running running;
  auto n = FcmBench::notification(device);
  n.device.platform = "ios";
  n.badge = 0;
  REQUIRE(running.bench.ask(n).kind == Kind::accepted);
  const Message message(running.there);
  CHECK(message.at({"data", "badge"}) == "(none)");
  CHECK(message.at({"android", "notification", "notification_count"}) == "(none)");
  CHECK(message.at({"apns", "payload", "aps", "badge"}) == "(none)");
}

TEST_CASE("a text that is too long is cut to what FCM takes") {
  Running running;
  for (const std::string& piece : {std::string("x"), std::string("\xE4\xBD\xA0"), std::string("\"\\\n\x01")}) {
    auto n = FcmBench::notification(device);
    n.body.clear();
    for (int i = 0; i < 6000; ++i) n.body += piece;
    REQUIRE(running.bench.ask(n).kind == Kind::accepted);
    CHECK(Message(running.there).value.raw().size() > 3900);
  }
}

TEST_CASE("every error code of FCM's has its verdict") {
  Running running;
  struct Row {
    const char* fault;
    const char* reason;
    Kind kind;
  };
  const Row rows[] = {
      {"404", "UNREGISTERED", Kind::dead_token},
      {"400-INVALID_ARGUMENT", "INVALID_ARGUMENT", Kind::dead_token},
      {"403-SENDER_ID_MISMATCH", "SENDER_ID_MISMATCH", Kind::dead_token},
      {"403", "PERMISSION_DENIED", Kind::broken},
      {"401-THIRD_PARTY_AUTH_ERROR", "THIRD_PARTY_AUTH_ERROR", Kind::refused},
      {"401", "UNAUTHENTICATED", Kind::broken},
      {"429", "QUOTA_EXCEEDED", Kind::retry},
      {"500", "INTERNAL", Kind::retry},
      {"503", "UNAVAILABLE", Kind::retry},
      {"418", "INVALID_ARGUMENT", Kind::refused},
  };
  for (const auto& row : rows) {
    INFO(row.fault);
    const auto verdict = running.bench.ask(std::string(row.fault) + "-a-device");
    CHECK(verdict.kind == row.kind);
    CHECK(verdict.reason == row.reason);
  }
}

TEST_CASE("a 400 that may be our own mistake removes no device") {
  const auto verdict_of = [](const std::string& details, const std::string& words) {
    loft::push::Response response;
    response.status = 400;
    response.body = R"({"error":{"code":400,"message":")" + words + R"(","status":"INVALID_ARGUMENT","details":[)" +
                    details + "]}}";
    return loft::push::fcm::read(response).verdict.kind;
  };
  const std::string fcm =
      R"({"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"INVALID_ARGUMENT"})";
  const auto violation = [](const std::string& field) {
    return R"({"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":")" + field + R"("}]})";
  };
  CHECK(verdict_of(fcm + "," + violation("message.token"), "Invalid registration") == Kind::dead_token);
  CHECK(verdict_of(fcm, "The registration token is not a valid FCM registration token") == Kind::dead_token);
  CHECK(verdict_of(fcm, "Message too big") == Kind::refused);
  CHECK(verdict_of(fcm + "," + violation("message.data"), "The registration token") == Kind::refused);
  CHECK(verdict_of(violation("message.android.ttl"), "Illegal duration") == Kind::refused);
  CHECK(verdict_of("", "what") == Kind::refused);
}

TEST_CASE("quota and unavailability wait as long as Google asks, or a minute") {
  Running seconds({"--retry-after", "90"});
  CHECK(seconds.bench.ask("429-a-device").retry_after == 90'000);
  CHECK(seconds.bench.ask("503-a-device").retry_after == 90'000);
  Running silent({"--retry-after", "nonsense"});
  CHECK(silent.bench.ask("429-a-device").retry_after == 60'000);
}

TEST_CASE("another project's account removes no device") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  FcmBench bench(options_for(there));
  bench.run();
  for (int i = 0; i < 19; ++i) CHECK(bench.ask("403-SENDER_ID_MISMATCH-a-device").kind == Kind::refused);
  CHECK(bench.ask("403-SENDER_ID_MISMATCH-a-device").kind == Kind::broken);
}

TEST_CASE("an access token is asked for once, used by all, and renewed before it ends") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  FcmBench bench(options_for(there));
  bench.run();
  for (std::size_t i = 0; i < 50; ++i) bench.send(FcmBench::notification(device), i);
  for (std::size_t i = 0; i < 50; ++i) CHECK(bench.verdict(i).kind == Kind::accepted);
  bench.host.clock().advance(3'599'000 - 300'000);
  bench.host.clock().jump_to(real_now());  // an assertion of the future is refused
  CHECK(bench.ask(device).kind == Kind::accepted);
  CHECK_FALSE(bench.answered_twice());
}

TEST_CASE("an access token that is refused is asked for again, once") {
  // Good for the blink of an eye only, while the channel believes that it is good for an hour.
  TemporaryFolder folder;
  auto there = std::make_unique<Simulation>(folder.path);
  const auto port = there->at("fcm").substr(there->at("fcm").rfind(':') + 1);
  FcmBench bench(options_for(*there));
  bench.run();
  REQUIRE(bench.ask(device).kind == Kind::accepted);
  there.reset();
  there = std::make_unique<Simulation>(folder.path, std::vector<std::string>{"--fcm-port", port});  // knows no token
  CHECK(bench.ask(device).kind == Kind::accepted);
}

TEST_CASE("an account that Google does not take breaks the channel, and Google is not asked at every push") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  FcmBench bench(options_for(there));
  bench.host.clock().jump_to(real_now() - 86'400'000);  // a clock that is a day late
  REQUIRE(bench.set_up());
  bench.channel.start();
  const auto verdict = bench.ask(device);
  CHECK(verdict.kind == Kind::broken);
  CHECK(verdict.reason == "invalid_grant");
  bench.host.clock().jump_to(real_now());
  CHECK(bench.ask(device).kind == Kind::broken);
  bench.host.clock().advance(1'000);
  CHECK(bench.ask(device).kind == Kind::accepted);
}

TEST_CASE("an access token that could not be asked for is asked for again") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  FcmBench bench(options_for(there));
  bench.run();
  EVP_set_default_properties(nullptr, "provider=nobody");  // nothing can be signed
  try {
    bench.send(FcmBench::notification(device), 0);
  } catch (const std::exception&) {
    // what it leaves behind is looked at
  }
  EVP_set_default_properties(nullptr, "");
  CHECK(bench.verdict(0).kind == Kind::retry);
  bench.host.clock().advance(1'000);
  CHECK(bench.ask(device).kind == Kind::accepted);
}

TEST_CASE("a notification whose access token took half of its time is not tried a second time") {
  TemporaryFolder folder;
  const Simulation there(folder.path, {"--token-slow", "600"});
  FcmBench bench(options_for(there, {{"timeout", std::int64_t{1'000}}}));
  bench.run();
  CHECK(bench.ask("401-a-device").kind == Kind::retry);
}

TEST_CASE("a token endpoint that cannot be reached costs a retry") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  FcmBench bench(options_for(there, {{"token_uri", std::string("https://127.0.0.1:1/token")}}));
  bench.run();
  CHECK(bench.ask(device).reason == "push.unreachable");
  const auto again = bench.ask(device);
  CHECK(again.kind == Kind::retry);
  CHECK(again.retry_after == 1'000);
}

TEST_CASE("a connection that is dropped or hangs costs a retry, and stopping answers everything") {
  Running running({}, {{"timeout", std::int64_t{400}}});
  CHECK(running.bench.ask("drop-a-device").kind == Kind::retry);
  CHECK(running.bench.ask("goaway-a-device").kind == Kind::retry);
  CHECK(running.bench.ask("hang-a-device").reason == "push.timeout");
  CHECK(running.bench.ask(device).kind == Kind::accepted);
  for (std::size_t i = 0; i < 5; ++i) running.bench.send(FcmBench::notification("hang-a-device"), i);
  running.bench.channel.stop(0);
  for (std::size_t i = 0; i < 5; ++i) CHECK(running.bench.has_verdict(i));
}

TEST_CASE("a token that cannot be FCM's is refused when it is registered") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  FcmBench bench(options_for(there));
  REQUIRE(bench.set_up());
  CHECK(bench.registered(device).empty());
  CHECK_FALSE(bench.registered("a \"token\"").empty());
}

TEST_CASE("verify says whether the credentials are good, and sends nothing") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  const auto verified = [&](const Options& more) {
    FcmBench bench(options_for(there, more));
    REQUIRE(bench.set_up());
    return bench.channel.verify();
  };
  CHECK(verified({}).ok());
  auto account = read_file(there.at("service_account"));
  account.replace(account.find("loft@"), 5, "oops@");
  write_file(folder.path + "/other.json", account);
  const auto other = verified({{"service_account", folder.path + "/other.json"}});
  REQUIRE_FALSE(other);
  CHECK(other.error().reason == "invalid_grant");
  CHECK(there.pushes().empty());
}

TEST_CASE("the legacy key and files that are none are refused with what to do") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  FcmBench legacy(options_for(there, {{"server_key", std::string("AAAA-secret")}}));
  const auto refusal = legacy.channel.configure();
  REQUIRE_FALSE(refusal);
  CHECK(refusal.error().reason == "server_key");
  CHECK(refusal.error().detail.find("service account") != std::string::npos);
  CHECK(refusal.error().detail.find("secret") == std::string::npos);
  FcmBench without({});
  const auto missing = without.channel.configure();
  REQUIRE_FALSE(missing);
  CHECK(missing.error().reason == "service_account");

  const auto why = [](const std::string& text) {
    const auto read = loft::push::fcm::read_service_account(text);
    return read ? std::string() : read.error().detail;
  };
  CHECK(why("what").find("no JSON object") != std::string::npos);
  CHECK(why(R"({"project_info":{}})").find("google-services.json") != std::string::npos);
  CHECK(why(R"({"type":"service_account"})").find("project_id") != std::string::npos);
  CHECK(why(R"({"type":"service_account","project_id":"p","client_email":"e","token_uri":"u","private_key":"k"})")
            .find("private_key") != std::string::npos);
}

TEST_CASE("the log holds neither texts nor tokens") {
  Running running({}, {{"timeout", std::int64_t{300}}});
  for (const auto* token : {"hang-secret", "drop-secret", "401-secret", "403-SENDER_ID_MISMATCH-secret"}) {
    CHECK(running.bench.ask(token).reason.find("secret") == std::string::npos);
  }
  CHECK_FALSE(running.bench.logged("secret"));
  CHECK_FALSE(running.bench.logged("The text of it"));
  CHECK_FALSE(running.bench.logged("ya29"));
}
