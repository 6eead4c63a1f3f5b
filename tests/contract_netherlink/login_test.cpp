// WebSocket: who may come in, and who is sent away.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace netherlink_test;

namespace {

std::string login(std::string_view payload) { return R"({"type":"login","payload":)" + std::string(payload) + "}"; }

/// What a fresh connection hears for this frame, and whether it is closed then.
struct Outcome {
  std::string heard;
  bool closed;
};
Outcome first(Bench& bench, std::string_view frame) {
  Client client(bench, false);
  auto heard = client.ask(frame);
  return {std::move(heard), client.peer.closed.has_value()};
}

}  // namespace

TEST_CASE("a login is answered without a payload and asks for one session, both marks and recalls") {
  Bench bench;
  Client client(bench, false);
  CHECK(client.peer.deadline == 10'000);
  client.say(login(R"({"uid":"user1","token":"t1"})"));
  CHECK(client.heard() == R"({"type":"login_success"})");
  CHECK(client.peer.policy.single);
  CHECK(client.peer.policy.variant == 0);
  CHECK(client.peer.policy.interests.recalls);
  CHECK_FALSE(client.peer.policy.interests.own_messages);
  CHECK(client.peer.policy.mark_on_push == std::vector{MarkId::delivered, synced});
  CHECK_FALSE(client.peer.closed);
}

TEST_CASE(
    "devices that are to be registered again are told behind the login, if there are any and the option lets them") {
  for (const bool is_on : {true, false}) {
    Bench bench(Options{{"register_frames", is_on ? "true" : "false"}});
    bench.host.bus().intercept<ListLostDevices>(Stage::policy, [](ListLostDevices& event) {
      if (event.caller.user == static_cast<UserId>(7)) event.clients = {"phone", "a \"quote\""};
      return Verdict::pass();
    });
    Client client(bench, false);
    client.say(login(R"({"uid":"user1","token":"t1"})"));
    auto sent = client.peer.sent;
    REQUIRE(sent.size() == (is_on ? 2u : 1u));
    CHECK(sent[0] == R"({"type":"login_success"})");
    if (is_on) CHECK(sent[1] == R"({"type":"push_register","payload":{"device_ids":["phone","a \"quote\""]}})");
    Client other(bench, false);
    other.say(login(R"({"uid":"user2","token":"t2"})"));
    CHECK(other.peer.sent.size() == 1);
  }
}

TEST_CASE("the marks are synced, implied by read and timed, and cleared") {
  Bench bench;
  REQUIRE(bench.messaging.mark_specs.size() == 2);
  CHECK(bench.messaging.mark_specs[0].name == "netherlink.synced");
  CHECK(bench.messaging.mark_specs[0].implied_by_read);
  CHECK(bench.messaging.mark_specs[0].timed);
  CHECK(bench.messaging.mark_specs[1].name == "netherlink.cleared");
  CHECK_FALSE(bench.messaging.mark_specs[1].implied_by_read);
}

TEST_CASE("a uid is the handle of the token's user, or its number or subject") {
  Bench bench;
  for (const char* uid : {"\"user1\"", "\"7\"", "7", "\"subject-of-user1\""}) {
    Client client(bench, false);
    client.say(login(R"({"uid":)" + std::string(uid) + R"(,"token":"t1"})"));
    CHECK(client.heard() == R"({"type":"login_success"})");
    CHECK(client.peer.user().handle == "user1");
  }
}

TEST_CASE("a claim that the operator names decides, and its value is a uid too") {
  Bench bench;
  auto claims = Bench::claims("", 0);
  claims.subject.clear();
  claims.named = UserRef::uuid(bench.user1->uuid);
  bench.host.tokens.tokens["t3"] = claims;
  claims.named = UserRef::of(bench.user2->id);
  bench.host.tokens.tokens["t4"] = claims;
  Client one(bench, false);
  one.say(login(R"({"uid":")" + bench.user1->uuid + R"(","token":"t3"})"));
  CHECK(one.peer.logged_in());
  Client two(bench, false);
  two.say(login(R"({"uid":8,"token":"t4"})"));
  CHECK(two.peer.logged_in());
  CHECK(first(bench, login(R"({"uid":"7","token":"t4"})")).heard == error_frame("认证失败"));
}

TEST_CASE("a session ends with its token") {
  Bench bench;
  bench.host.tokens.tokens["t1"].believed_until = 1760163399000;
  Client client(bench, false);
  client.say(login(R"({"uid":"user1","token":"t1"})"));
  CHECK(client.peer.policy.until == 1760163399000);
  client.heard();
  client.conversant->on_expired();
  CHECK(client.heard() == error_frame("认证失败"));
}

TEST_CASE("a login that proves nothing is refused and the connection closed") {
  Bench bench;
  bench.host.tokens.refused["old"] = {Code::unauthenticated, "token.expired", "x"};
  bench.host.tokens.refused["other"] = {Code::unauthenticated, "token.algorithm", "x"};
  bench.host.tokens.refused["half"] = {Code::unauthenticated, "token.malformed", "x"};
  bench.host.tokens.tokens["gone"] = Bench::claims("nobody", 0);
  for (const char* payload :
       {R"({"uid":"user1","token":"forged"})", R"({"uid":"user1","token":"old"})", R"({"uid":"user1","token":"other"})",
        R"({"uid":"user1","token":"half"})", R"({"uid":"user1","token":"t2"})", R"({"uid":"nobody","token":"gone"})"}) {
    const auto outcome = first(bench, login(payload));
    CHECK(outcome.heard == error_frame("认证失败"));
    CHECK(outcome.closed);
  }
}

