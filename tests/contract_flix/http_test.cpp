// Single messages over HTTP.
#include <catch2/catch.hpp>

#include "../support/refusals.hpp"
#include "http_client.hpp"

using namespace flix_test;

namespace {

const std::string base = "/api/v1/messages";
const std::string one = base + "/" + hello_id;

auto refuse(Code code, std::string reason, std::string detail = "internal words") {
  return [=](const auto&) { return Error{code, reason, detail}; };
}

std::string body(std::string_view more = "", std::string_view content = R"({"text":"hi"})") {
  return R"({"receiver_id":")" + bob_uuid + R"(","content":)" + std::string(content) + std::string(more) + "}";
}

}  // namespace

TEST_CASE("every route asks for a token and says what is wrong with it") {
  Bench bench;
  const std::pair<HttpMethod, std::string> routes[] = {{HttpMethod::get, base},
                                                       {HttpMethod::get, one},
                                                       {HttpMethod::post, base},
                                                       {HttpMethod::put, one + "/read"},
                                                       {HttpMethod::put, base + "/batch_read"},
                                                       {HttpMethod::put, base + "/read_all"},
                                                       {HttpMethod::get, base + "/unread_count"},
                                                       {HttpMethod::del, one},
                                                       {HttpMethod::get, base + "/sync"},
                                                       {HttpMethod::post, base + "/sync"},
                                                       {HttpMethod::post, "/api/v1/system/messages"}};
  for (const auto& [method, path] : routes) {
    INFO(path);
    CHECK(ask(bench, method, path, "{}", "") == failed(401, "unauthorized", "未提供认证令牌"));
    CHECK(ask(bench, method, path, "{}", "forged") == failed(401, "unauthorized", "认证令牌无效"));
    CHECK(ask(bench, method, path, "{}", "old") == failed(401, "unauthorized", "认证令牌已过期"));
  }
  bench.host.tokens.tokens["ghost"].user_id = 4711;
  CHECK(ask(bench, HttpMethod::get, one, "", "ghost") == failed(401, "unauthorized", "用户不存在"));
  const auto plain = bench.routes.request(HttpMethod::get, one);
  CHECK(plain->answer_headers.at("WWW-Authenticate") == "Bearer");
  CHECK(plain->type == "application/json");
}

TEST_CASE("a message is created with 201 and shown to its sender") {
  Bench bench;
  bench.messaging.submits.rule = [&](const auto& call) {
    return Accepted{share(bench.record("Core:Text", call.request.content, nullptr, call.request.extras)), false};
  };
  CHECK(ask(bench, HttpMethod::post, base, body(R"(,"content_type":"text","message_type":"private_message")")) ==
        Answer{201, R"({"success":true,"message":"消息创建成功","data":)" + hello("sent") + "}"});
  const auto& asked = bench.messaging.submits;
  CHECK(asked.last().to.peer.text == bob_uuid);
  CHECK(asked.last().client_id.empty());
  CHECK(asked.last().extras.empty());

  const auto known = ask(bench, HttpMethod::post, base,
                         body(R"(,"client_message_id":"c","reference_id":"r","client_timestamp":1735689598000)"));
  CHECK(known.status == 201);
  CHECK(asked.last().client_id == "c");
  CHECK(known.body.find(R"("client_message_id":"c")") != std::string::npos);
  CHECK(known.body.find(R"("reference_id":"r")") != std::string::npos);
  CHECK(known.body.find(R"("client_timestamp":"2024-12-31T23:59:58.000Z")") != std::string::npos);

  ask(bench, HttpMethod::post, base, R"({"conversation_id":"group:)" + group_uuid + R"(","content":{"text":"a"}})");
  CHECK(asked.last().to.text == group_uuid);
  ask(bench, HttpMethod::post, base, body(R"(,"content_type":"image")", R"({"image_urls":["u"]})"));
  CHECK(asked.last().domain == "Core:Image");
  CHECK(asked.last().content == R"({"url":"u"})");
  ask(bench, HttpMethod::post, base, body("", R"([{"type":"text","payload":"parts"}])"));
  CHECK(asked.last().content == R"({"text":"parts"})");
}

