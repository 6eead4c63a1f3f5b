// Tokens for passwords, with a host made of fakes. Hashing is real and as cheap as it may be.
#include <catch2/catch.hpp>

#include <loft/json.hpp>
#include <loft/testing/host.hpp>
#include <loft/testing/messaging.hpp>

#include "../support/refusals.hpp"
#include "contract.hpp"

using namespace loft;
using namespace loft::testing;

namespace {

struct Bench {
  FakeHost host{"auth"};
  FakeUsers users;
  FakeIdentity identity;
  FakeKeyValues state;
  FakeRoutes routes;
  auth::AuthContract contract;
  std::vector<std::string> lost;  ///< devices that are to be registered again
  std::shared_ptr<const User> ann = users.add("ann", 7);
  std::shared_ptr<const User> bob = users.add("bob", 8);

  explicit Bench(std::map<std::string, std::int64_t> numbers = {}, std::map<std::string, std::string> texts = {}) {
    host.users_service = &users;
    host.identity_service = &identity;
    host.key_values_service = &state;
    users.auto_create = false;
    numbers.emplace("memory", 8 << 20);
    numbers.emplace("passes", 1);
    OptionTable table;
    contract.options(table);
    for (auto& row : table.rows()) {
      if (numbers.contains(row.name)) row.set_integer(numbers[row.name]);
      if (texts.contains(row.name)) row.set_text(texts[row.name]);
    }
    REQUIRE(contract.configure().ok());
    contract.setup(host);
    contract.routes(routes);
    host.bus().intercept<ListLostDevices>(Stage::policy, [this](ListLostDevices& event) {
      event.clients = lost;
      return Verdict::pass();
    });
    host.freeze();
  }

  Result<std::string> command(const std::string& arguments) { return host.commands.at("auth.password")(arguments); }
  void set(const std::string& password) { REQUIRE(command(R"({"uid":7,"password":")" + password + "\"}").ok()); }
  std::shared_ptr<FakeExchange> ask(const std::string& body, std::map<std::string, std::string> headers = {}) {
    return routes.request(HttpMethod::post, "/auth/token", body, std::move(headers));
  }
  std::shared_ptr<FakeExchange> log_in(const std::string& handle, const std::string& password) {
    return ask(R"({"handle":")" + handle + R"(","password":")" + password + "\"}");
  }
  std::shared_ptr<FakeExchange> change(const std::string& body) {
    Claims claims;
    claims.user_id = 7;
    identity.tokens["good"] = claims;
    return routes.request(HttpMethod::put, "/auth/password", body, {{"Authorization", "Bearer good"}});
  }
  std::int64_t count(const char* result) {
    return host.metrics().counter("password_checks_total", "", std::string("result=\"") + result + "\"").value();
  }
};

constexpr auto wrong =
    R"({"type":"about:blank","title":"Unauthorized","status":401,"detail":"the handle or the password is wrong"})";

}  // namespace

TEST_CASE("the right password gives a token of the host, and says whose and until when") {
  Bench bench;
  bench.set("correct horse");
  const auto answer = bench.log_in("ann", "correct horse");
  CHECK(answer->status == 200);
  CHECK(answer->answer_headers["Cache-Control"] == "no-store");
  const auto expires = (bench.host.clock().now() + 86'400'000) / 1000;
  CHECK(answer->answer == R"({"token":"token of ann for 86400000","expires_at":)" + std::to_string(expires) +
                              R"(,"handle":"ann","uid":7,"uuid":")" + bench.ann->uuid + "\"}");
  const auto shorter = bench.ask(R"({"handle":"ann","password":"correct horse","ttl":60})");
  CHECK_THAT(shorter->answer, Catch::Contains("token of ann for 60000"));
  CHECK(bench.count("right") == 2);
  bench.lost = {"phone"};
  CHECK_THAT(bench.log_in("ann", "correct horse")->answer, Catch::EndsWith(R"(,"push_register":["phone"]})"));
}

