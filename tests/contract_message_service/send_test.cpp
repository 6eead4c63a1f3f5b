// Sending to users and groups.
#include "ask.hpp"

using namespace message_service_test;

namespace {

constexpr const char* to_user = "/api/v1/messages/private";
constexpr const char* to_group = "/api/v1/messages/group";
constexpr const char* image = "/api/v1/messages/image";

/// The members given, with those of a good message for `/private` in front.
std::string good(std::string_view more = {}) {
  return R"({"receiverId":10002,"messageType":"TEXT","content":"x","clientMsgId":"c")" +
         (more.empty() ? std::string() : "," + std::string(more)) + "}";
}

/// Answers submissions with a record that has what was submitted.
void echo(Bench& bench, std::shared_ptr<const Conversation> conversation = nullptr) {
  bench.messaging.submits.rule = [&bench, conversation = std::move(conversation)](const auto& call) {
    const auto& wanted = call.request;
    auto record = bench.record(wanted.domain, wanted.content, conversation, Extras::decode(wanted.extras));
    record.receipt = Receipt::delivered;
    return Accepted{share(std::move(record)), false};
  };
}

}  // namespace

TEST_CASE("a private message is sent and answered as printed") {
  Bench bench;
  echo(bench);
  const auto body =
      R"({"receiverId":10002,"messageType":"TEXT","content":"你好，在吗？","clientMsgId":"client_msg_123456"})";
  CHECK(
      ask(bench, 200, post, to_user, body) ==
      success("发送成功", R"({"messageId":")" + msg +
                              R"(","senderId":10001,"receiverId":10002,"messageType":"TEXT","content":"你好，在吗？",)"
                              R"("status":"SENT","timestamp":"2025-11-09T15:30:00Z",)"
                              R"("clientMsgId":"client_msg_123456"})"));
  const auto& call = bench.messaging.submits.calls.back();
  CHECK(call.caller.user == bench.alice->id);
  CHECK(call.request.to.by == ConversationRef::By::direct);
  CHECK(call.request.to.peer.number == 10002);
  CHECK_FALSE(call.request.may_create_users);
  CHECK(call.request.domain == "Core:Text");
  CHECK(call.request.content == R"({"text":"你好，在吗？"})");
  CHECK(call.request.client_id == "client_msg_123456");
}

TEST_CASE("a group message is answered as printed, with the client's id as well") {
  Bench bench;
  echo(bench, bench.group());
  const auto body = R"({"groupId":"group_001","messageType":"TEXT","content":"大家好！","atUserIds":[10002,"10003"],)"
                    R"("clientMsgId":"client_msg_123457"})";
  CHECK(ask(bench, 200, post, to_group, body) ==
        success("发送成功", R"({"messageId":")" + msg +
                                R"(","senderId":10001,"groupId":"group_001","messageType":"TEXT","content":"大家好！",)"
                                R"("atUserIds":[10002,10003],"status":"SENT","timestamp":"2025-11-09T15:30:00Z",)"
                                R"("clientMsgId":"client_msg_123457"})"));
  CHECK(bench.messaging.submits.last().to.by == ConversationRef::By::handle_or_id);
  CHECK(bench.messaging.submits.last().to.text == "group_001");
}

TEST_CASE("an image goes to a user or to a group, and keeps every member of its content") {
  Bench bench;
  echo(bench);
  const std::string content = R"({"url":"https://cdn.example.com/abc123.jpg","width":1920,"format":"jpg"})";
  const auto answer =
      ask(bench, 200, post, image, R"({"receiverId":"10002","content":)" + content + R"(,"clientMsgId":"c"})");
  CHECK(answer.find(R"("messageType":"IMAGE","content":)" + content + R"(,"status":"SENT")") != std::string::npos);
  CHECK(bench.messaging.submits.last().domain == "Core:Image");
  CHECK(bench.messaging.submits.last().content == content);

  echo(bench, bench.group({}));
  CHECK(ask(bench, 200, post, image,
            R"({"groupId":"group_)" + group_number +
                R"(","messageType":"IMAGE","content":{"url":"u"},"clientMsgId":"c"})")
            .find(R"("groupId":"group_)" + group_number + '"') != std::string::npos);
  CHECK(bench.messaging.submits.last().to.by == ConversationRef::By::id);
  CHECK(bench.messaging.submits.last().to.number == id::first_at(noon));

  CHECK(ask(bench, 400, post, image, R"({"receiverId":10002,"messageType":"TEXT","content":"x","clientMsgId":"c"})") ==
        refusal(400, "messageType 必须是 IMAGE"));
  for (const char* targets : {R"("receiverId":10002,"groupId":"g",)", ""}) {
    CHECK(ask(bench, 400, post, image, "{" + std::string(targets) + R"("content":{"url":"u"},"clientMsgId":"c"})") ==
          refusal(400, "receiverId 和 groupId 必须且只能填写一个"));
  }
}

