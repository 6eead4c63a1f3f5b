// The socket: who may open it, who may join, and when it ends.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace flix_test;

namespace {

std::string join(const std::string& topic, std::string_view payload, std::string_view ref = "1") {
  return R"([")" + std::string(ref) + R"(",")" + std::string(ref) + R"(",")" + topic + R"(","phx_join",)" +
         std::string(payload) + "]";
}

std::string answer(const std::string& topic, std::string_view reply, std::string_view ref = "1") {
  return R"([")" + std::string(ref) + R"(",")" + std::string(ref) + R"(",")" + topic + R"(","phx_reply",)" +
         std::string(reply) + "]";
}

const std::string mine = "user:" + alice_uuid;

Admission admit(Bench& bench, std::string query, std::map<std::string, std::string> headers = {}) {
  const FakeExchange request(HttpMethod::get, "/socket/websocket" + std::move(query), {}, std::move(headers));
  return bench.routes.admit("/socket/websocket", request);
}

}  // namespace

TEST_CASE("a request for a socket is refused with 403 for a wrong vsn or a bad token, and welcome otherwise") {
  Bench bench;
  CHECK(admit(bench, "").refused == 0);
  CHECK(admit(bench, "?vsn=2.0.0").refused == 0);
  CHECK(admit(bench, "?vsn=1.0.0&token=alice").refused == 0);
  CHECK(admit(bench, "?vsn=2.0.0&token=").refused == 0);
  CHECK(admit(bench, "?vsn=3.0.0").refused == 403);
  CHECK(admit(bench, "?vsn=nonsense&token=alice").refused == 403);
  CHECK(admit(bench, "?vsn=2.0.0&token=forged").refused == 403);
  CHECK(admit(bench, "?vsn=2.0.0&token=old").refused == 403);
}

TEST_CASE("a token in the subprotocol is believed, and the answer is phoenix") {
  Bench bench;
  bench.host.tokens.tokens["a?>b~"].user_id = 7;  // in base64 with both characters that the alphabets differ in
  const auto ask = [&](std::string value) {
    return admit(bench, "?vsn=2.0.0", {{"Sec-WebSocket-Protocol", std::move(value)}});
  };
  auto admission = ask("phoenix, base64url.bearer.phx.YWxpY2U");
  CHECK(admission.refused == 0);
  CHECK(admission.subprotocol == "phoenix");
  CHECK(ask("phoenix,base64url.bearer.phx.YT8+Yn4").refused == 0);
  CHECK(ask("phoenix,base64url.bearer.phx.YT8-Yn4=").refused == 0);
  CHECK(ask("phoenix, base64url.bearer.phx.Zm9yZ2Vk").refused == 403);
  CHECK(ask("phoenix, base64url.bearer.phx.***").refused == 403);
  CHECK(ask("phoenix").refused == 0);
  CHECK(ask("phoenix").subprotocol == "phoenix");
  CHECK(ask("graphql-ws").subprotocol.empty());
  CHECK(admit(bench, "").subprotocol.empty());

  FakePeer peer(bench.host.directory, &bench.contract);
  FakeExchange request(HttpMethod::get, "/socket/websocket?vsn=2.0.0", {},
                       {{"Sec-WebSocket-Protocol", "phoenix, base64url.bearer.phx.YWxpY2U"}});
  Opening opening;
  opening.request = &request;
  const auto socket = bench.routes.open("/socket/websocket", peer, opening);
  socket->on_message({join(mine, "{}")});
  CHECK(peer.sent.at(0) == answer(mine, ok("{}")));
}

TEST_CASE("a join with a token is answered and asks for many sessions that hear recalls and receipts") {
  Bench bench;
  Client client(bench, "");
  CHECK(client.peer.deadline == 60'000);
  CHECK(client.ask(join(mine, R"({"token":"alice"})")) == answer(mine, ok("{}")));
  CHECK(client.peer.logged_in());
  const auto& policy = client.peer.policy;
  CHECK_FALSE(policy.single);
  CHECK(policy.interests.recalls);
  CHECK(policy.interests.receipts);
  CHECK_FALSE(policy.interests.own_messages);
  CHECK(policy.variant == static_cast<Variant>(phoenix::Version::v2));
  REQUIRE(policy.mark_on_push.size() == 1);
  CHECK(policy.mark_on_push[0] == MarkId::delivered);
}

TEST_CASE("without vsn a socket speaks version 1") {
  Bench bench;
  Client client(bench, "", "");
  CHECK(client.ask(R"({"topic":")" + mine + R"(","event":"phx_join","payload":{"token":"alice"},"ref":"1"})") ==
        R"({"topic":")" + mine + R"(","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"1"})");
  CHECK(client.peer.policy.variant == static_cast<Variant>(phoenix::Version::v1));
}

