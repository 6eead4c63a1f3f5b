// The operator's way to write what nobody may send as a user.
#include <catch2/catch.hpp>

#include "http_client.hpp"

using namespace flix_test;

namespace {

const std::string path = "/api/v1/system/messages";

Answer post(Bench& bench, std::string_view body, const std::string& token = "service") {
  return ask(bench, HttpMethod::post, path, body, token);
}

std::string notice(std::string_view type, std::string_view more = "") {
  return R"({"message_type":")" + std::string(type) + R"(","receiver_id":")" + bob_uuid +
         R"(","content":{"text":"hi"})" + std::string(more) + "}";
}

/// Answers with what was submitted, in a conversation of that kind and topic.
void accept(Bench& bench, std::shared_ptr<Conversation> conversation) {
  bench.messaging.submits.rule = [&bench, conversation](const auto& call) {
    return Accepted{share(bench.record(call.request.domain, call.request.content, conversation, call.request.extras)),
                    false};
  };
}

}  // namespace

TEST_CASE("only a token of a service may write system messages") {
  Bench bench;
  CHECK(post(bench, notice("system_notification"), "alice") == failed(403, "forbidden", "仅限服务令牌调用"));
  CHECK(post(bench, "nonsense", "alice") == failed(403, "forbidden", "仅限服务令牌调用"));
  CHECK(bench.messaging.submits.calls.empty());
}

TEST_CASE("a notification goes to its reader's own conversation, and is shown as the reader sees it") {
  Bench bench;
  accept(bench, bench.system("notification"));
  const auto answer = post(bench, notice("system_notification", R"(,"client_message_id":"job-7","reference_id":"r")"));
  CHECK(answer.status == 201);
  CHECK(answer.body.starts_with(R"({"success":true,"message":"消息创建成功","data":{"id":")"));
  CHECK(answer.body.find(R"("conversation_id":"system:notification:)" + bob_uuid + '"') != std::string::npos);
  CHECK(answer.body.find(R"("receiver_id":")" + bob_uuid + '"') != std::string::npos);
  CHECK(answer.body.find(R"("content_type":"system","message_type":"system_notification","status":"unread")") !=
        std::string::npos);
  const auto& call = bench.messaging.submits.calls.back();
  CHECK(call.caller.service);
  CHECK(call.caller.user == bench.backend->id);
  CHECK(call.request.to.by == ConversationRef::By::system);
  CHECK(call.request.to.text == "notification");
  CHECK(call.request.to.peer.text == bob_uuid);
  CHECK(call.request.domain == "Core:System");
  CHECK(call.request.client_id == "job-7");
}

TEST_CASE("an interaction is of any content type, text unless it says so") {
  Bench bench;
  accept(bench, bench.system("interaction"));
  CHECK(post(bench, notice("interaction")).status == 201);
  CHECK(bench.messaging.submits.last().domain == "Core:Text");
  const auto like = post(bench, notice("interaction", R"(,"content_type":"like")"));
  CHECK(bench.messaging.submits.last().domain == "Flix:Like");
  CHECK(bench.messaging.submits.last().to.text == "interaction");
  CHECK(like.body.find(R"("conversation_id":"interaction:)" + bob_uuid + '"') != std::string::npos);
  CHECK(like.body.find(R"("content_type":"like","message_type":"interaction")") != std::string::npos);
}

TEST_CASE("an announcement is one message for everybody and names no receiver") {
  Bench bench;
  accept(bench, bench.system("announcement", ConversationKind::broadcast));
  const auto answer = post(bench, R"({"message_type":"system_announcement","content":{"text":"hi","title":"T"}})");
  CHECK(answer.status == 201);
  CHECK(answer.body.find(R"("receiver_id":null)") != std::string::npos);
  CHECK(answer.body.find(R"("message_type":"system_announcement")") != std::string::npos);
  CHECK(bench.messaging.submits.last().to.by == ConversationRef::By::broadcast);
  CHECK(bench.messaging.submits.last().to.text == "announcement");
}

TEST_CASE("a body that is no system message is refused and says why") {
  Bench bench;
  CHECK(post(bench, "[]").status == 400);
  CHECK(post(bench, "{}") == unfit("message_type", "can't be blank"));
  const auto types = unfit("message_type", "must be system_notification, interaction or system_announcement");
  CHECK(post(bench, notice("private_message")) == types);
  CHECK(post(bench, notice("telegram")) == types);
  CHECK(post(bench, R"({"message_type":7})") == types);
  CHECK(post(bench, notice("system_announcement")) ==
        unfit("receiver_id", "must not be given: an announcement is for everybody"));
  CHECK(post(bench, R"({"message_type":"interaction","content":{"text":"a"}})") ==
        unfit("receiver_id", "can't be blank"));
  CHECK(post(bench, R"({"message_type":"interaction","receiver_id":"bob","content":{}})") ==
        unfit("receiver_id", "is invalid"));
  CHECK(post(bench, notice("interaction", R"(,"content_type":"x")")) == unfit("content_type", "is invalid"));
  CHECK(bench.messaging.submits.calls.empty());
  bench.messaging.submits.rule = [](const auto&) { return Error{Code::not_found, "user.unknown", {}}; };
  CHECK(post(bench, notice("interaction")) == failed(404, "not_found", "用户不存在"));
}