TEST_CASE("every type of the document is a domain of the store, both ways") {
  Bench bench;
  echo(bench);
  const std::pair<const char*, const char*> rows[] = {{"IMAGE", "Core:Image"},       {"VIDEO", "Core:Video"},
                                                      {"AUDIO", "Core:Voice"},       {"FILE", "Core:File"},
                                                      {"LOCATION", "Core:Location"}, {"CARD", "Core:Card"}};
  for (const auto& [word, domain] : rows) {
    const auto answer = ask(bench, 200, post, to_user,
                            R"({"receiverId":10002,"messageType":")" + std::string(word) +
                                R"(","content":{"a":[1,{"b":null}]},"clientMsgId":"c"})");
    CHECK(answer.find(R"("messageType":")" + std::string(word) + R"(","content":{"a":[1,{"b":null}]},)") !=
          std::string::npos);
    CHECK(bench.messaging.submits.last().domain == domain);
    CHECK(ask(bench, 400, post, to_user,
              R"({"receiverId":10002,"messageType":")" + std::string(word) + R"(","content":"u","clientMsgId":"c"})") ==
          refusal(400, std::string(word) + " 消息的 content 必须是对象"));
  }
}

TEST_CASE("the same content is the same, however it is spaced") {
  Bench bench;
  echo(bench);
  ask(bench, 200, post, image,
      "{\"receiverId\":10002,\"clientMsgId\":\"c\",\"content\": { \"url\" :\n\"a b\\\" c\" ,\t\"tags\": [ 1 , { } ] } "
      "}");
  CHECK(bench.messaging.submits.last().content == R"({"url":"a b\" c","tags":[1,{}]})");
}

TEST_CASE("a system message is for the operator's backends alone") {
  Bench bench;
  bench.messaging.submits.rule = [](const auto&) { return fails(Code::forbidden, "domain.service_only"); };
  const auto body = R"({"receiverId":10002,"messageType":"SYSTEM","content":"维护","clientMsgId":"c"})";
  CHECK(ask(bench, 400, post, to_user, body) == refusal(400, "普通用户不能发送 SYSTEM 消息"));
  CHECK_FALSE(bench.messaging.submits.calls.back().caller.service);
  echo(bench);
  CHECK(ask(bench, 200, post, to_user, body, "backend").find(R"("messageType":"SYSTEM","content":"维护")") !=
        std::string::npos);
  CHECK(bench.messaging.submits.last().domain == "Core:System");
  CHECK(bench.messaging.submits.calls.back().caller.service);
}

TEST_CASE("a message that cannot be sent is refused, naming what is wrong") {
  Bench bench;
  const auto types = "messageType 必须是 TEXT、IMAGE、VIDEO、AUDIO、FILE、LOCATION、CARD 之一";
  const std::pair<std::string, std::string> rows[] = {
      {R"({})", "receiverId 必填"},
      {R"({"groupId":"g"})", "receiverId 必填"},
      {R"({"receiverId":null})", "receiverId 必填"},
      {R"({"receiverId":"bob"})", "receiverId 必须是用户ID（数字）"},
      {R"({"receiverId":1.5})", "receiverId 必须是用户ID（数字）"},
      {R"({"receiverId":0})", "receiverId 必须是用户ID（数字）"},
      {R"({"receiverId":-1})", "receiverId 必须是用户ID（数字）"},
      {R"({"receiverId":9007199254740992})", "receiverId 必须是用户ID（数字）"},
      {R"({"receiverId":[10002]})", "receiverId 必须是用户ID（数字）"},
      {R"({"receiverId":10002})", "messageType 必填"},
      {R"({"receiverId":10002,"messageType":"text"})", types},
      {R"({"receiverId":10002,"messageType":7})", types},
      {R"({"receiverId":10002,"messageType":"TEXT"})", "content 必填"},
      {R"({"receiverId":10002,"messageType":"TEXT","content":{"text":"x"}})", "TEXT 消息的 content 必须是字符串"},
      {R"({"receiverId":10002,"messageType":"TEXT","content":""})", "content 不能为空"},
      {R"({"receiverId":10002,"messageType":"TEXT","content":"x"})", "clientMsgId 必填"},
      {R"({"receiverId":10002,"messageType":"TEXT","content":"x","clientMsgId":""})", "clientMsgId 必填"},
      {R"({"receiverId":10002,"messageType":"TEXT","content":"x","clientMsgId":7})", "clientMsgId 必须是字符串"},
      {good(R"("atUserIds":"10002")"), "atUserIds 必须是用户ID数组"},
      {good(R"("atUserIds":[10002,"bob"])"), "atUserIds 必须是用户ID数组"},
      {good(R"("atUserIds":[10002,404])"), "atUserIds 中的用户不存在：404"},
      {good(R"("replyTo":"first")"), "replyTo 必须是消息ID"},
      {good(R"("replyTo":{})"), "replyTo 必须是消息ID"}};
  for (const auto& [body, message] : rows) CHECK(ask(bench, 400, post, to_user, body) == refusal(400, message));
  CHECK(ask(bench, 400, post, to_group, R"({"receiverId":10002})") == refusal(400, "groupId 必填"));
  CHECK(ask(bench, 400, post, to_group, R"({"groupId":[]})") == refusal(400, "groupId 必须是群组ID（字符串）"));
  CHECK(bench.messaging.submits.calls.empty());
}

