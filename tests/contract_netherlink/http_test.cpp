// The four routes.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace netherlink_test;

namespace {

constexpr auto get = HttpMethod::get;
constexpr auto post = HttpMethod::post;
constexpr auto del = HttpMethod::del;

const std::string auth_error = R"({"success":false,"code":-1,"message":")";

std::string list(std::string_view rows, std::string_view rest) {
  return R"({"success":true,"message":"获取成功","data":{"messages":[)" + std::string(rows) + "]," + std::string(rest) +
         "}}";
}

ConversationRecord lacking(std::shared_ptr<const Conversation> conversation, std::shared_ptr<const User> peer,
                           std::uint64_t count) {
  ConversationRecord out;
  out.conversation = std::move(conversation);
  out.peer = std::move(peer);
  out.lacking = count;
  return out;
}

}  // namespace

TEST_CASE("the list of offline messages is the document's, newest first") {
  Bench bench;
  bench.messaging.inboxes.rule = [&](const auto&) {
    Page page;
    page.messages = {bench.record()};
    page.total = 1;
    return page;
  };
  const auto answered = bench.ask(get, "/api/messages/offline");
  CHECK(answered->status == 200);
  CHECK(answered->type == "application/json");
  CHECK(answered->answer ==
        list(hello_row + R"(,"created_at":"2025-10-11T14:15:32+08:00"})", R"("total":1,"page":1,"page_size":50)"));
  const auto& query = bench.messaging.inboxes.last();
  CHECK(query.lacking == synced);
  CHECK(query.newest_first);
  CHECK(query.with_total);
  CHECK_FALSE(query.with_recalled);
  CHECK_FALSE(query.in);
  CHECK_FALSE(query.mark_returned);
  CHECK(query.limit == 50);
  CHECK(query.offset == 0);
  CHECK(bench.messaging.inboxes.calls.back().caller.user == bench.user2->id);
}

TEST_CASE("pages are counted from 1 and hold at most 100") {
  Bench bench;
  bench.messaging.inboxes.rule = [&](const auto&) { return Page{}; };
  const auto asked = [&](const char* query, std::size_t offset, std::size_t limit, const char* rest) {
    CHECK(bench.ask(get, std::string("/api/messages/offline?") + query)->answer == list("", rest));
    CHECK(bench.messaging.inboxes.last().offset == offset);
    CHECK(bench.messaging.inboxes.last().limit == limit);
  };
  asked("page=3&page_size=20", 40, 20, R"("total":0,"page":3,"page_size":20)");
  asked("page=0&page_size=0", 0, 50, R"("total":0,"page":1,"page_size":50)");
  asked("page=-7&page_size=-1", 0, 50, R"("total":0,"page":1,"page_size":50)");
  asked("page=&page_size=", 0, 50, R"("total":0,"page":1,"page_size":50)");
  asked("page_size=100", 0, 100, R"("total":0,"page":1,"page_size":100)");
  asked("page_size=101", 0, 100, R"("total":0,"page":1,"page_size":100)");
  asked("page_size=9223372036854775807", 0, 100, R"("total":0,"page":1,"page_size":100)");
  asked("page=9223372036854775807&page_size=100", ((std::size_t{1} << 40) - 1) * 100, 100,
        R"("total":0,"page":9223372036854775807,"page_size":100)");
  for (const char* wrong : {"page=x", "page=1.5", "page_size=many", "page=99999999999999999999", "page=%22 1%22"}) {
    const auto refused = bench.ask(get, std::string("/api/messages/offline?") + wrong);
    CHECK(refused->status == 400);
    CHECK(refused->answer == error_body("请求参数错误"));
  }
}

TEST_CASE("a conversation id is turned into the conversation it was made from") {
  Bench bench;
  bench.users.add("user_2_x");
  bench.messaging.inboxes.rule = [&](const auto&) { return Page{}; };
  const auto named = [&](std::string_view id) {
    bench.messaging.inboxes.calls.clear();
    const auto answered = bench.ask(get, "/api/messages/offline?conversation_id=" + std::string(id));
    CHECK(answered->answer == list("", R"("total":0,"page":1,"page_size":50)"));
    std::string out;
    for (const auto& call : bench.messaging.inboxes.calls) {
      const auto& in = *call.request.in;
      if (!out.empty()) out += ' ';
      out += in.by == ConversationRef::By::id ? "#" + std::to_string(in.number) : in.peer.text;
      CHECK((in.by == ConversationRef::By::id || in.peer.by == UserRef::By::handle));
    }
    return out;
  };
  CHECK(named("user1_user2") == "user1");
  CHECK(named("user2_user3") == "user3");
  CHECK(named("user2_user2") == "user2");
  CHECK(named("a_b_user2") == "a_b");
  CHECK(named("user2_user2_x") == "user2_x");
  CHECK(named("user2_%E5%BC%A0") == "张");
  CHECK(named("group_900") == "#900");
  CHECK(named("system_900") == "#900");
  // No pair of this user's makes these.
  for (const char* id : {"user2", "user2_", "_user2", "user2_user1", "user3_user2", "user1_user3", "group_", "group_0",
                         "group_09", "group_x", "group_99999999999999999999", "x"}) {
    CHECK(named(id).empty());
  }
}

