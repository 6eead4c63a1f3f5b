// Forwarding: all targets or none.
#include "ask.hpp"

using namespace message_service_test;

namespace {

constexpr const char* path = "/api/v1/messages/forward";

/// What alice may forward is there, so are bob, carol and two groups; messages sent get ids 21, 22, …
struct Prepared : Bench {
  MessageRecord source = record("Core:Image", R"({"url":"u","format":"jpg"})");
  std::shared_ptr<Conversation> first = group();
  std::shared_ptr<Conversation> second = group("group_002");
  ConversationRecord first_info, second_info;

  explicit Prepared(const Options& options = {}) : Bench(options) {
    second->id = static_cast<ConversationId>(raw(first->id) + 1);
    first_info = info(first), second_info = info(second);
    messaging.messages.rule = [this](const auto&) { return source; };
    messaging.infos.rule = [this](const auto& call) -> Result<ConversationRecord> {
      const auto& ref = call.request.ref;
      CHECK(call.request.must_be_member);
      if (ref.text == "group_001" || ref.number == raw(first->id)) return first_info;
      if (ref.text == "group_002") return second_info;
      if (ref.text == "group_003") return fails(Code::forbidden, "member.none");
      return fails(Code::not_found, "conversation.unknown");
    };
    messaging.submit_alls.rule = [this](const auto& call) {
      std::vector<Accepted> sent;
      for (std::size_t i = 0; i < call.request.size(); ++i) {
        auto message = std::make_shared<Message>(*source.message);
        message->id = static_cast<MessageId>(++last);
        auto out = source;
        out.message = message;
        sent.push_back({share(std::move(out)), false});
      }
      return sent;
    };
  }

  /// Nothing was sent, nor tried.
  bool sent_nothing() const { return messaging.submits.calls.empty() && messaging.submit_alls.calls.empty(); }

  std::uint64_t last = 20;
};

std::string body(const std::string& targets) { return R"({"messageId":")" + msg + R"(",)" + targets + "}"; }

}  // namespace

TEST_CASE("a message is forwarded to users, then to groups, and answered as printed") {
  Prepared bench;
  CHECK(ask(bench, 200, post, path, body(R"("targetUserIds":[10003,10002],"targetGroupIds":["group_002"])")) ==
        success("转发成功", R"({"forwardedCount":3,"newMessageIds":["msg_21","msg_22","msg_23"]})"));
  CHECK(bench.messaging.messages.last() == Bench::id_at(noon));
  CHECK(bench.messaging.submits.calls.empty());
  REQUIRE(bench.messaging.submit_alls.calls.size() == 1);
  CHECK(bench.messaging.submit_alls.calls[0].caller.user == bench.alice->id);
  const auto& copies = bench.messaging.submit_alls.last();
  REQUIRE(copies.size() == 3);
  CHECK(copies[0].to.peer.number == 10003);
  CHECK(copies[1].to.peer.number == 10002);
  CHECK(copies[2].to.number == raw(bench.second->id));
  for (const auto& copy : copies) {
    CHECK(copy.domain == "Core:Image");
    CHECK(copy.content == R"({"url":"u","format":"jpg"})");
    CHECK(copy.extras.empty());
  }
}

TEST_CASE("one target that cannot be reached keeps all from being sent to") {
  Prepared bench;
  const auto refuses = [&](unsigned code, const std::string& targets, const std::string& message) {
    CHECK(ask(bench, code, post, path, body(targets)) == refusal(code, message));
    CHECK(bench.sent_nothing());
  };
  refuses(404, R"("targetUserIds":[10002,404],"targetGroupIds":["group_001"])", "用户不存在");
  refuses(404, R"("targetUserIds":[10002],"targetGroupIds":["group_001","group_404"])", "群组不存在");
  refuses(403, R"("targetUserIds":[10002],"targetGroupIds":["group_003","group_001"])", "您不是该群成员");
  bench.second_info.me->muted_until = noon + 1;
  refuses(403, R"("targetUserIds":[10002],"targetGroupIds":["group_001","group_002"])", "您已被禁言");
  bench.second_info.me->muted_until = noon;
  bench.second->dissolved = true;
  refuses(404, R"("targetGroupIds":["group_002"])", "群组不存在");
  bench.second->dissolved = false;
  bench.second->kind = ConversationKind::system;
  refuses(403, R"("targetGroupIds":["group_002"])", "该会话不允许发送消息");
  bench.second->kind = ConversationKind::direct;
  refuses(404, R"("targetGroupIds":["group_002"])", "群组不存在");
}