TEST_CASE("a client id has at most 128 bytes, and a message calls at most 100 users") {
  Bench bench;
  echo(bench);
  const auto with_id = [&](std::size_t bytes) {
    return R"({"receiverId":10002,"messageType":"TEXT","content":"x","clientMsgId":")" + std::string(bytes, 'k') +
           R"("})";
  };
  ask(bench, 200, post, to_user, with_id(128));
  CHECK(ask(bench, 400, post, to_user, with_id(129)) == refusal(400, "clientMsgId 不能超过 128 字节"));
  std::string called;
  for (int i = 0; i < 100; ++i)
    called += (i > 0 ? "," : "") + std::to_string(raw(bench.users.add("u" + std::to_string(i))->id));
  ask(bench, 200, post, to_user, good(R"("atUserIds":[)" + called + "]"));
  CHECK(Extras::decode(bench.messaging.submits.last().extras).mentions.size() == 100);
  CHECK(ask(bench, 400, post, to_user, good(R"("atUserIds":[)" + called + ",10002]")) ==
        refusal(400, "atUserIds 最多 100 个"));
}

TEST_CASE("a reply names a message of the same conversation") {
  Bench bench;
  echo(bench);
  bench.messaging.messages.rule = [&](const auto& call) -> Result<MessageRecord> {
    if (raw(call.request) != 77) return fails(Code::not_found, "message.unknown");
    return bench.record();
  };
  for (const char* id : {R"("msg_77")", R"("77")", "77"}) {
    CHECK(ask(bench, 200, post, to_user, good(R"("replyTo":)" + std::string(id))).find(R"("replyTo":"msg_77"})") !=
          std::string::npos);
  }
  const auto stranger = refusal(400, "replyTo 不是该会话中的消息");
  CHECK(ask(bench, 400, post, to_user, good(R"("replyTo":"msg_78")")) == stranger);
  const auto rule = bench.messaging.messages.rule;
  bench.messaging.messages.rule = [&](const auto& call) {
    auto found = rule(call);
    if (found) found->hidden = true;
    return found;
  };
  CHECK(ask(bench, 400, post, to_user, good(R"("replyTo":"msg_77")")) == stranger);
  bench.messaging.messages.rule = rule;
  CHECK(ask(bench, 400, post, to_user,
            R"({"receiverId":10003,"messageType":"TEXT","content":"x","clientMsgId":"c","replyTo":"msg_77"})") ==
        stranger);
  const auto in_group = [&](const std::string& group) {
    return R"({"groupId":")" + group + R"(","messageType":"TEXT","content":"x","clientMsgId":"c","replyTo":"msg_77"})";
  };
  CHECK(ask(bench, 400, post, to_group, in_group("group_001")) == stranger);
  bench.messaging.messages.rule = [&](const auto&) {
    return bench.record("Core:Text", R"({"text":"x"})", bench.group());
  };
  ask(bench, 200, post, to_group, in_group("group_001"));
  ask(bench, 200, post, to_group, in_group("group_" + group_number));
  CHECK(ask(bench, 400, post, to_group, in_group("group_002")) == stranger);
  bench.messaging.messages.rule = [](const auto&) { return fails(Code::unavailable, "storage.unavailable"); };
  ask(bench, 503, post, to_group, in_group("group_001"));
}

TEST_CASE("a repeat is answered with the original, recalled or not, and another content is a conflict") {
  Bench bench;
  Extras extras;
  extras.client_id = "c";
  auto original = bench.record("Core:Text", R"({"text":"x"})", nullptr, extras);
  original.receipt = Receipt::read;
  bench.messaging.submits.rule = [&](const auto&) { return Accepted{share(original), true}; };
  CHECK(ask(bench, 200, post, to_user, good()).find(R"("content":"x","status":"SENT")") != std::string::npos);
  original = bench.recalled(original);
  CHECK(ask(bench, 200, post, to_user, good()).find(R"("content":"此消息已被撤回","status":"RECALLED")") !=
        std::string::npos);
  bench.messaging.submits.rule = [](const auto&) { return fails(Code::conflict, "client_id.reused"); };
  CHECK(ask(bench, 409, post, to_user, good()) == refusal(409, "clientMsgId 已用于其他消息"));
}

TEST_CASE("what the host refuses has the document's codes") {
  Bench bench;
  const auto answer = [&](Code code, const char* reason, unsigned status) {
    bench.messaging.submits.rule = [=](const auto&) { return fails(code, reason); };
    return ask(bench, status, post, to_user, good());
  };
  CHECK(answer(Code::not_found, "user.unknown", 404) == refusal(404, "用户不存在"));
  CHECK(answer(Code::not_found, "conversation.unknown", 404) == refusal(404, "群组不存在"));
  CHECK(answer(Code::forbidden, "member.none", 403) == refusal(403, "您不是该群成员"));
  CHECK(answer(Code::forbidden, "member.muted", 403) == refusal(403, "您已被禁言"));
  CHECK(answer(Code::too_large, "content.too_large", 413) == refusal(413, "消息内容过大"));
}
