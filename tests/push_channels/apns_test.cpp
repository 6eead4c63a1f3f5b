#include <sys/stat.h>

#include <set>

#include "apns_bench.hpp"

using namespace push_test;

TEST_CASE("a notification arrives with every header, its texts, the badge and the ids") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  ApnsBench bench(options_for(there));
  bench.run();
  const auto sent = ApnsBench::notification(device);
  REQUIRE(bench.ask(sent).kind == Kind::accepted);
  REQUIRE(there.pushes().size() == 1);
  const Written push(there.pushes()[0]);
  CHECK(push.at("token") == device);
  CHECK(push.at("id") == sent.id);
  CHECK(push.at("topic") == "org.example.chat");
  CHECK(push.at("push_type") == "alert");
  CHECK(push.at("priority") == "10");
  CHECK(push.at("collapse_id") == "conversation-42");
  CHECK(push.at("expiration") == std::to_string(sent.expires / 1000));
  const auto payload = *push.value.find("payload");
  const auto aps = *payload.find("aps");
  CHECK(aps.find("alert")->find("title")->text() == "Ada");
  CHECK(aps.find("alert")->find("body")->text() == sent.body);
  CHECK(aps.find("badge")->integer() == 3);
  CHECK(aps.find("sound")->text() == "default");
  CHECK(payload.find("message_id")->text() == "4711");
  CHECK(payload.find("conversation_id")->text() == "42");
}

TEST_CASE("a notification that may show nothing is an alert that the app's extension can fill") {
  Running running;
  auto hidden = ApnsBench::notification(device);
  hidden.title.clear(), hidden.body.clear();
  REQUIRE(running.bench.ask(hidden).kind == Kind::accepted);
  const Written push(running.there.pushes().back());
  CHECK(push.at("push_type") == "alert");
  CHECK(push.at("priority") == "10");
  const auto aps = *push.value.find("payload")->find("aps");
  CHECK(aps.find("alert")->find("body")->text() == "New message");
  CHECK(aps.find("mutable-content")->integer() == 1);
  CHECK_FALSE(aps.find("content-available"));
}

TEST_CASE(
    "without a text in its place, a notification that may show nothing wakes the app; a text of the app is named") {
  Running silent({}, {{"hidden_text", std::string()}});
  auto hidden = ApnsBench::notification(device);
  hidden.title.clear(), hidden.body.clear();
  REQUIRE(silent.bench.ask(hidden).kind == Kind::accepted);
  const Written push(silent.there.pushes().back());
  CHECK(push.at("push_type") == "background");
  CHECK(push.at("priority") == "5");

  Running shown({}, {{"hidden_loc_key", "NEW_MESSAGE"}});
  REQUIRE(shown.bench.ask(hidden).kind == Kind::accepted);
  const Written alert(shown.there.pushes().back());
  CHECK(alert.at("push_type") == "alert");
  CHECK(alert.text.find("NEW_MESSAGE") != std::string::npos);
  CHECK(alert.text.find("New message") == std::string::npos);
}

TEST_CASE("where unread messages are not counted, the app's badge stays as it is") {
  Running running;
  auto n = ApnsBench::notification(device);
  n.badge = 0;
  REQUIRE(running.bench.ask(n).kind == Kind::accepted);
  CHECK_FALSE(Written(running.there.pushes().back()).value.find("payload")->find("aps")->find("badge"));
}

TEST_CASE("a text that is too long is cut to what Apple takes, whatever it is made of") {
  Running running;
  for (const std::string& piece :
       {std::string("x"), std::string("\xE4\xBD\xA0"), std::string("\"\\\n\x01"), std::string("\xFF")}) {
    auto long_one = ApnsBench::notification(device);
    long_one.body.clear();
    for (int i = 0; i < 6000; ++i) long_one.body += piece;
    REQUIRE(running.bench.ask(long_one).kind == Kind::accepted);
    const Written push(running.there.pushes().back());
    const auto size = push.value.find("payload")->raw().size();
    CHECK(size <= 4096);
    CHECK(size > 4000);
  }
  auto title = ApnsBench::notification(device);
  title.title = std::string(9000, 't');
  CHECK(running.bench.ask(title).kind == Kind::accepted);
}

