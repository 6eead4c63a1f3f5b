#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

TEST_CASE("a login with a token of the host binds the connection and returns token and uid") {
  Dialogue d(Dialogue::Begin::stranger);
  d.peer.answer_logins = false;
  d.say(R"({"id":1,"route":"/core/user/login/token","data":{"token":"good"}})");
  REQUIRE(d.peer.logins.size() == 1);
  CHECK(d.heard().empty());
  CHECK(d.peer.logins[0].by == UserRef::By::id);
  CHECK(d.peer.logins[0].number == 7);
  d.peer.answer_login();
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"token":"good","uid":7}})");
}

TEST_CASE("a token comes back as it was sent, escapes included") {
  Dialogue d(Dialogue::Begin::stranger);
  d.say(R"({"id":1,"route":"/core/user/login/token","data":{"token":"go\"od"}})");
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"token":"go\"od","uid":7}})");
}

TEST_CASE("a session hears everything, and many of one user live side by side") {
  Dialogue d(Dialogue::Begin::stranger);
  d.say(R"({"id":1,"route":"/core/user/login/token","data":{"token":"good"}})");
  REQUIRE(d.peer.logins.size() == 1);
  const SessionPolicy& policy = d.peer.policy;
  CHECK_FALSE(policy.single);
  CHECK(policy.interests.own_messages);
  CHECK(policy.interests.recalls);
  CHECK(policy.interests.reads);
  CHECK(policy.interests.membership);
  CHECK(policy.interests.signals);
  CHECK_FALSE(policy.interests.receipts);
  CHECK(policy.mark_on_push == std::vector{MarkId::delivered});
  CHECK(policy.until == 1'800'000'000'000);
}

TEST_CASE("a token that proves nothing is code 300, a missing one is code 100") {
  Dialogue d(Dialogue::Begin::stranger);
  for (const auto* token : {"expired", "forged", ""}) {
    INFO(token);
    CHECK(d.ask(std::string(R"({"id":1,"route":"/core/user/login/token","data":{"token":")") + token + "\"}}") ==
          R"({"id":1,"code":300,"data":{"msg":"invalid or expired token"}})");
  }
  for (const auto* data : {"{}", R"({"token":null})", R"({"token":7})"}) {
    INFO(data);
    CHECK(d.ask(std::string(R"({"id":1,"route":"/core/user/login/token","data":)") + data + "}") ==
          R"({"id":1,"code":100,"data":{"msg":"invalid request args"}})");
  }
  CHECK(d.peer.logins.empty());
}

TEST_CASE("a login that the host refuses says why") {
  Dialogue d(Dialogue::Begin::stranger);
  d.peer.answer_logins = false;
  d.say(R"({"id":1,"route":"/core/user/login/token","data":{"token":"good"}})");
  d.peer.answer_login(Error{Code::not_found, "user.unknown", ""});
  d.say(R"({"id":2,"route":"/core/user/login/token","data":{"token":"good"}})");
  d.peer.answer_login(Error{Code::invalid, "user.handle_invalid", ""});
  d.say(R"({"id":3,"route":"/core/user/login/token","data":{"token":"good"}})");
  d.peer.answer_login(Error{Code::forbidden, "session.blocked", "this account is locked"});
  CHECK(d.heard() ==
        "{\"id\":1,\"code\":300,\"data\":{\"msg\":\"user not found\"}}\n"
        "{\"id\":2,\"code\":300,\"data\":{\"msg\":\"user not found\"}}\n"
        "{\"id\":3,\"code\":300,\"data\":{\"msg\":\"this account is locked\"}}");
}

TEST_CASE("a login of an unknown user is code 300 with compat_business_codes as well, and a locked one is not") {
  Dialogue d(Dialogue::Begin::stranger);
  d.option("compat_business_codes").set_boolean(true);
  d.peer.answer_logins = false;
  d.say(R"({"id":1,"route":"/core/user/login/token","data":{"token":"good"}})");
  d.peer.answer_login(Error{Code::not_found, "user.unknown", ""});
  d.say(R"({"id":2,"route":"/core/user/login/token","data":{"token":"good"}})");
  d.peer.answer_login(Error{Code::forbidden, "session.blocked", "this account is locked"});
  CHECK(d.heard() ==
        "{\"id\":1,\"code\":300,\"data\":{\"msg\":\"user not found\"}}\n"
        "{\"id\":2,\"code\":100,\"data\":{\"msg\":\"this account is locked\"}}");
}

TEST_CASE("logout ends the session and keeps the connection, which must log in again in time") {
  Dialogue d;
  CHECK(d.ask(R"({"id":3,"route":"/core/user/login/token/logout","data":{}})") ==
        R"({"id":3,"code":100,"data":{"msg":"invalid request args"}})");
  CHECK(d.peer.logged_in());
  d.peer.deadline = 0;
  CHECK(d.ask(R"({"id":3,"route":"/core/user/login/token/logout","data":{"token":"good"}})") ==
        R"({"id":3,"code":200,"data":null})");
  CHECK_FALSE(d.peer.logged_in());
  CHECK(d.peer.deadline == 30000);
  CHECK(d.ask(R"({"id":4,"route":"/core/channel/list"})") == R"({"id":4,"code":300,"data":{"msg":"user not login"}})");
}

TEST_CASE("a connection has thirty seconds to log in unless the operator says otherwise") {
  Dialogue by_default(Dialogue::Begin::stranger);
  CHECK(by_default.option("login_deadline").default_text == "30s");
  by_default.open();
  CHECK(by_default.peer.deadline == 30000);

  Dialogue set(Dialogue::Begin::stranger);
  set.option("login_deadline").set_integer(5000);
  set.open();
  CHECK(set.peer.deadline == 5000);
}

TEST_CASE("who does not log in in time is told so and closed") {
  Dialogue d(Dialogue::Begin::stranger);
  d.open();
  d.connection->on_login_deadline();
  CHECK(d.heard() == R"({"id":-1,"code":300,"data":{"msg":"user not login"}})");
  REQUIRE(d.peer.closed);
  CHECK(d.peer.closed->meaning == CloseMeaning::policy);
}

TEST_CASE("when the token of a session expires, its client is told why the connection ends") {
  Dialogue d;
  d.open();
  d.connection->on_expired();
  CHECK(d.heard() == R"({"id":-1,"code":300,"data":{"msg":"invalid or expired token"}})");
}