TEST_CASE("a login without usable data is refused and the connection closed") {
  Bench bench;
  for (const char* payload :
       {"{}", "[]", "7", "null", "\"\"", "\"user1\"", R"({"uid":"user1"})", R"({"token":"t1"})",
        R"({"uid":"","token":"t1"})", R"({"uid":true,"token":"t1"})", R"({"uid":1.5,"token":"t1"})",
        R"({"uid":"user1","token":5})", R"({"uid":"user1","token":""})"}) {
    const auto outcome = first(bench, login(payload));
    CHECK(outcome.heard == error_frame("无效的登录信息"));
    CHECK(outcome.closed);
  }
  CHECK(first(bench, R"({"type":"login"})").heard == error_frame("无效的登录信息"));
}

TEST_CASE("anything before the login is refused and the connection closed, but for what is no JSON") {
  Bench bench;
  for (const char* type : {"chat", "sync_offline_messages", "confirm_messages_synced", "pong", "heartbeat", "x"}) {
    const auto outcome = first(bench, R"({"type":")" + std::string(type) + R"(","payload":{}})");
    CHECK(outcome.heard == error_frame("请先登录"));
    CHECK(outcome.closed);
  }
  const auto broken = first(bench, "{");
  CHECK(broken.heard == error_frame("无效的消息格式"));
  CHECK_FALSE(broken.closed);
}

TEST_CASE("who never logs in is told so and disconnected") {
  Bench bench;
  Client silent(bench, false);
  silent.conversant->on_login_deadline();
  CHECK(silent.heard() == error_frame("登录超时"));
  REQUIRE(silent.peer.closed);
  CHECK(silent.peer.closed->meaning == CloseMeaning::policy);

  Client present(bench);
  present.conversant->on_login_deadline();
  CHECK(present.heard().empty());
  CHECK_FALSE(present.peer.closed);

  Bench patient(Options{{"login_timeout", "0"}});
  CHECK(Client(patient, false).peer.deadline == 0);
}

TEST_CASE("a session that another one replaces is told so") {
  Bench bench;
  Client client(bench);
  client.conversant->on_replaced();
  CHECK(client.heard() == error_frame("账号在其他设备登录"));
}

TEST_CASE("a later login that fails ends the session at once and closes the connection") {
  Bench bench;
  Client client(bench);
  CHECK(client.ask("login", R"({"uid":"user2","token":"forged"})") == error_frame("认证失败"));
  CHECK(client.peer.closed);
  CHECK_FALSE(client.peer.logged_in());
}

TEST_CASE("a login that the host cannot answer is told to try again") {
  Bench bench;
  Client client(bench, false);
  client.peer.answer_logins = false;
  client.say(login(R"({"uid":"user1","token":"t1"})"));
  client.peer.answer_login(Error{Code::unavailable, "storage.lost", {}});
  CHECK(client.heard() == error_frame("服务暂不可用，请稍后再试"));
  REQUIRE(client.peer.closed);
  CHECK(client.peer.closed->meaning == CloseMeaning::try_again_later);
}

TEST_CASE("a frame that is no envelope is an error after the login, and the connection stays") {
  Bench bench;
  Client client(bench);
  for (const char* frame : {"", "nonsense", "{", "[]", "\"chat\"", "{}", R"({"type":5})", R"({"type":null})",
                            "{\"type\":\"chat\xff\"}", R"({"type":"chat"} x)"}) {
    CHECK(client.ask(frame) == error_frame("无效的消息格式"));
  }
  CHECK_FALSE(client.peer.closed);
}

TEST_CASE("types that are not about messages are unknown, a pong is taken in silence") {
  Bench bench;
  Client client(bench);
  for (const char* type : {"heartbeat", "ping", "friend_request", "friend_request_handle", "group_join_request",
                           "group_join_request_handle", "chat_response", ""}) {
    CHECK(client.ask(type, "{}") == error_frame("未知的消息类型"));
  }
  CHECK(client.ask(R"({"type":"pong"})").empty());
  CHECK(client.ask("pong", "[]").empty());
  CHECK_FALSE(client.peer.closed);
}

TEST_CASE("errors say which field is wrong where the option asks for it") {
  Bench bench(Options{{"error_details", "true"}});
  Client client(bench);
  CHECK(client.ask("chat", R"({"to":"a","content":7})") ==
        R"({"type":"error","payload":{"message":"无效的聊天消息格式","detail":"content must be a string"}})");
  CHECK(bench.ask(HttpMethod::get, "/api/messages/offline?page=x")->answer ==
        R"({"success":false,"message":"请求参数错误","detail":"page and page_size must be integers"})");
}

TEST_CASE("tokens are read by the rules of this contract, at the login and over HTTP") {
  Bench usual;
  const Client client(usual);
  CHECK(usual.host.tokens.asked.claim.empty());
  CHECK(usual.host.tokens.asked.algorithms.empty());
  for (const bool over_http : {false, true}) {
    Bench bench(Options{{"token.claim", "name"}, {"token.claim_is", "handle"}, {"token.algorithms", "RS256"}});
    if (over_http) {
      bench.ask(HttpMethod::get, "/api/messages/offline");
    } else {
      const Client other(bench);
    }
    CHECK(bench.host.tokens.asked.claim == "name");
    CHECK(bench.host.tokens.asked.names == UserRef::By::handle);
    CHECK(bench.host.tokens.asked.algorithms == std::vector<std::string>{"RS256"});
  }
}