TEST_CASE("a wrong password, a user without one, an unknown user and an impossible handle hear the same words") {
  Bench bench;
  bench.set("correct horse");
  for (const auto& [handle, password] : {std::pair<std::string, std::string>{"ann", "correct hors"},
                                         {"ann", ""},
                                         {"bob", "correct horse"},
                                         {"nobody", "correct horse"},
                                         {"", "x"},
                                         {std::string(51, 'x'), "x"},
                                         {"ann", std::string(5000, 'x')}}) {
    CAPTURE(handle);
    const auto answer = bench.log_in(handle, password);
    CHECK(answer->status == 401);
    CHECK(answer->answer == wrong);
    CHECK(answer->type == "application/problem+json");
    CHECK(answer->answer_headers.count("WWW-Authenticate") == 1);
  }
  CHECK(bench.count("wrong") == 7);
}

TEST_CASE("every one of those refusals has hashed something") {
  Bench bench;
  bench.set("correct horse");
  bench.host.blocking = FakeHost::Blocking::queued;
  for (const auto* handle : {"ann", "bob", "nobody", ""}) {
    const auto answer = bench.log_in(handle, "wrong wrong");
    CHECK(answer->status == 0);
    CHECK(bench.host.run_queued() == 1);
    CHECK(answer->status == 401);
  }
}

TEST_CASE("a body that is none of this is refused before anything is looked up") {
  Bench bench;
  for (const auto* body :
       {"", "[]", "{", "{}", R"({"handle":"ann"})", R"({"handle":7,"password":"x"})",
        R"({"handle":"ann","password":["x"]})", R"({"handle":null,"password":"x"})",
        R"({"handle":"ann","password":"x","ttl":0})", R"({"handle":"ann","password":"x","ttl":-5})",
        R"({"handle":"ann","password":"x","ttl":"1h"})", R"({"handle":"ann","password":"x","ttl":1.5})",
        R"({"handle":"ann","password":"x","ttl":2592001})"}) {
    CAPTURE(body);
    CHECK(bench.ask(body)->status == 400);
  }
  CHECK(bench.count("wrong") == 0);
}