TEST_CASE("every reason of Apple's has its verdict") {
  Running running;
  struct Row {
    const char* fault;
    const char* reason;
    Kind kind;
  };
  const Row rows[] = {
      {"400-BadDeviceToken", "BadDeviceToken", Kind::dead_token},
      {"400-DeviceTokenNotForTopic", "DeviceTokenNotForTopic", Kind::dead_token},
      {"410-Unregistered", "Unregistered", Kind::dead_token},
      {"410-ExpiredToken", "ExpiredToken", Kind::dead_token},
      {"400-BadCollapseId", "BadCollapseId", Kind::refused},
      {"400-BadExpirationDate", "BadExpirationDate", Kind::refused},
      {"400-BadMessageId", "BadMessageId", Kind::refused},
      {"400-BadPriority", "BadPriority", Kind::refused},
      {"400-InvalidPushType", "InvalidPushType", Kind::refused},
      {"400-DuplicateHeaders", "DuplicateHeaders", Kind::refused},
      {"400-MissingDeviceToken", "MissingDeviceToken", Kind::refused},
      {"400-PayloadEmpty", "PayloadEmpty", Kind::refused},
      {"413-PayloadTooLarge", "PayloadTooLarge", Kind::refused},
      {"404-BadPath", "BadPath", Kind::refused},
      {"400-SomethingNew", "SomethingNew", Kind::refused},
      {"400-BadTopic", "BadTopic", Kind::broken},
      {"400-MissingTopic", "MissingTopic", Kind::broken},
      {"400-TopicDisallowed", "TopicDisallowed", Kind::broken},
      {"403-BadCertificate", "BadCertificate", Kind::broken},
      {"403-BadCertificateEnvironment", "BadCertificateEnvironment", Kind::broken},
      {"403-BadEnvironmentKeyInToken", "BadEnvironmentKeyInToken", Kind::broken},
      {"403-Forbidden", "Forbidden", Kind::broken},
      {"403-InvalidProviderToken", "InvalidProviderToken", Kind::broken},
      {"403-MissingProviderToken", "MissingProviderToken", Kind::broken},
      {"403-SomethingNew", "SomethingNew", Kind::broken},
      {"405-MethodNotAllowed", "MethodNotAllowed", Kind::broken},
      {"400-IdleTimeout", "IdleTimeout", Kind::retry},
      {"429-TooManyRequests", "TooManyRequests", Kind::retry},
      {"429-TooManyProviderTokenUpdates", "TooManyProviderTokenUpdates", Kind::retry},
      {"500-InternalServerError", "InternalServerError", Kind::retry},
      {"503-ServiceUnavailable", "ServiceUnavailable", Kind::retry},
      {"503-Shutdown", "Shutdown", Kind::retry},
      {"502", "InternalServerError", Kind::retry},
  };
  for (const auto& row : rows) {
    INFO(row.fault);
    const auto verdict = running.bench.ask(std::string(row.fault) + "-device");
    CHECK(verdict.kind == row.kind);
    CHECK(verdict.reason == row.reason);
  }
  CHECK_FALSE(running.bench.answered_twice());
}