TEST_CASE("a number behind the wrong word is no conversation") {
  Bench bench;
  const auto total = [&](ConversationKind kind, const char* id) {
    bench.messaging.inboxes.rule = [&, kind](const auto&) {
      Page page;
      page.messages = {bench.record("Core:Text", R"({"text":"x"})", bench.conversation(kind))};
      page.total = 1;
      return page;
    };
    const auto answer = bench.ask(get, std::string("/api/messages/offline?conversation_id=") + id)->answer;
    return answer.substr(answer.find("\"total\":"), 9);
  };
  CHECK(total(ConversationKind::group, "group_900") == "\"total\":1");
  CHECK(total(ConversationKind::group, "system_900") == "\"total\":0");
  CHECK(total(ConversationKind::system, "system_900") == "\"total\":1");
  CHECK(total(ConversationKind::broadcast, "group_900") == "\"total\":0");
}

TEST_CASE("an id that two pairs of users share is looked up for both") {
  Bench bench;
  const auto user = bench.users.add("a_b_a", 9);
  bench.host.tokens.tokens["t9"] = Bench::claims("a_b_a", 9);
  std::uint64_t total = 0;
  bench.messaging.inboxes.rule = [&](const auto&) {
    Page page;
    page.total = std::exchange(total, 5);
    return page;
  };
  const auto answered = bench.ask(get, "/api/messages/offline?conversation_id=a_b_a_b_a", {}, "Bearer t9");
  CHECK(answered->answer == list("", R"("total":5,"page":1,"page_size":50)"));
  REQUIRE(bench.messaging.inboxes.calls.size() == 2);
  CHECK(bench.messaging.inboxes.calls[0].request.in->peer.text == "b_a");
  CHECK(bench.messaging.inboxes.calls[1].request.in->peer.text == "a_b");
}

TEST_CASE("marking as synced counts the new ones under both names") {
  Bench bench;
  bench.messaging.marks.rule = [](const auto&) { return Marked{2}; };
  const auto answered = bench.ask(post, "/api/messages/mark_synced", R"({"message_ids":[5,"6",5]})");
  CHECK(answered->status == 200);
  CHECK(answered->answer == R"({"success":true,"message":"标记成功","data":{"updated_count":2,"marked_count":2}})");
  const auto& act = bench.messaging.marks.last();
  CHECK(act.mark == synced);
  CHECK(act.also == MarkId::delivered);
  CHECK(act.messages == std::vector{static_cast<MessageId>(5), static_cast<MessageId>(6)});
  CHECK_FALSE(act.strict);
}

TEST_CASE("a list of ids that cannot be read is refused") {
  Bench bench;
  const auto answer = [&](std::string body) {
    const auto exchange = bench.ask(post, "/api/messages/mark_synced", std::move(body));
    return std::to_string(exchange->status) + exchange->answer;
  };
  CHECK(answer(R"({"message_ids":[]})") == "400" + error_body("消息ID列表不能为空"));
  for (const char* body : {"", "x", "[]", "{}", "null", R"({"message_ids":null})", R"({"message_ids":7})",
                           R"({"message_ids":[1.5]})", R"({"message_ids":["a"]})", R"({"message_ids":[{}]})"}) {
    CHECK(answer(body) == "400" + error_body("请求参数错误"));
  }
  CHECK(bench.messaging.marks.calls.empty());
  CHECK(answer(R"({"message_ids":[0,-1]})") ==
        R"(200{"success":true,"message":"标记成功","data":{"updated_count":0,"marked_count":0}})");
  std::string many = "1";
  for (int i = 0; i < 1000; ++i) many += ",1";
  CHECK(answer(R"({"message_ids":[)" + many + "]}") == "413" + error_body("消息ID过多"));
}

