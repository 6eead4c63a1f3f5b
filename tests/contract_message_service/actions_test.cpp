// Actions of message domains, which the document does not know.
#include "ask.hpp"

using namespace message_service_test;

namespace {

TEST_CASE("an action takes its arguments as the body, and answers with its result") {
  Bench bench;
  bench.domains.actions = {"acme.poll.vote"};
  auto& acts = bench.domains.acts;
  acts.rule = [](const auto&) { return std::string(R"({"votes":3})"); };
  const auto ask_for = [&](const std::string& message, std::string body, unsigned status) {
    const auto exchange =
        bench.exchange(post, "/api/v1/messages/" + message + "/actions/acme.poll.vote", std::move(body), "alice");
    acts.settle();
    CHECK(exchange->status == status);
    return exchange->answer;
  };
  CHECK(ask_for("msg_42", R"({"option":1})", 200) == success("success", R"({"result":{"votes":3}})"));
  CHECK(raw(acts.last().message) == 42);
  CHECK(acts.last().arguments == R"({"option":1})");
  CHECK(acts.last().name == "acme.poll.vote");
  CHECK(ask_for("42", "", 200) == success("success", R"({"result":{"votes":3}})"));
  CHECK(acts.last().arguments.empty());
  const auto before = acts.calls.size();
  CHECK(ask_for("first", "", 404) == refusal(404, "消息不存在"));
  ask_for("42", "[1]", 400);
  CHECK(acts.calls.size() == before);
  acts.rule = [](const auto&) -> Result<std::string> {
    return Error{Code::conflict, "poll.closed", "the poll is closed"};
  };
  CHECK(ask_for("42", "", 409) == refusal(409, "操作冲突：the poll is closed"));
}

}  // namespace
