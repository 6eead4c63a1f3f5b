// Actions of message domains, which the document does not know.
#include <catch2/catch.hpp>

#include "../support/voting.hpp"
#include "host.hpp"

using namespace netherlink_test;

namespace {

using Voting = loft::tests::Voting<Bench>;

const std::string vote = R"({"type":"acme.poll.vote","payload":{"message_id":42,"arguments":{"option":1}}})";
const std::string answer = R"({"success":true,"message_id":42,"result":{"votes":3}})";

TEST_CASE("an action over the WebSocket is answered under its own name") {
  Voting bench;
  Client client(bench), texts(bench, true, "payload=string");
  for (auto* each : {&client, &texts}) {
    each->say(vote);
    CHECK(each->heard().empty());
    REQUIRE(bench.acts().settle());
  }
  CHECK(client.heard() == R"({"type":"acme.poll.vote","payload":)" + answer + "}");
  const auto text = texts.heard();
  const auto frame = json::parse(text);
  REQUIRE(frame);
  CHECK(frame->find("payload")->text() == answer);
  CHECK(raw(bench.acts().last().message) == 42);
  CHECK(bench.acts().last().arguments == R"({"option":1})");
}

TEST_CASE("an action that cannot be is refused with what is wrong") {
  Voting bench;
  Client client(bench);
  CHECK(client.ask("acme.poll.close", R"({"message_id":42})") == error_frame("未知的消息类型"));
  CHECK(client.ask("acme.poll.vote", R"({"message_id":"first"})") == error_frame("无效的消息格式"));
  CHECK(client.ask("acme.poll.vote", R"({"message_id":1,"arguments":[]})") == error_frame("无效的消息格式"));
  CHECK(client.ask("acme.poll.vote", "7") == error_frame("无效的消息格式"));
  CHECK(bench.acts().calls.empty());
  bench.acts().rule = [](const auto&) -> Result<std::string> {
    return Error{Code::conflict, "poll.closed", "the poll is closed"};
  };
  client.say(vote);
  bench.acts().settle();
  CHECK(client.heard() == error_frame("操作冲突：the poll is closed"));
  Client stranger(bench, false);
  CHECK(stranger.ask(vote) == error_frame("请先登录"));
}

TEST_CASE("an action over HTTP takes its arguments as the body") {
  Voting bench;
  const auto post = [&](std::string path, std::string body, unsigned status) {
    const auto exchange = bench.ask(HttpMethod::post, std::move(path), std::move(body));
    bench.acts().settle();
    CHECK(exchange->status == status);
    return exchange->answer;
  };
  const std::string done = R"({"success":true,"message":"操作成功","data":{"result":{"votes":3}}})";
  CHECK(post("/api/messages/42/actions/acme.poll.vote", R"({"option":2})", 200) == done);
  CHECK(bench.acts().last().arguments == R"({"option":2})");
  CHECK(bench.acts().last().name == "acme.poll.vote");
  CHECK(post("/api/messages/42/actions/acme.poll.vote", "", 200) == done);
  CHECK(post("/api/messages/42/actions/acme.poll.vote", "[1]", 400) == error_body("请求参数错误"));
  CHECK(post("/api/messages/first/actions/acme.poll.vote", "", 400) == error_body("请求参数错误"));
  CHECK(post("/api/messages/-1/actions/acme.poll.vote", "", 404) == error_body("不存在"));
}

TEST_CASE("members hear of an action under its name, and of signals of other contracts nothing") {
  const Voting bench;
  const auto id = static_cast<MessageId>(42);
  CHECK(bench.heard(*bench.user1, *bench.direct(), id).bytes ==
        R"({"type":"acme.poll.vote","payload":{"message_id":42,"from":"user1","event":{"votes":3}}})");
  CHECK(bench.heard(*bench.user1, *bench.direct(), id, 0, "typing").bytes.empty());
}

}  // namespace