TEST_CASE("Retry-After is obeyed in both forms") {
  Running seconds({"--retry-after", "17"});
  CHECK(seconds.bench.ask("429-x").retry_after == 17'000);
  CHECK(seconds.bench.ask("503-x").retry_after == 17'000);
  CHECK(seconds.bench.ask("500-x").retry_after == 0);
  CHECK(seconds.bench.ask("429-TooManyProviderTokenUpdates-x").retry_after == 17'000);
  Running date({"--retry-after", "Fri, 31 Dec 2100 23:59:59 GMT"});
  CHECK(date.bench.ask("429-x").retry_after == 86'400'000);
}

TEST_CASE("an expired provider token is signed anew, once, and the notification arrives") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  ApnsBench bench(options_for(there));
  bench.host.clock().jump_to(real_now() - 7'200'000);  // the clock was wrong when the token was made
  REQUIRE(bench.set_up());
  bench.channel.start();
  auto first = ApnsBench::notification(device);
  CHECK(bench.ask(first).kind == Kind::broken);  // a new token of the same wrong clock is as old
  bench.host.clock().jump_to(real_now());
  CHECK(bench.ask(first).reason ==
        "ExpiredProviderToken");  // tried a moment ago: Apple is not asked with ever new ones
  bench.host.clock().advance(20 * 60'000);
  bench.host.clock().jump_to(real_now());
  CHECK(bench.ask(first).kind == Kind::accepted);
  CHECK(bench.ask(first).kind == Kind::accepted);
}

TEST_CASE("a provider token is renewed between its 20th and 60th minute, and not before") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  loft::testing::ManualClock clock(real_now());
  auto signer = loft::push::Signer::from_pem(loft::push::Signer::Kind::es256, read_file(there.at("key_path")));
  REQUIRE(signer);
  loft::push::ProviderToken token(std::move(*signer), "K", "T", clock);
  const auto first = token.current();
  clock.advance(49 * 60'000);
  CHECK(token.current() == first);
  clock.advance(60'000);
  const auto second = token.current();
  CHECK(second != first);
  CHECK(token.renew(first) == second);
  clock.advance(1000);
  const auto third = token.renew(second);
  REQUIRE(third);
  CHECK(*third != second);
  CHECK_FALSE(token.renew(*third));
}

TEST_CASE("a connection that is dropped, or closed by GOAWAY, costs a retry, and the next one works") {
  Running running;
  CHECK(running.bench.ask("drop-x").kind == Kind::retry);
  CHECK(running.bench.ask(device).kind == Kind::accepted);
  CHECK(running.bench.ask("goaway-x").kind == Kind::retry);
  CHECK(running.bench.ask(device).kind == Kind::accepted);
  CHECK(running.bench.ask("goawayx1-x").kind == Kind::retry);
  CHECK(running.bench.ask("goawayx1-x").kind == Kind::accepted);
}

TEST_CASE("a provider that hangs is given up after the time-out, and the notifications beside it with it") {
  Running running({}, {{"timeout", std::int64_t{400}}});
  CHECK(running.bench.ask("hang-x").reason == "push.timeout");
  CHECK(running.bench.ask(device).kind == Kind::accepted);
  running.there.hang();
  for (std::size_t i = 0; i < 20; ++i) running.bench.send(ApnsBench::notification(device), i);
  for (std::size_t i = 0; i < 20; ++i) CHECK(running.bench.verdict(i).kind == Kind::retry);
  running.there.resume();
  CHECK(running.bench.ask(device).kind == Kind::accepted);
}

TEST_CASE("nobody there, or somebody else, is told apart") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  ApnsBench nobody(options_for(there, {{"endpoint", std::string("https://127.0.0.1:1")}}));
  nobody.run();
  CHECK(nobody.ask(device).reason == "push.unreachable");
  auto options = options_for(there);
  options.erase("ca_file");
  ApnsBench stranger(options);
  stranger.run();
  const auto verdict = stranger.ask(device);
  CHECK(verdict.kind == Kind::broken);
  CHECK(verdict.reason == "push.certificate");
}

TEST_CASE("many notifications share few connections, and each has its one verdict") {
  Running running({"--max-streams", "50"}, {{"connections", std::int64_t{3}}, {"window", std::int64_t{400}}});
  for (std::size_t i = 0; i < 400; ++i) {
    auto n = ApnsBench::notification(i % 10 == 0 ? "500-x" : device);
    running.bench.send(n, i);
  }
  for (std::size_t i = 0; i < 400; ++i)
    CHECK(running.bench.verdict(i).kind == (i % 10 == 0 ? Kind::retry : Kind::accepted));
  CHECK_FALSE(running.bench.answered_twice());
  std::set<std::string> connections;
  for (const auto& line : running.there.pushes()) connections.insert(Written(line).at("connection"));
  CHECK(connections.size() == 3);
}

TEST_CASE("stopping ends what is under way, and answers all of it") {
  Running running;
  for (std::size_t i = 0; i < 10; ++i) running.bench.send(ApnsBench::notification("hang-x"), i);
  running.bench.channel.stop(0);
  for (std::size_t i = 0; i < 10; ++i) {
    REQUIRE(running.bench.has_verdict(i));
    CHECK(running.bench.verdict(i).reason == "push.stopped");
  }
  CHECK(running.bench.ask(device).reason == "push.stopped");
}

TEST_CASE("verify says whether the credentials are good, and sends nothing") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  const auto verified = [&](const Options& more) {
    ApnsBench bench(options_for(there, more));
    REQUIRE(bench.set_up());
    return bench.channel.verify();
  };
  CHECK(verified({}).ok());
  const auto team = verified({{"team_id", std::string("OTHERTEAM1")}});
  REQUIRE_FALSE(team);
  CHECK(team.error().reason == "InvalidProviderToken");
  const auto topic = verified({{"bundle_id", std::string("org.example.other")}});
  REQUIRE_FALSE(topic);
  CHECK(topic.error().reason == "TopicDisallowed");
  const auto nobody = verified({{"endpoint", std::string("https://127.0.0.1:1")}});
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == loft::Code::unavailable);
  CHECK(there.pushes().empty());
}

TEST_CASE("wrong options and wrong keys are refused with what to do") {
  TemporaryFolder folder;
  const Simulation there(folder.path);
  const auto why = [&](const Options& more) {
    ApnsBench bench(options_for(there, more));
    const auto checked = bench.channel.configure();
    return checked ? std::string() : checked.error().reason;
  };
  CHECK(why({}).empty());
  CHECK(why({{"key_id", std::string("short")}}) == "key_id");
  CHECK(why({{"team_id", std::string("lowercase1")}}) == "team_id");
  CHECK(why({{"bundle_id", std::string("a b")}}) == "bundle_id");
  CHECK(why({{"endpoint", std::string("http://push.example.org")}}) == "endpoint");

  const auto start_failure = [&](const std::string& key) -> std::string {
    write_file(folder.path + "/wrong.p8", key);
    ApnsBench bench(options_for(there, {{"key_path", folder.path + "/wrong.p8"}}));
    try {
      static_cast<void>(bench.set_up());
    } catch (const std::exception& failure) {
      return failure.what();
    }
    return {};
  };
  CHECK(start_failure(read_file(folder.path + "/service-account.key")).find("P-256") != std::string::npos);
  CHECK(start_failure("nothing").find("no PEM") != std::string::npos);

  ::chmod(there.at("key_path").c_str(), 0644);
  ApnsBench open(options_for(there));
  REQUIRE(open.set_up());
  CHECK(open.logged("chmod 600"));
}

TEST_CASE("the log holds neither texts nor tokens") {
  Running running({}, {{"timeout", std::int64_t{300}}});
  for (const auto* token : {"hang-secret", "drop-secret", "403-InvalidProviderToken-secret", "400-BadTopic-secret"}) {
    const auto verdict = running.bench.ask(token);
    CHECK(verdict.reason.find("secret") == std::string::npos);
  }
  CHECK_FALSE(running.bench.logged("secret"));
  CHECK_FALSE(running.bench.logged("The text of it"));
  CHECK_FALSE(running.bench.logged("bearer"));
}