TEST_CASE("a join without a token needs a socket that brought one") {
  Bench bench;
  Client known(bench, "", "vsn=2.0.0&token=alice"), stranger(bench, "");
  CHECK(known.ask(join(mine, "{}")) == answer(mine, ok("{}")));
  CHECK(stranger.ask(join(mine, "{}")) == answer(mine, error("unauthorized")));
  CHECK(stranger.ask(join(mine, "null")) == answer(mine, error("unauthorized")));
  CHECK(stranger.ask(join(mine, R"({"token":null})")) == answer(mine, error("unauthorized")));
  CHECK(stranger.ask(join(mine, R"({"token":""})")) == answer(mine, error("unauthorized")));
}

TEST_CASE("the token of a join counts for more than that of the socket, also when it is bad") {
  Bench bench;
  Client client(bench, "", "vsn=2.0.0&token=alice");
  CHECK(client.ask(join(mine, R"({"token":"forged"})")) == answer(mine, error("invalid token")));
  CHECK(client.ask(join("user:" + bob_uuid, R"({"token":"bob"})")) == answer("user:" + bob_uuid, ok("{}")));
}

TEST_CASE("a socket's token that has expired since does not let anybody in") {
  Bench bench;
  bench.host.tokens.tokens["alice"].believed_until = bench.host.time.now();
  Client client(bench, "", "vsn=2.0.0&token=alice");
  CHECK(client.ask(join(mine, "{}")) == answer(mine, error("invalid token")));
}

TEST_CASE("join errors are those of the document's server") {
  Bench bench;
  Client client(bench, "");
  CHECK(client.ask(join(mine, R"({"token":"forged"})")) == answer(mine, error("invalid token")));
  CHECK(client.ask(join(mine, R"({"token":"old"})")) == answer(mine, error("invalid token")));
  CHECK(client.ask(join(mine, R"({"token":7})")) == answer(mine, error("invalid token")));
  CHECK(client.ask(join(mine, "[]")) == answer(mine, error("payload must be an object")));
  const auto other = "user:" + bob_uuid;
  CHECK(client.ask(join(other, R"({"token":"alice"})")) ==
        answer(other, error("Invalid Join Attempt, channel: " + other)));
  CHECK_FALSE(client.peer.logged_in());
  CHECK(client.ask(join("user:x", R"({"token":"alice"})")) ==
        answer("user:x", error("Invalid Join Attempt, channel: user:x")));
  CHECK(client.ask(join("room:x", R"({"token":"alice"})")) == answer("room:x", error("unmatched topic")));
  bench.host.tokens.tokens["nobody"].user_id = 4711;
  CHECK(client.ask(join(mine, R"({"token":"nobody"})")) == answer(mine, error("unauthorized")));
  CHECK(client.ask(join(mine, R"({"token":"alice"})")) == answer(mine, ok("{}")));
}

TEST_CASE("an empty token of a socket is none, and a good one of an unknown user opens a socket that lets nobody in") {
  Bench bench;
  bench.host.tokens.tokens["nobody"].user_id = 4711;
  Client none(bench, "", "vsn=2.0.0&token=");
  CHECK(none.ask(join(mine, "{}")) == answer(mine, error("unauthorized")));
  CHECK(none.ask(join(mine, R"({"token":"alice"})")) == answer(mine, ok("{}")));
  CHECK(admit(bench, "?vsn=2.0.0&token=nobody").refused == 0);
  Client nobody(bench, "", "vsn=2.0.0&token=nobody");
  CHECK(nobody.ask(join(mine, "{}")) == answer(mine, error("unauthorized")));
  CHECK_FALSE(nobody.peer.logged_in());
  CHECK(nobody.ask(join(mine, R"({"token":"alice"})")) == answer(mine, ok("{}")));
}

