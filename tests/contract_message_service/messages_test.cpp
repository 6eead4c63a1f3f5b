// Recall, read, unread.
#include "ask.hpp"

using namespace message_service_test;

namespace {

const std::string recall_path = "/api/v1/messages/" + msg + "/recall";
constexpr const char* read_path = "/api/v1/messages/read";
constexpr const char* unread_path = "/api/v1/messages/unread/count";

}  // namespace

TEST_CASE("a message is recalled and answered as printed, with the reason kept") {
  Bench bench;
  bench.messaging.recalls.rule = [&](const auto&) {
    return Recalled{bench.recalled(bench.record(), noon + 120'000), false};
  };
  const auto done =
      success("撤回成功", R"({"messageId":")" + msg + R"(","status":"RECALLED","recalledAt":"2025-11-09T15:32:00Z"})");
  CHECK(ask(bench, 200, post, recall_path, R"({"reason":"发错了"})") == done);
  CHECK(bench.messaging.recalls.last().message == Bench::id_at(noon));
  CHECK(bench.messaging.recalls.last().window == 120'000);
  CHECK_FALSE(bench.messaging.recalls.last().managers_too);
  CHECK(bench.messaging.recalls.last().reason == "发错了");
  CHECK(ask(bench, 200, post, "/api/v1/messages/" + number + "/recall") == done);
  CHECK(bench.messaging.recalls.last().reason.empty());
  CHECK(ask(bench, 200, post, recall_path, R"({"reason":null})") == done);
  bench.messaging.recalls.rule = [&](const auto&) {
    return Recalled{bench.recalled(bench.record(), noon + 60'000), true};
  };
  CHECK(ask(bench, 200, post, recall_path).find(R"("recalledAt":"2025-11-09T15:31:00Z")") != std::string::npos);
}

TEST_CASE("a recall that comes too late says so in the document's words") {
  const auto late = [](Bench&& bench) {
    bench.messaging.recalls.rule = [](const auto&) { return fails(Code::expired, "recall.expired"); };
    return ask(bench, 400, post, recall_path);
  };
  CHECK(late(Bench()) == R"({"code":400,"message":"超过2分钟，无法撤回","data":null})");
  CHECK(late(Bench(Options{{"recall_window", "90000"}})) == refusal(400, "超过90秒，无法撤回"));
  CHECK(late(Bench(Options{{"recall_window", "1500"}})) == refusal(400, "超过1500毫秒，无法撤回"));
}

TEST_CASE("only the sender recalls, what is there, for a reason that is a short text") {
  Bench bench;
  bench.messaging.recalls.rule = [](const auto&) { return fails(Code::forbidden, "recall.not_yours"); };
  CHECK(ask(bench, 403, post, recall_path) == refusal(403, "只能撤回自己发送的消息"));
  bench.messaging.recalls.rule = [](const auto&) { return fails(Code::not_found, "message.unknown"); };
  CHECK(ask(bench, 404, post, recall_path) == refusal(404, "消息不存在"));
  const auto before = bench.messaging.recalls.calls.size();
  CHECK(ask(bench, 404, post, "/api/v1/messages/first/recall") == refusal(404, "消息不存在"));
  CHECK(ask(bench, 400, post, recall_path, R"({"reason":7})") == refusal(400, "reason 必须是字符串"));
  CHECK(ask(bench, 400, post, recall_path, R"({"reason":")" + std::string(1025, 'r') + R"("})") ==
        refusal(400, "reason 不能超过 1024 字节"));
  CHECK(bench.messaging.recalls.calls.size() == before);
}

TEST_CASE("messages are marked as read, and those newly read are counted") {
  Bench bench;
  bench.messaging.marks.rule = [](const auto&) { return Marked{2, true, {}, 0}; };
  CHECK(ask(bench, 200, post, read_path, R"({"messageIds":["msg_9","8",7,"nothing",""]})") ==
        success("已标记为已读", R"({"readCount":2,"readAt":"2025-11-09T15:30:00Z"})"));
  const auto& act = bench.messaging.marks.last();
  CHECK(act.mark == MarkId::read);
  CHECK_FALSE(act.strict);
  REQUIRE(act.messages.size() == 3);
  CHECK(raw(act.messages[0]) == 9);
  CHECK(raw(act.messages[2]) == 7);
}

TEST_CASE("to mark nothing is fine and counts nothing") {
  Bench bench;
  const auto none = success("已标记为已读", R"({"readCount":0,"readAt":"2025-11-09T15:30:00Z"})");
  CHECK(ask(bench, 200, post, read_path, R"({"messageIds":[]})") == none);
  CHECK(ask(bench, 200, post, read_path, R"({"messageIds":["nothing"]})") == none);
  CHECK(bench.messaging.marks.calls.empty());
}

TEST_CASE("ids to mark come as a list of at most 1000") {
  Bench bench;
  const auto wrong = refusal(400, "messageIds 必须是消息ID数组");
  for (const char* body : {"{}", R"({"messageIds":"msg_1"})", R"({"messageIds":[null]})", R"({"messageIds":[[1]]})",
                           R"({"messageIds":[1.5]})"}) {
    CHECK(ask(bench, 400, post, read_path, body) == wrong);
  }
  const auto many = [](int count) {
    std::string list;
    for (int i = 1; i <= count; ++i) list += (i > 1 ? "," : "") + std::to_string(i);
    return R"({"messageIds":[)" + list + "]}";
  };
  bench.messaging.marks.rule = [](const auto& call) { return Marked{call.request.messages.size(), true, {}, 0}; };
  CHECK(ask(bench, 200, post, read_path, many(1000)).find(R"("readCount":1000)") != std::string::npos);
  CHECK(ask(bench, 400, post, read_path, many(1001)) == refusal(400, "messageIds 最多 1000 个"));
}

TEST_CASE("the unread list names user or group, its count and its last message") {
  Bench bench;
  auto with_bob = bench.info(bench.direct());
  with_bob.unread = 5;
  with_bob.last = bench.record();
  auto in_group = bench.info(bench.group());
  in_group.unread = 10;
  in_group.last = bench.recalled(bench.record("Core:Text", R"({"text":"x"})", bench.group()));
  bench.messaging.lists.rule = [&](const auto&) { return std::vector{with_bob, in_group}; };
  CHECK(ask(bench, 200, get, unread_path) ==
        success("success",
                R"({"totalUnread":15,"conversations":[{"userId":10002,"unreadCount":5,"lastMessage":{"messageId":")" +
                    msg +
                    R"(","senderId":10001,"receiverId":10002,"messageType":"TEXT","content":"你好，在吗？",)"
                    R"("status":"SENT","timestamp":"2025-11-09T15:30:00Z","clientMsgId":")" +
                    msg + R"("}},{"groupId":"group_001","unreadCount":10,"lastMessage":{"messageId":")" + msg +
                    R"(","senderId":10001,"groupId":"group_001","messageType":"TEXT","content":"此消息已被撤回",)"
                    R"("status":"RECALLED","timestamp":"2025-11-09T15:30:00Z","clientMsgId":")" +
                    msg + R"("}}]})"));
  const auto& query = bench.messaging.lists.last();
  CHECK(query.only_lacking);
  CHECK(query.with_last);
  CHECK_FALSE(query.lacking);
  CHECK(query.limit == 500);
  CHECK(bench.messaging.unreads.calls.empty());
}

TEST_CASE("nothing unread is an empty list") {
  Bench bench;
  bench.messaging.lists.rule = [](const auto&) { return std::vector<ConversationRecord>(); };
  CHECK(ask(bench, 200, get, unread_path) == success("success", R"({"totalUnread":0,"conversations":[]})"));
}

TEST_CASE("where the list is cut off, the total still counts all") {
  Bench bench(Options{{"unread_conversations", "1"}});
  auto with_bob = bench.info(bench.direct());
  with_bob.unread = 5;
  bench.messaging.lists.rule = [&](const auto&) { return std::vector{with_bob}; };
  bench.messaging.unreads.rule = [](const auto&) { return std::uint64_t{15}; };
  CHECK(ask(bench, 200, get, unread_path) ==
        success("success",
                R"({"totalUnread":15,"conversations":[{"userId":10002,"unreadCount":5,"lastMessage":null}]})"));
  CHECK(bench.messaging.lists.last().limit == 1);
  CHECK_FALSE(bench.messaging.unreads.last().in);
}
