// Actions of message domains, which the document does not know.
#include <catch2/catch.hpp>

#include "../support/voting.hpp"
#include "host.hpp"

using namespace im_test;

namespace {

using Voting = loft::tests::Voting<Bench>;

const std::string vote = R"({"type":"acme.poll.vote","data":{"message_id":"msg_42","arguments":{"option":1}}})";

TEST_CASE("an action over the WebSocket is answered under its own name") {
  Voting bench;
  Client client(bench);
  client.say(vote);
  CHECK(client.peer.sent.empty());
  REQUIRE(bench.acts().settle());
  CHECK(client.heard() ==
        R"({"type":"acme.poll.vote","data":{"success":true,"message_id":"msg_42","result":{"votes":3}},)"
        R"("timestamp":1640995200000})");
  CHECK(bench.acts().last().name == "acme.poll.vote");
  CHECK(raw(bench.acts().last().message) == 42);
  CHECK(bench.acts().last().arguments == R"({"option":1})");
  client.say(R"({"type":"acme.poll.vote","data":{"message_id":42}})");
  CHECK(bench.acts().last().arguments.empty());
}

TEST_CASE("an action that cannot be is refused with what is wrong") {
  Voting bench;
  Client client(bench), stranger(bench, false);
  CHECK(client.ask(R"({"type":"acme.poll.close","data":{"message_id":"msg_42"}})") ==
        error_frame("Unknown message type"));
  CHECK(stranger.ask(vote) == error_frame("Not logged in"));
  CHECK(client.ask(R"({"type":"acme.poll.vote"})") == error_frame("message_id is required"));
  CHECK(client.ask(R"({"type":"acme.poll.vote","data":{"message_id":"first"}})") == error_frame("Message not found"));
  CHECK(client.ask(R"({"type":"acme.poll.vote","data":{"message_id":"1","arguments":[]}})") ==
        error_frame("arguments must be an object"));
  CHECK(bench.acts().calls.empty());
  bench.acts().rule = [](const auto&) -> Result<std::string> {
    return Error{Code::conflict, "poll.closed", "the poll is closed"};
  };
  client.say(vote);
  bench.acts().settle();
  CHECK(client.heard() == error_frame("Conflict: the poll is closed"));
}

TEST_CASE("an action over HTTP takes its arguments as the body") {
  Voting bench;
  const auto post = [&](std::string path, std::string body, unsigned status) {
    auto exchange =
        bench.routes.request(HttpMethod::post, std::move(path), std::move(body), {{"X-User-ID", "user123"}});
    bench.acts().settle();
    CHECK(exchange->status == status);
    return exchange->answer;
  };
  CHECK(post("/api/v1/messages/msg_42/actions/acme.poll.vote", R"({"option":2})", 200) ==
        R"({"success":true,"result":{"votes":3}})");
  CHECK(bench.acts().last().arguments == R"({"option":2})");
  CHECK(raw(bench.acts().last().message) == 42);
  CHECK(post("/api/v1/messages/42/actions/acme.poll.vote", "", 200) == R"({"success":true,"result":{"votes":3}})");
  post("/api/v1/messages/42/actions/acme.poll.vote", "[1]", 400);
  post("/api/v1/messages/first/actions/acme.poll.vote", "", 404);
  bench.acts().rule = [](const auto&) -> Result<std::string> {
    return Error{Code::invalid, "action.unknown", "no domain has such an action"};
  };
  CHECK(post("/api/v1/messages/42/actions/acme.poll.sing", "", 400) ==
        R"({"error":"Bad request: no domain has such an action"})");
}

TEST_CASE("members hear of an action under its name, and of signals of other contracts nothing") {
  const Voting bench;
  const auto id = static_cast<MessageId>(42);
  CHECK(bench.heard(*bench.bob, *bench.direct(), id).bytes ==
        R"({"type":"acme.poll.vote","data":{"message_id":"msg_42","user_id":"user456","event":{"votes":3}},)"
        R"("timestamp":1640995200000})");
  CHECK(bench.heard(*bench.bob, *bench.group("g1"), id).bytes.find(R"("user_id":"user456","group_id":"g1","event")") !=
        std::string::npos);
  CHECK(bench.heard(*bench.bob, *bench.direct(), id, 0, "typing").bytes.empty());
}

}  // namespace