TEST_CASE("what the host refuses a login with is the join's error") {
  Bench bench;
  Client client(bench, "");
  client.peer.answer_logins = false;
  client.say(join(mine, R"({"token":"alice"})"));
  client.peer.answer_login(Error{Code::forbidden, "login.blocked", "come back tomorrow"});
  CHECK(client.heard() == answer(mine, error("come back tomorrow")));
  client.say(join(mine, R"({"token":"alice"})", "2"));
  client.peer.answer_login(Error{Code::overloaded, "queue.full", "internal words"});
  CHECK(client.heard() == answer(mine, error("overloaded, try again later"), "2"));
}

TEST_CASE("a socket is one user's: another user's topic is refused, and the first channel stays") {
  Bench bench;
  Client client(bench);
  const auto other = "user:" + bob_uuid;
  CHECK(client.ask(join(other, R"({"token":"bob"})", "2")) ==
        answer(other, error("Invalid Join Attempt, channel: " + other), "2"));
  CHECK(client.peer.logins.size() == 1);
  CHECK(client.peer.user().id == bench.alice->id);
  CHECK(client.event("nothing", "{}") == error("unknown event"));
}

TEST_CASE("joining again takes a new session and closes the old channel behind the reply") {
  Bench bench;
  Client client(bench);
  CHECK(client.ask(join(mine, R"({"token":"alice"})", "5")) ==
        answer(mine, ok("{}"), "5") + "\n[\"1\",\"1\",\"" + mine + R"(","phx_close",{}])");
  CHECK(client.peer.logins.size() == 2);
  CHECK(client.peer.held == 0);
  CHECK(client.peer.logged_in());
}

TEST_CASE("joining again with a bad token or another user's closes the old channel and ends its session") {
  Bench bench;
  for (const char* token : {"forged", "bob"}) {
    Client client(bench);
    const auto heard = client.ask(join(mine, R"({"token":")" + std::string(token) + "\"}", "5"));
    CHECK(heard.find(R"("status":"error")") != std::string::npos);
    CHECK(heard.ends_with("\n[\"1\",\"1\",\"" + mine + R"(","phx_close",{}])"));
    CHECK_FALSE(client.peer.logged_in());
    CHECK(client.peer.held == 0);
    CHECK(client.ask(join(mine, R"({"token":"alice"})", "6")) == answer(mine, ok("{}"), "6"));
  }
}

TEST_CASE("leaving logs the session out, and joining once more works") {
  Bench bench;
  Client client(bench);
  client.peer.deadline = 0;
  CHECK(client.ask(R"(["1","4",")" + mine + R"(","phx_leave",{}])") ==
        R"(["1","4",")" + mine + R"(","phx_reply",{"status":"ok","response":{}}])" + "\n[\"1\",\"1\",\"" + mine +
            R"(","phx_close",{}])");
  CHECK_FALSE(client.peer.logged_in());
  CHECK(client.peer.deadline == 60'000);
  CHECK(client.ask(R"(["1","5",")" + mine + R"(","sync",{}])") ==
        R"(["1","5",")" + mine + R"(","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}])");
  CHECK(client.ask(join(mine, R"({"token":"alice"})", "6")) == answer(mine, ok("{}"), "6"));
}

TEST_CASE("a session ends with its token: the channel hears phx_error, and its topic is free again") {
  Bench bench;
  bench.host.tokens.tokens["alice"].believed_until = 1640995205000;
  Client client(bench);
  CHECK(client.peer.policy.until == 1640995205000);
  client.conversant->on_expired();
  CHECK(client.heard() == R"(["1","1",")" + mine + R"(","phx_error",{"reason":"token expired"}])");
  CHECK(client.ask(R"(["1","5",")" + mine + R"(","sync",{}])").find("unmatched topic") != std::string::npos);
}

TEST_CASE("a socket that nobody joins on is closed after a time, unless the option says otherwise") {
  Bench bench, patient(Options{{"join_timeout", "0"}});
  Client silent(bench, ""), present(bench), waiting(patient, "");
  CHECK(waiting.peer.deadline == 0);
  silent.conversant->on_login_deadline();
  REQUIRE(silent.peer.closed);
  CHECK(silent.peer.closed->meaning == CloseMeaning::policy);
  present.conversant->on_login_deadline();
  CHECK_FALSE(present.peer.closed);
}
