// What all requests have in common: who calls, the envelope, what no route answers.
#include "ask.hpp"

using namespace message_service_test;

namespace {

const std::pair<HttpMethod, const char*> all_routes[] = {{post, "/api/v1/messages/private"},
                                                         {post, "/api/v1/messages/group"},
                                                         {post, "/api/v1/messages/image"},
                                                         {get, "/api/v1/messages/history?userId=10002"},
                                                         {post, "/api/v1/messages/msg_1/recall"},
                                                         {post, "/api/v1/messages/read"},
                                                         {get, "/api/v1/messages/unread/count"},
                                                         {post, "/api/v1/messages/forward"},
                                                         {post, "/api/v1/groups"},
                                                         {get, "/api/v1/groups/g"},
                                                         {put, "/api/v1/groups/g"},
                                                         {del, "/api/v1/groups/g"},
                                                         {post, "/api/v1/groups/g/members"},
                                                         {get, "/api/v1/groups/g/members"},
                                                         {del, "/api/v1/groups/g/members/10002"},
                                                         {post, "/api/v1/groups/g/admins"}};

}  // namespace

TEST_CASE("every route asks for a token, before it looks at anything else") {
  Bench bench;
  bench.tokens.refused["old"] = Error{Code::unauthenticated, "token.expired", "at 17:00 by key 3"};
  Claims ghost;
  ghost.user_id = 404;
  bench.tokens.tokens["ghost"] = ghost;
  for (const auto& [method, path] : all_routes) {
    CHECK(ask(bench, 401, method, path, "", "") == refusal(401, "未提供Token"));
    CHECK(ask(bench, 401, method, path, "", "forged") == refusal(401, "Token无效或过期"));
    CHECK(ask(bench, 401, method, path, "", "old") == refusal(401, "Token无效或过期"));
  }
  CHECK(ask(bench, 401, get, "/api/v1/messages/unread/count", "", "ghost") == refusal(401, "Token无效或过期"));
  const auto exchange = bench.exchange(get, "/api/v1/messages/unread/count", "", "");
  CHECK(exchange->answer_headers.at("WWW-Authenticate") == "Bearer");
  CHECK(bench.messaging.lists.calls.empty());
}

TEST_CASE("a body that is no JSON object is refused, and says where it is wrong") {
  Bench bench;
  for (const auto& [method, path] : all_routes) {
    if (method != post && method != put) continue;
    CHECK(ask(bench, 400, method, path, "[1]") == refusal(400, "请求体必须是 JSON 对象"));
    CHECK(ask(bench, 400, method, path, R"({"a":)") ==
          refusal(400, "请求体必须是 JSON 对象：a value is missing at byte 5"));
  }
  CHECK(ask(bench, 400, post, "/api/v1/messages/private") ==
        refusal(400, "请求体必须是 JSON 对象：a value is missing at byte 0"));
}

TEST_CASE("what no route answers comes in the envelope too") {
  Bench bench;
  CHECK(ask(bench, 404, get, "/api/v1/nothing") == refusal(404, "接口不存在"));
  CHECK(ask(bench, 405, del, "/api/v1/messages/private") == refusal(405, "请求方法不允许"));
  CHECK(ask(bench, 405, get, "/api/v1/groups") == refusal(405, "请求方法不允许"));
}

TEST_CASE("with always_200 the status is 200 whatever happens, and the code stays in the body") {
  Bench bench(Options{{"always_200", "true"}});
  CHECK(ask(bench, 200, get, "/api/v1/nothing") == refusal(404, "接口不存在"));
  CHECK(ask(bench, 200, post, "/api/v1/messages/read", "{}") == refusal(400, "messageIds 必须是消息ID数组"));
  const auto exchange = bench.exchange(get, "/api/v1/messages/unread/count", "", "");
  CHECK(exchange->status == 200);
  CHECK(exchange->answer == refusal(401, "未提供Token"));
  CHECK(exchange->answer_headers.empty());
  bench.messaging.marks.rule = [](const auto&) { return fails(Code::unavailable, "storage.unavailable"); };
  const auto gone = bench.exchange(post, "/api/v1/messages/read", R"({"messageIds":["msg_1"]})");
  CHECK(gone->status == 200);
  CHECK(gone->answer_headers.at("Retry-After") == "1");
}

TEST_CASE("nothing is pushed: the contract has no sessions") {
  Bench bench;
  const auto record = bench.record();
  Delivery delivery;
  delivery.record = &record;
  delivery.conversation = record.conversation.get();
  Encoded out;
  bench.contract.encode(delivery, 0, out);
  CHECK(out.bytes.empty());
}