TEST_CASE("unread messages are counted by conversation") {
  Bench bench;
  bench.messaging.lists.rule = [&](const auto&) {
    return std::vector{lacking(bench.direct(), bench.user1, 3),
                       lacking(bench.conversation(ConversationKind::group), nullptr, 2),
                       lacking(bench.conversation(ConversationKind::broadcast), nullptr, 1)};
  };
  CHECK(bench.ask(get, "/api/messages/unread_count")->answer ==
        R"({"success":true,"message":"获取成功","data":{"total_unread":6,"unread_by_conversation":[)"
        R"({"conversation_id":"user1_user2","count":3},{"conversation_id":"group_900","count":2},)"
        R"({"conversation_id":"system_900","count":1}]}})");
  const auto& query = bench.messaging.lists.last();
  CHECK(query.lacking == synced);
  CHECK(query.only_lacking);
  CHECK_FALSE(query.with_last);
  CHECK(bench.messaging.inboxes.calls.empty());
  bench.messaging.lists.rule = [&](const auto&) { return std::vector<ConversationRecord>(); };
  CHECK(bench.ask(get, "/api/messages/unread_count")->answer ==
        R"({"success":true,"message":"获取成功","data":{"total_unread":0,"unread_by_conversation":[]}})");
}

TEST_CASE("the total counts conversations too that the list has no room for") {
  Bench bench;
  bench.messaging.lists.rule = [&](const auto& call) {
    return std::vector(call.request.limit, lacking(bench.direct(), bench.user1, 1));
  };
  bench.messaging.inboxes.rule = [&](const auto& call) {
    CHECK(call.request.with_total);
    CHECK(call.request.lacking == synced);
    Page page;
    page.total = 1234;
    return page;
  };
  CHECK(bench.ask(get, "/api/messages/unread_count")->answer.find(R"("total_unread":1234,)") != std::string::npos);
}

TEST_CASE("clearing takes what was synced before so many days, and counts it") {
  Bench bench;
  bench.messaging.marks.rule = [](const auto&) { return Marked{10}; };
  const auto before = [&](const char* query) {
    const auto answered = bench.ask(del, std::string("/api/messages/offline/clear") + query);
    CHECK(answered->status == 200);
    CHECK(answered->answer == R"({"success":true,"message":"清理成功","data":{"deleted_count":10}})");
    const auto& act = bench.messaging.marks.last();
    CHECK(act.mark == cleared);
    CHECK(act.everywhere);
    CHECK(act.having == synced);
    CHECK_FALSE(act.also);
    return act.set_before;
  };
  const Millis now = 1760163332012, day = 86'400'000;
  CHECK(before("") == now - 7 * day);
  CHECK(before("?days=30") == now - 30 * day);
  CHECK(before("?days=1") == now - day);
  for (const char* query : {"?days=0", "?days=-3", "?days="}) CHECK(before(query) == now - 7 * day);
  for (const char* query : {"?days=100000", "?days=9223372036854775807"}) CHECK(before(query) == 1);
  for (const char* query : {"?days=week", "?days=1.5"}) {
    const auto refused = bench.ask(del, std::string("/api/messages/offline/clear") + query);
    CHECK(refused->status == 400);
    CHECK(refused->answer == error_body("请求参数错误"));
  }
}

TEST_CASE("every route wants a token, and says what is wrong with it") {
  Bench bench;
  bench.host.tokens.refused["half"] = {Code::unauthenticated, "token.malformed", "x"};
  bench.host.tokens.refused["old"] = {Code::unauthenticated, "token.expired", "x"};
  bench.host.tokens.tokens["gone"] = Bench::claims("nobody", 0);
  const std::pair<HttpMethod, const char*> routes[] = {{get, "/api/messages/offline"},
                                                       {post, "/api/messages/mark_synced"},
                                                       {get, "/api/messages/unread_count"},
                                                       {del, "/api/messages/offline/clear"}};
  const std::pair<const char*, const char*> headers[] = {
      {"", "未提供认证信息"},           {"t2", "认证格式错误"},        {"Basic dTpw", "认证格式错误"},
      {"Bearer", "认证格式错误"},       {"Bearer ", "认证格式错误"},   {"Bearer a b", "认证格式错误"},
      {"Bearer forged", "无效的token"}, {"Bearer old", "无效的token"}, {"Bearer half", "无效的token格式"},
      {"Bearer gone", "未授权"},
  };
  for (const auto& [method, path] : routes) {
    for (const auto& [header, text] : headers) {
      const auto refused = bench.ask(method, path, R"({"message_ids":[1]})", header);
      CHECK(refused->status == 401);
      CHECK(refused->answer == auth_error + text + "\"}");
      CHECK(refused->answer_headers.at("WWW-Authenticate") == "Bearer");
    }
  }
  CHECK(bench.messaging.marks.calls.empty());
  CHECK(bench.messaging.inboxes.calls.empty());
}

TEST_CASE("what is no route is refused in this contract's form") {
  Bench bench;
  const auto lost = bench.ask(get, "/api/messages", {}, "");
  CHECK(lost->status == 404);
  CHECK(lost->answer == error_body("接口不存在"));
  const auto wrong = bench.ask(post, "/api/messages/offline", {}, "");
  CHECK(wrong->status == 405);
  CHECK(wrong->answer == error_body("请求方法不允许"));
}
