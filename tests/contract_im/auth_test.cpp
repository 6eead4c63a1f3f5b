// Who is believed.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace im_test;

namespace {

/// A bench that asks for tokens: `good` is user123's, number 7, subject `s-7`.
struct TokenBench : Bench {
  TokenBench() : Bench({{"auth", "token"}}, false) {
    Claims claims;
    claims.subject = "s-7";
    claims.handle = "user123";
    claims.user_id = 7;
    claims.believed_until = 1'800'000'000'000;
    host.tokens.tokens["good"] = claims;
    host.tokens.refused["old"] = Error{Code::unauthenticated, "token.expired", "at 17:00 by key 3"};
    messaging.inboxes.rule = [](const auto&) { return Page{}; };
  }

  std::string get(std::map<std::string, std::string> headers, unsigned status) {
    const auto exchange = routes.request(HttpMethod::get, "/api/v1/messages/offline", "", std::move(headers));
    CHECK(exchange->status == status);
    if (status == 401) CHECK(exchange->answer_headers.count("WWW-Authenticate") == 1);
    return exchange->answer;
  }
};

}  // namespace

TEST_CASE("trusted headers are refused at start where other machines can reach the host") {
  CHECK_NOTHROW(Bench({{"auth", "trusted_header"}}, true));
  CHECK_NOTHROW(Bench({{"auth", "token"}}, false));
  CHECK_THROWS_WITH(Bench({}, false), Catch::Contains("auth: trusted_header") && Catch::Contains("auth: token") &&
                                          Catch::Contains("127.0.0.1"));
}

TEST_CASE("with tokens, an HTTP request proves its user") {
  TokenBench bench;
  CHECK(bench.get({}, 401) == error_body("User ID required"));
  CHECK(bench.get({{"X-User-ID", "user123"}}, 401) == error_body("User ID required"));
  CHECK(bench.get({{"Authorization", "Basic good"}}, 401) == error_body("User ID required"));
  CHECK(bench.get({{"Authorization", "Bearer bad"}}, 401) == error_body("Invalid token"));
  CHECK(bench.get({{"Authorization", "Bearer old"}}, 401) == error_body("Token expired"));
  CHECK(bench.get({{"Authorization", "Bearer good"}, {"X-User-ID", "user456"}}, 401) ==
        error_body("The token belongs to another user"));
  CHECK(bench.messaging.inboxes.calls.empty());
  for (const char* name : {"", "user123", "7", "s-7"}) {
    bench.get({{"Authorization", "bearer  good"}, {"X-User-ID", name}}, 200);
    CHECK(bench.messaging.inboxes.calls.back().caller.user == bench.alice->id);
  }
}

TEST_CASE("with tokens, a login proves its user") {
  TokenBench bench;
  Client client(bench, false);
  const auto login = [&](std::string_view data) {
    return client.ask(R"({"type":"login","data":)" + std::string(data) + "}");
  };
  CHECK(login(R"({"user_id":"user123"})") == error_frame("User ID required"));
  CHECK(login(R"({"user_id":"user123","token":"bad"})") == error_frame("Invalid token"));
  CHECK(login(R"({"user_id":"user123","token":"old"})") == error_frame("Token expired"));
  CHECK(login(R"({"user_id":"user456","token":"good"})") == error_frame("The token belongs to another user"));
  CHECK(login(R"({"token":"good"})") == error_frame("Invalid login data"));
  CHECK(client.peer.logins.empty());
  CHECK(login(R"({"user_id":"user123","token":"good"})").find("Login successful") != std::string::npos);
  CHECK_FALSE(client.peer.logins.back().create);
  CHECK(client.peer.policy.until == 1'800'000'000'000);
}

TEST_CASE("when the token of a session expires, its client is told why the connection ends") {
  TokenBench bench;
  Client client(bench, false);
  client.ask(R"({"type":"login","data":{"user_id":"user123","token":"good"}})");
  client.conversant->on_expired();
  CHECK(client.heard() == error_frame("Token expired"));
}

TEST_CASE("with trusted headers, any token passes") {
  Bench bench;
  Client client(bench, false);
  CHECK(client.ask(R"({"type":"login","data":{"user_id":"user123","token":"test_token"}})").find("Login successful") !=
        std::string::npos);
  CHECK(client.peer.policy.until == 0);
}