TEST_CASE("a body that cannot be a message is refused: 400 for its form, 422 for its members, 403 for its type") {
  Bench bench;
  const auto post = [&](std::string_view text) { return ask(bench, HttpMethod::post, base, text); };
  CHECK(post("") == failed(400, "bad_request", "请求体必须是 JSON 对象：a value is missing at byte 0"));
  CHECK(post("[]") == failed(400, "bad_request", "请求体必须是 JSON 对象：it is something else"));
  CHECK(post("{}") == unfit("receiver_id", "can't be blank"));
  CHECK(post(R"({"receiver_id":"bob","content":{}})") == unfit("receiver_id", "is invalid"));
  CHECK(post(R"({"receiver_id":7,"content":{}})") == unfit("receiver_id", "is invalid"));
  CHECK(post(R"({"receiver_id":")" + bob_uuid + "\"}") == unfit("content", "can't be blank"));
  CHECK(post(body("", "\"hi\"")) == unfit("content", "must be an object"));
  CHECK(post(body(R"(,"content_type":7)")) == unfit("content_type", "is invalid"));
  CHECK(post(body(R"(,"client_message_id":[])")) == unfit("client_message_id", "must be a string"));
  CHECK(post(body(R"(,"client_timestamp":"noon")")) == unfit("client_timestamp", "is invalid"));
  CHECK(post(body(R"(,"message_type":7)")) == unfit("message_type", "is invalid"));
  const auto only = failed(403, "forbidden", "用户只能发送 private_message 类型的消息");
  for (const char* type : {"system_notification", "system_announcement", "interaction"}) {
    CHECK(post(body(R"(,"message_type":")" + std::string(type) + '"')) == only);
  }
  CHECK(post(R"({"conversation_id":"x","content":{"text":"a"}})") == failed(404, "not_found", "会话未找到"));
  CHECK(bench.messaging.submits.calls.empty());
}

TEST_CASE("what the host refuses a message with has its status and the document's form") {
  Bench bench;
  const auto refused = [&](Code code, const char* reason, const char* detail = "internal words") {
    bench.messaging.submits.rule = refuse(code, reason, detail);
    return ask(bench, HttpMethod::post, base, body());
  };
  CHECK(refused(Code::not_found, "user.unknown") == failed(404, "not_found", "用户不存在"));
  CHECK(refused(Code::forbidden, "member.none") == failed(403, "forbidden", "您不是该会话的成员"));
  CHECK(refused(Code::forbidden, "domain.service_only") == failed(403, "forbidden", "用户不能发送系统消息"));
  CHECK(refused(Code::forbidden, "member.muted") == failed(403, "forbidden", "您已被禁言"));
  CHECK(refused(Code::conflict, "client_id.reused") == failed(409, "conflict", "client_message_id 已用于其他消息"));
  CHECK(refused(Code::invalid, "content.invalid", "text is required") == unfit("content", "text is required"));
  CHECK(refused(Code::too_large, "content.too_large") == failed(413, "payload_too_large", "消息内容过大"));
  CHECK(refused(Code::forbidden, "word.banned", "no such words") ==
        failed(403, "forbidden", "无权执行此操作：no such words"));
  CHECK(refused(Code::overloaded, "queue") == failed(503, "service_unavailable", "服务繁忙，请稍后重试"));
  CHECK(refused(Code::internal, "bug") == failed(500, "internal_server_error", "服务器内部错误"));
}

TEST_CASE("one message is shown as its viewer sees it") {
  Bench bench;
  bench.messaging.messages.rule = [&](const auto&) { return bench.record(); };
  const auto shown = [](std::string_view status) {
    return Answer{200, R"({"success":true,"message":"获取消息成功","data":)" + hello(status) + "}"};
  };
  CHECK(ask(bench, HttpMethod::get, one, "", "bob") == shown("unread"));
  CHECK(ask(bench, HttpMethod::get, one, "", "alice") == shown("sent"));
  auto record = bench.record();
  bench.messaging.messages.rule = [&](const auto&) { return record; };
  record.receipt = Receipt::delivered;
  CHECK(ask(bench, HttpMethod::get, one, "", "bob") == shown("unread"));
  CHECK(ask(bench, HttpMethod::get, one, "", "alice") == shown("unread"));
  record.receipt = Receipt::read;
  CHECK(ask(bench, HttpMethod::get, one, "", "bob") == shown("read"));
  CHECK(ask(bench, HttpMethod::get, one, "", "alice") == shown("read"));

  record.hidden = true;
  CHECK(ask(bench, HttpMethod::get, one, "", "bob") == shown("deleted"));
  record = Bench::recalled(record);
  CHECK(ask(bench, HttpMethod::get, one, "", "bob").body.find(R"("status":"deleted")") != std::string::npos);
  CHECK(ask(bench, HttpMethod::get, one, "", "bob").body.find(R"("text":"hi")") == std::string::npos);

  bench.messaging.messages.rule = refuse(Code::not_found, "message.unknown");
  CHECK(ask(bench, HttpMethod::get, one) == failed(404, "not_found", "消息未找到"));
  CHECK(ask(bench, HttpMethod::get, base + "/" + ghost_uuid) == failed(404, "not_found", "消息未找到"));
  CHECK(ask(bench, HttpMethod::get, base + "/7") == failed(400, "bad_request", "无效的消息 ID 格式"));
}

TEST_CASE("reading one message marks it, and only its receiver may") {
  Bench bench;
  bench.messaging.messages.rule = [&](const auto&) { return bench.record(); };
  bench.messaging.marks.rule = [](const auto&) { return Marked{1, true, MessageId::none, 0}; };
  CHECK(ask(bench, HttpMethod::put, one + "/read", "", "bob") ==
        Answer{200, R"({"success":true,"message":"消息已标记为已读","data":{"id":")" + hello_id +
                        R"(","status":"read","updated_at":"2022-01-01T00:00:00.000Z"}})"});
  const auto& act = bench.messaging.marks.last();
  CHECK(act.mark == MarkId::read);
  CHECK(act.strict);
  REQUIRE(act.messages.size() == 1);
  CHECK(derived_uuid(UuidKind::message, raw(act.messages[0])) == hello_id);
  bench.messaging.marks.rule = refuse(Code::forbidden, "mark.own_message");
  CHECK(ask(bench, HttpMethod::put, one + "/read") == failed(403, "forbidden", "您无权修改此消息"));
  bench.messaging.messages.rule = refuse(Code::not_found, "message.unknown");
  CHECK(ask(bench, HttpMethod::put, one + "/read") == failed(404, "not_found", "消息未找到"));
  CHECK(ask(bench, HttpMethod::put, base + "/x/read") == failed(400, "bad_request", "无效的消息 ID 格式"));
}