TEST_CASE("who was muted until now may forward again") {
  Prepared bench;
  bench.second_info.me->muted_until = noon;
  ask(bench, 200, post, path, body(R"("targetGroupIds":["group_002"])"));
}

TEST_CASE("a target named twice gets the message once") {
  Prepared bench;
  const auto targets =
      R"("targetUserIds":[10002,"10002"],"targetGroupIds":["group_001","group_)" + group_number + "\"]";
  CHECK(ask(bench, 200, post, path, body(targets)) ==
        success("转发成功", R"({"forwardedCount":2,"newMessageIds":["msg_21","msg_22"]})"));
}

TEST_CASE("what is forwarded can be seen by the caller and stands") {
  Prepared bench;
  const auto targets = body(R"("targetUserIds":[10002])");
  const auto original = bench.source;
  bench.source = bench.recalled(original);
  CHECK(ask(bench, 400, post, path, targets) == refusal(400, "消息已撤回，无法转发"));
  bench.source.hidden = true;
  CHECK(ask(bench, 404, post, path, targets) == refusal(404, "消息不存在"));
  CHECK(bench.sent_nothing());
  bench.messaging.messages.rule = [](const auto&) { return fails(Code::not_found, "message.unknown"); };
  CHECK(ask(bench, 404, post, path, targets) == refusal(404, "消息不存在"));
  CHECK(ask(bench, 404, post, path, R"({"messageId":"first","targetUserIds":[10002]})") == refusal(404, "消息不存在"));
}

TEST_CASE("a request to forward names a message and its targets, not too many") {
  Prepared bench(Options{{"forward_targets", "2"}});
  const std::pair<std::string, std::string> rows[] = {
      {"{}", "messageId 必填"},
      {R"({"messageId":{}})", "messageId 必须是消息ID"},
      {body(R"("targetUserIds":[])"), "targetUserIds 和 targetGroupIds 不能都为空"},
      {body(R"("targetUserIds":7)"), "targetUserIds 必须是用户ID数组"},
      {body(R"("targetUserIds":["bob"])"), "targetUserIds 必须是用户ID数组"},
      {body(R"("targetGroupIds":"g")"), "targetGroupIds 必须是群组ID数组"},
      {body(R"("targetGroupIds":[""])"), "targetGroupIds 必须是群组ID数组"},
      {body(R"("targetUserIds":[1,2,3])"), "targetUserIds 最多 2 个"},
      {body(R"("targetUserIds":[1],"targetGroupIds":["a","b"])"), "转发目标最多 2 个"}};
  for (const auto& [text, message] : rows) CHECK(ask(bench, 400, post, path, text) == refusal(400, message));
  CHECK(bench.messaging.messages.calls.empty());
  ask(bench, 200, post, path, body(R"("targetUserIds":[10002],"targetGroupIds":["group_001"])"));
}

TEST_CASE("a refusal of any copy is the answer to all") {
  Prepared bench;
  const auto refuses = [&](unsigned code, const Error& error) {
    bench.messaging.submit_alls.rule = [&](const auto&) { return error; };
    const auto answer = ask(bench, code, post, path, body(R"("targetUserIds":[10002,10003])"));
    CHECK(answer.starts_with(R"({"code":)" + std::to_string(code)));
  };
  refuses(503, fails(Code::unavailable, "storage.unavailable"));
  refuses(403, fails(Code::forbidden, "member.muted"));
  refuses(429, fails(Code::overloaded, "rate.limited"));
}
