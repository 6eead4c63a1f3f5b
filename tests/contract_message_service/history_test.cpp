// The history of a conversation, and how messages are shown in it.
#include "ask.hpp"

using namespace message_service_test;

namespace {

const std::string history = "/api/v1/messages/history";

std::string one(Bench& bench, const MessageRecord& record, const std::string& token = "alice") {
  bench.messaging.histories.rule = [&](const auto&) { return Page{{record}, 0, false}; };
  return ask(bench, 200, get, history + "?userId=10002", "", token);
}

std::string shown(const std::string& type, const std::string& content, const std::string& status,
                  const std::string& target = R"("receiverId":10002)") {
  return success("success", R"({"hasMore":false,"messages":[{"messageId":")" + msg + R"(","senderId":10001,)" + target +
                                R"(,"messageType":")" + type + R"(","content":)" + content + R"(,"status":")" + status +
                                R"(","timestamp":"2025-11-09T15:30:00Z","clientMsgId":")" + msg + R"("}]})");
}

}  // namespace

TEST_CASE("history is answered as printed, newest first, and says whether there is more") {
  Bench bench;
  auto newer = bench.record(), older = bench.record();
  newer.receipt = Receipt::read;
  bench.messaging.histories.rule = [&](const auto&) { return Page{{newer, older}, 0, true}; };
  const auto answer = ask(bench, 200, get, history + "?userId=10002&before=" + msg + "&limit=20");
  CHECK(answer.starts_with(R"({"code":200,"message":"success","data":{"hasMore":true,"messages":[{"messageId":)"));
  CHECK(answer.find(R"("status":"READ")") < answer.find(R"("status":"SENT")"));
  const auto& query = bench.messaging.histories.last();
  CHECK(query.in.by == ConversationRef::By::direct);
  CHECK(query.in.peer.number == 10002);
  CHECK(query.before == Bench::id_at(noon));
  CHECK(query.limit == 20);
  CHECK(query.with_recalled);
}

TEST_CASE("the limit is 20 unless it is said, and is brought into 1 to 100") {
  Bench bench;
  bench.messaging.histories.rule = [](const auto&) { return Page(); };
  const std::pair<const char*, std::size_t> rows[] = {
      {"", 20},        {"&limit=", 20}, {"&limit=1", 1}, {"&limit=100", 100}, {"&limit=101", 100},
      {"&limit=0", 1}, {"&limit=-5", 1}};
  for (const auto& [limit, used] : rows) {
    CHECK(ask(bench, 200, get, history + "?groupId=group_001" + limit) ==
          success("success", R"({"hasMore":false,"messages":[]})"));
    CHECK(bench.messaging.histories.last().limit == used);
  }
  CHECK(ask(bench, 400, get, history + "?groupId=g&limit=ten") == refusal(400, "limit 必须是整数"));
}

TEST_CASE("exactly one of userId and groupId is needed, and ids are ids") {
  Bench bench;
  const auto either = refusal(400, "userId 和 groupId 必须且只能填写一个");
  CHECK(ask(bench, 400, get, history) == either);
  CHECK(ask(bench, 400, get, history + "?userId=10002&groupId=g") == either);
  CHECK(ask(bench, 400, get, history + "?userId=bob") == refusal(400, "userId 必须是用户ID（数字）"));
  CHECK(ask(bench, 400, get, history + "?userId=10002&before=yesterday") == refusal(400, "before 必须是消息ID"));
  CHECK(bench.messaging.histories.calls.empty());
  bench.messaging.histories.rule = [](const auto&) { return Page(); };
  ask(bench, 200, get, history + "?groupId=group_" + group_number + "&before=" + number);
  CHECK(bench.messaging.histories.last().in.number == id::first_at(noon));
  CHECK(bench.messaging.histories.last().before == Bench::id_at(noon));
}

TEST_CASE("two who have never spoken have an empty history; a group or a user that is not there is not found") {
  Bench bench;
  const auto fail = [&](Code code, const char* reason) {
    bench.messaging.histories.rule = [=](const auto&) { return fails(code, reason); };
  };
  fail(Code::not_found, "conversation.unknown");
  CHECK(ask(bench, 200, get, history + "?userId=10003") == success("success", R"({"hasMore":false,"messages":[]})"));
  CHECK(ask(bench, 400, get, history + "?userId=10003&before=msg_7") == refusal(400, "before 不是该会话中的消息"));
  CHECK(ask(bench, 404, get, history + "?groupId=group_404") == refusal(404, "群组不存在"));
  fail(Code::not_found, "user.unknown");
  CHECK(ask(bench, 404, get, history + "?userId=404") == refusal(404, "用户不存在"));
  fail(Code::forbidden, "member.none");
  CHECK(ask(bench, 403, get, history + "?groupId=group_001") == refusal(403, "您不是该群成员"));
  fail(Code::not_found, "message.unknown");
  CHECK(ask(bench, 400, get, history + "?groupId=g&before=msg_7") == refusal(400, "before 不是该会话中的消息"));
}

TEST_CASE("what a domain of others says is shown by its preview, and text of other vendors by its text") {
  Bench bench;
  bench.domains.previews["Flix:Product"] = "[商品] \"杯子\"";
  CHECK(one(bench, bench.record("Flix:Product", R"({"id":7})")) == shown("TEXT", R"("[商品] \"杯子\"")", "SENT"));
  CHECK(one(bench, bench.record("Core:Text", R"({"style":"b","text":"h\u0069"})")) ==
        shown("TEXT", R"("h\u0069")", "SENT"));
  CHECK(one(bench, bench.record("Core:System", R"({"text":"维护","title":"通知"})")) ==
        shown("SYSTEM", R"("维护")", "SENT"));
  CHECK(one(bench, bench.record("Core:Voice", R"({"url":"a.mp3"})")) == shown("AUDIO", R"({"url":"a.mp3"})", "SENT"));
}

TEST_CASE("a recalled message is a tombstone without anything it said") {
  Bench bench;
  Extras extras;
  extras.mentions = {bench.carol->id};
  extras.reply_to = static_cast<MessageId>(7);
  CHECK(one(bench, bench.recalled(bench.record("Core:Image", R"({"url":"secret"})", nullptr, extras))) ==
        shown("TEXT", R"("此消息已被撤回")", "RECALLED"));
}

TEST_CASE("conversations of the operator's are shown as groups, by their number") {
  Bench bench;
  auto system = bench.group("notification:10001");
  system->kind = ConversationKind::system;
  CHECK(one(bench, bench.record("Core:System", R"({"text":"维护"})", system)) ==
        shown("SYSTEM", R"("维护")", "SENT", R"("groupId":"group_)" + group_number + '"'));
}

TEST_CASE("what a recipient was handed has been delivered, what is its own or was known has not changed") {
  Bench bench;
  bench.messaging.marks.rule = [](const auto&) { return Marked{}; };
  one(bench, bench.record());
  CHECK(bench.messaging.marks.calls.empty());
  one(bench, bench.record(), "bob");
  REQUIRE(bench.messaging.marks.calls.size() == 1);
  CHECK(bench.messaging.marks.last().mark == MarkId::delivered);
  CHECK(bench.messaging.marks.last().messages == std::vector{Bench::id_at(noon)});
  CHECK_FALSE(bench.messaging.marks.last().strict);
  auto known = bench.record();
  known.receipt = Receipt::delivered;
  one(bench, known, "bob");
  one(bench, bench.recalled(bench.record()), "bob");
  CHECK(bench.messaging.marks.calls.size() == 1);
}