TEST_CASE("wrong passwords for one handle are limited, and the others go on") {
  Bench bench({{"attempts", 3}, {"attempts_window", 60'000}});
  bench.set("correct horse");
  for (int i = 0; i < 10; ++i) CHECK(bench.log_in("ann", "correct horse")->status == 200);
  for (int i = 0; i < 3; ++i) CHECK(bench.log_in("ann", "wrong")->status == 401);
  const auto limited = bench.log_in("ann", "correct horse");
  CHECK(limited->status == 429);
  CHECK(limited->answer_headers["Retry-After"] == "60");
  CHECK(bench.count("limited") == 1);
  CHECK(bench.log_in("bob", "wrong")->status == 401);
  bench.host.clock().advance(60'000);
  CHECK(bench.log_in("ann", "correct horse")->status == 200);
}

TEST_CASE(
    "wrong passwords from one address are limited, whatever the handles; a proxy's word for it is taken if asked for") {
  Bench direct({{"address_attempts", 3}});
  for (int i = 0; i < 3; ++i) CHECK(direct.log_in("u" + std::to_string(i), "wrong")->status == 401);
  CHECK(direct.log_in("u4", "wrong")->status == 429);

  Bench proxied({{"address_attempts", 3}}, {{"address_header", "X-Forwarded-For"}});
  const auto from = [&](const std::string& header) {
    return proxied.ask(R"({"handle":"ann","password":"wrong"})", {{"X-Forwarded-For", header}})->status;
  };
  for (int i = 0; i < 3; ++i) CHECK(from("203.0.113." + std::to_string(i) + ", 192.0.2.1") == 401);
  CHECK(from("192.0.2.1") == 429);
  CHECK(from("192.0.2.2") == 401);
}

TEST_CASE("where too many passwords are checked, further ones hear so at once") {
  Bench bench({{"checks", 1}, {"queue", 2}});
  bench.set("correct horse");
  bench.host.blocking = FakeHost::Blocking::queued;
  std::vector<std::shared_ptr<FakeExchange>> asked;
  for (int i = 0; i < 4; ++i) asked.push_back(bench.log_in("ann", "correct horse"));
  CHECK(asked[2]->status == 503);
  CHECK(asked[3]->status == 503);
  CHECK(asked[3]->answer_headers["Retry-After"] == "1");
  CHECK(bench.count("overloaded") == 2);
  while (bench.host.run_queued() > 0) {
  }
  CHECK(asked[0]->status == 200);
  CHECK(asked[1]->status == 200);

  bench.host.blocking = FakeHost::Blocking::full;
  CHECK(bench.log_in("ann", "correct horse")->status == 503);
  bench.host.blocking = FakeHost::Blocking::at_once;
  CHECK(bench.log_in("ann", "correct horse")->status == 200);
}

TEST_CASE("a user changes the password by proving the one of now") {
  Bench bench;
  CHECK(bench.change(R"({"current":"x","password":"battery staple"})")->status == 409);
  bench.set("correct horse");
  CHECK(bench.change(R"({"current":"wrong","password":"battery staple"})")->status == 403);
  const auto weak = bench.change(R"({"current":"correct horse","password":"battery"})");
  CHECK(weak->status == 400);
  CHECK_THAT(weak->answer, Catch::Contains("at least 10 characters"));
  CHECK(bench.change(R"({"password":"battery staple"})")->status == 400);
  CHECK(bench.change("[]")->status == 400);
  const auto done = bench.change(R"({"current":"correct horse","password":"battery staple"})");
  CHECK(done->status == 200);
  CHECK(done->answer == R"({"changed":true})");
  CHECK(bench.log_in("ann", "correct horse")->status == 401);
  CHECK(bench.log_in("ann", "battery staple")->status == 200);
}

TEST_CASE("without a token nobody's password changes") {
  Bench bench;
  bench.set("correct horse");
  for (const auto* header : {"", "Bearer", "Bearer bad", "Basic good"}) {
    const auto answer =
        bench.routes.request(HttpMethod::put, "/auth/password",
                             R"({"current":"correct horse","password":"battery staple"})", {{"Authorization", header}});
    CHECK(answer->status == 401);
  }
  CHECK(bench.log_in("ann", "correct horse")->status == 200);
}

TEST_CASE("a hash of another cost is made anew when its password is at hand") {
  Bench old;
  old.set("correct horse");
  const auto before = old.state.values.begin()->second;
  Bench dear({{"passes", 2}});
  dear.state.values = old.state.values;
  CHECK(dear.log_in("ann", "wrong wrong")->status == 401);
  CHECK(dear.state.values.begin()->second == before);
  CHECK(dear.log_in("ann", "correct horse")->status == 200);
  CHECK_THAT(dear.state.values.begin()->second, Catch::Contains("t=2"));
  CHECK(dear.log_in("ann", "correct horse")->status == 200);
}

TEST_CASE("the operator sets and removes passwords") {
  Bench bench;
  CHECK(bench.command(R"({"uid":7,"password":"short"})").error().reason == "password.weak");
  CHECK(bench.command(R"({"uid":7,"password":")" + std::string(1025, 'x') + "\"}").error().reason == "password.weak");
  CHECK(bench.command(R"({"uid":7,"password":"ten signs \u00e4"})").ok());
  for (const auto* arguments :
       {"{}", "[]", "x", R"({"uid":7})", R"({"uid":"7","password":"correct horse"})",
        R"({"uid":7,"password":"correct horse","remove":true})", R"({"uid":7,"remove":false})"}) {
    CAPTURE(arguments);
    CHECK(bench.command(arguments).error().code == Code::invalid);
  }
  bench.set("correct horse");
  CHECK(bench.log_in("ann", "correct horse")->status == 200);
  CHECK(bench.command(R"({"uid":7,"remove":true})").ok());
  CHECK(bench.state.values.empty());
  CHECK(bench.log_in("ann", "correct horse")->status == 401);
}

TEST_CASE("what is kept is no password") {
  Bench bench;
  bench.set("correct horse");
  REQUIRE(bench.state.values.size() == 1);
  CHECK(bench.state.values.begin()->first == "password.7");
  CHECK_THAT(bench.state.values.begin()->second, Catch::StartsWith("$argon2id$") && !Catch::Contains("correct"));
}

TEST_CASE("what is refused before a route sees it is a problem, and keeps its status") {
  Bench bench;
  tests::Refusals refusals(bench.contract);
  tests::check_refusals(refusals, "application/problem+json", R"("status":#)", "Not Found");
  CHECK(refusals.text(413) ==
        R"(413 {"type":"about:blank","title":"Content Too Large","status":413,"detail":"the body is too large"})");
  CHECK_THAT(refusals.text(404), Catch::Contains("POST /auth/token and PUT /auth/password"));
}