TEST_CASE("what is deleted or withdrawn stays so: reading it marks nothing and says what it is") {
  Bench bench;
  auto record = bench.record();
  bench.messaging.messages.rule = [&](const auto&) { return record; };
  const auto read = [&](std::string_view status, std::string_view updated) {
    return ask(bench, HttpMethod::put, one + "/read", "", "bob") ==
           Answer{200, R"({"success":true,"message":"消息已标记为已读","data":{"id":")" + hello_id + R"(","status":")" +
                           std::string(status) + R"(","updated_at":")" + std::string(updated) + R"("}})"};
  };
  record.hidden = true;
  CHECK(read("deleted", "2025-01-01T00:00:00.123Z"));
  record = Bench::recalled(bench.record());
  CHECK(read("withdrawn", "2025-01-01T00:01:00.000Z"));
  CHECK(bench.messaging.marks.calls.empty());
  // Its sender is told that it is not the receiver, whatever became of it.
  record.hidden = true;
  bench.messaging.marks.rule = refuse(Code::forbidden, "mark.own_message");
  CHECK(ask(bench, HttpMethod::put, one + "/read") == failed(403, "forbidden", "您无权修改此消息"));
}

TEST_CASE("deleting hides a message from whoever sees it, and nobody else") {
  Bench bench;
  bench.messaging.messages.rule = [&](const auto&) { return bench.record(); };
  bench.messaging.marks.rule = [](const auto&) { return Marked(); };
  for (const char* name : {"alice", "bob"}) {
    CHECK(ask(bench, HttpMethod::del, one, "", name) == Answer{200, R"({"success":true,"message":"消息删除成功"})"});
    const auto& call = bench.messaging.marks.calls.back();
    CHECK(call.request.mark == MarkId::hidden);
    CHECK_FALSE(call.request.strict);
    CHECK(call.request.messages.size() == 1);
    CHECK(call.caller.user == (std::string_view(name) == "bob" ? bench.bob : bench.alice)->id);
  }
  bench.messaging.messages.rule = refuse(Code::not_found, "message.unknown");
  CHECK(ask(bench, HttpMethod::del, one) == failed(404, "not_found", "消息未找到"));
  CHECK(bench.messaging.marks.calls.size() == 2);
  CHECK(ask(bench, HttpMethod::del, base + "/x") == failed(400, "bad_request", "无效的消息 ID 格式"));
}

TEST_CASE("what no route serves has the document's form of an error") {
  Bench bench;
  CHECK(ask(bench, HttpMethod::get, "/api/v1/nothing") == failed(404, "not_found", "接口不存在"));
  CHECK(ask(bench, HttpMethod::del, base + "/read_all/x/y") == failed(404, "not_found", "接口不存在"));
  CHECK(ask(bench, HttpMethod::patch, base) == failed(405, "method_not_allowed", "不支持的请求方法"));
}

TEST_CASE("what is refused before a route sees it has the document's form and keeps its status") {
  Bench bench;
  tests::Refusals refusals(bench.contract);
  tests::check_refusals(refusals, "application/json", R"( {"success":false,"error":{"code":")", "not_found");
  const auto says = [&](unsigned status) {
    return Answer{refusals.answer(status)->status, refusals.answer(status)->answer};
  };
  CHECK(says(413) == failed(413, "payload_too_large", "请求体过大"));
  CHECK(says(431) == failed(431, "request_header_fields_too_large", "请求头过大"));
  CHECK(says(426) == failed(426, "upgrade_required", "请使用 WebSocket 连接"));
  CHECK(refusals.answer(503)->answer_headers.contains("Retry-After"));
}

TEST_CASE("a WebSocket that is asked for by another method than GET is 400, as the document says") {
  Bench bench;
  tests::Refusals refusals(bench.contract);
  const auto said = refusals.answer(405, "/socket/websocket");
  CHECK(Answer{said->status, said->answer} == failed(400, "bad_request", "WebSocket 连接只能用 GET 建立"));
  CHECK(refusals.answer(426, "/socket/websocket", HttpMethod::get)->status == 426);
  CHECK(refusals.answer(413, "/socket/websocket")->status == 413);
}
