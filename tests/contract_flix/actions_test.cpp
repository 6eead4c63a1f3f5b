// Actions of message domains, which the document does not know.
#include <catch2/catch.hpp>

#include "../support/voting.hpp"
#include "http_client.hpp"

using namespace flix_test;

namespace {

using Voting = loft::tests::Voting<Bench>;

std::string vote(const std::string& arguments) {
  return R"({"message_id":")" + hello_id + R"(","arguments":)" + arguments + "}";
}

TEST_CASE("an action is an event of the channel, and its answer the reply") {
  Voting bench;
  Client client(bench);
  client.say(R"(["1","7",")" + client.topic + R"(","acme.poll.vote",)" + vote(R"({"option":1})") + "]");
  CHECK(client.heard().empty());
  REQUIRE(bench.acts().settle());
  CHECK(client.heard() == R"(["1","7",")" + client.topic + R"(","phx_reply",)" + ok(R"({"result":{"votes":3}})") + "]");
  CHECK(bench.acts().last().message == Bench::id_at(1735689600123));
  CHECK(bench.acts().last().arguments == R"({"option":1})");
}

TEST_CASE("an action that cannot be is refused with what is wrong") {
  Voting bench;
  Client client(bench);
  CHECK(client.event("acme.poll.close", vote("{}")).find("\"error\"") != std::string::npos);
  for (const auto& payload :
       {vote("[]"), std::string("{}"), std::string(R"({"message_id":"first"})"), std::string("7")}) {
    CHECK(client.event("acme.poll.vote", payload).find("\"error\"") != std::string::npos);
  }
  CHECK(bench.acts().calls.empty());
  bench.acts().rule = [](const auto&) -> Result<std::string> {
    return Error{Code::conflict, "poll.closed", "the poll is closed"};
  };
  client.say(R"(["1","7",")" + client.topic + R"(","acme.poll.vote",)" + vote("{}") + "]");
  bench.acts().settle();
  CHECK(client.heard().find("the poll is closed") != std::string::npos);
}

TEST_CASE("an action over HTTP takes its arguments as the body") {
  Voting bench;
  const auto post = [&](const std::string& path, std::string body) {
    const auto exchange =
        bench.routes.request(HttpMethod::post, path, std::move(body), {{"Authorization", "Bearer alice"}});
    bench.acts().settle();
    return Answer{exchange->status, exchange->answer};
  };
  const auto path = "/api/v1/messages/" + hello_id + "/actions/acme.poll.vote";
  const Answer done{200, R"({"success":true,"message":"操作成功","data":{"result":{"votes":3}}})"};
  CHECK(post(path, R"({"option":2})") == done);
  CHECK(bench.acts().last().arguments == R"({"option":2})");
  CHECK(post(path, "") == done);
  CHECK(post(path, "[1]").status == 400);
  CHECK(post("/api/v1/messages/first/actions/acme.poll.vote", "").status >= 400);
  CHECK(ask(bench, HttpMethod::post, path, "", "").status == 401);
}

TEST_CASE("members hear of an action as an event of its name, and of signals of other contracts nothing") {
  const Voting bench;
  const auto id = Bench::id_at(1735689600123);
  constexpr auto v1 = static_cast<Variant>(phoenix::Version::v1), v2 = static_cast<Variant>(phoenix::Version::v2);
  const auto payload = R"({"message_id":")" + hello_id + R"(","user_id":")" + alice_uuid + R"(","event":{"votes":3}})";
  const auto two = bench.heard(*bench.alice, *bench.direct(), id, v2);
  CHECK(two.bytes == R"([null,null,"user:","acme.poll.vote",)" + payload + "]");
  REQUIRE(two.splices.size() == 1);
  CHECK(two.splices[0].at == std::string(R"([null,null,"user:)").size());
  CHECK(bench.heard(*bench.alice, *bench.direct(), id, v1).bytes ==
        R"({"topic":"user:","event":"acme.poll.vote","payload":)" + payload + R"(,"ref":null})");
  CHECK(bench.heard(*bench.alice, *bench.direct(), id, v2, "typing").bytes.empty());
}

}  // namespace
