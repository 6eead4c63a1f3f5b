// From failures of the host to what clients read.
#include <catch2/catch.hpp>

#include "../support/refusals.hpp"
#include "host.hpp"
#include "netherlink/errors.hpp"

using namespace netherlink_test;

namespace {

auto refuse(Code code, std::string reason, std::string detail = {}) {
  return [=](const auto&) { return Error{code, reason, detail}; };
}

}  // namespace

TEST_CASE("what the host refuses of a chat is said in this contract's words, and the connection stays") {
  Bench bench;
  Client client(bench);
  const auto answer = [&](Code code, const char* reason, const char* detail = "") {
    bench.messaging.submits.rule = refuse(code, reason, detail);
    return client.ask("chat", R"({"to":"b","content":"x"})");
  };
  CHECK(answer(Code::not_found, "user.unknown") == error_frame("用户不存在"));
  CHECK(answer(Code::invalid, "user.handle_invalid") == error_frame("用户不存在"));
  CHECK(answer(Code::not_found, "conversation.unknown") == error_frame("群聊不存在"));
  CHECK(answer(Code::forbidden, "member.none") == error_frame("不是群成员"));
  CHECK(answer(Code::forbidden, "member.muted") == error_frame("已被禁言"));
  CHECK(answer(Code::invalid, "content.invalid", "width") == error_frame("无效的聊天消息格式"));
  CHECK(answer(Code::invalid, "domain.unknown") == error_frame("暂不支持的消息类型"));
  CHECK(answer(Code::forbidden, "domain.service_only") == error_frame("不能发送系统消息"));
  CHECK(answer(Code::too_large, "content.too_large") == error_frame("消息内容过长"));
  CHECK(answer(Code::conflict, "client_id.reused") == error_frame("client_msg_id已用于其他消息"));
  CHECK(answer(Code::forbidden, "content.forbidden_word", "x") == error_frame("消息包含违禁词"));
  CHECK(answer(Code::forbidden, "user.blocked", "x") == error_frame("对方拒绝接收你的消息"));
  CHECK(answer(Code::forbidden, "words.forbidden") == error_frame("没有权限：words.forbidden"));
  CHECK(answer(Code::forbidden, "words.forbidden", "mind your words") == error_frame("没有权限：mind your words"));
  CHECK(answer(Code::overloaded, "rate.limited") == error_frame("请求过于频繁，请稍后再试"));
  CHECK(answer(Code::overloaded, "queue.full") == error_frame("服务繁忙，请稍后再试"));
  CHECK(answer(Code::unavailable, "storage.lost") == error_frame("服务暂不可用，请稍后再试"));
  CHECK(answer(Code::internal, "storage.broken", "secret") == error_frame("服务器内部错误"));
  CHECK_FALSE(client.peer.closed);
}

TEST_CASE("over HTTP a failure has the status of its code and the word of the route") {
  Bench bench;
  const auto answer = [&](HttpMethod method, const char* path, Code code, const char* reason = "x.y") {
    bench.messaging.inboxes.rule = refuse(code, reason, "secret");
    bench.messaging.lists.rule = refuse(code, reason, "secret");
    bench.messaging.marks.rule = refuse(code, reason, "secret");
    const auto exchange = bench.ask(method, path, R"({"message_ids":[1]})");
    CHECK(exchange->answer_headers.count("Retry-After") ==
          (exchange->status == 429 || exchange->status == 503 ? 1u : 0u));
    return std::to_string(exchange->status) + exchange->answer;
  };
  constexpr auto offline = "/api/messages/offline";
  CHECK(answer(HttpMethod::get, offline, Code::internal) == "500" + error_body("查询失败"));
  CHECK(answer(HttpMethod::get, "/api/messages/unread_count", Code::internal) == "500" + error_body("查询失败"));
  CHECK(answer(HttpMethod::post, "/api/messages/mark_synced", Code::internal) == "500" + error_body("标记失败"));
  CHECK(answer(HttpMethod::del, "/api/messages/offline/clear", Code::internal) == "500" + error_body("清理失败"));
  CHECK(answer(HttpMethod::get, offline, Code::unavailable) == "503" + error_body("数据库连接失败"));
  CHECK(answer(HttpMethod::get, offline, Code::overloaded) == "503" + error_body("服务繁忙，请稍后再试"));
  CHECK(answer(HttpMethod::get, offline, Code::overloaded, "rate.reads") ==
        "429" + error_body("请求过于频繁，请稍后再试"));
  CHECK(answer(HttpMethod::get, offline, Code::forbidden) == "403" + error_body("没有权限：secret"));
  CHECK(answer(HttpMethod::get, offline, Code::conflict) == "409" + error_body("操作冲突：secret"));
  CHECK(answer(HttpMethod::get, offline, Code::not_found) == "404" + error_body("不存在"));
}

TEST_CASE("every code has a status, and no text of an unexpected failure says more than the contract") {
  for (int code = 0; code <= static_cast<int>(Code::internal); ++code) {
    for (int act = 0; act <= static_cast<int>(netherlink::Act::clear); ++act) {
      const auto wire =
          netherlink::wire_error({static_cast<Code>(code), "a.reason", "a detail"}, static_cast<netherlink::Act>(act));
      CHECK(wire.status >= 400);
      CHECK(wire.status < 600);
      CHECK_FALSE(wire.text.empty());
      if (wire.status >= 500) CHECK(wire.text.find("detail") == std::string::npos);
    }
  }
}

TEST_CASE("what is refused before a route sees it has the document's form and keeps its status") {
  Bench bench;
  tests::Refusals refusals(bench.contract);
  tests::check_refusals(refusals, "application/json", R"( {"success":false,"message":")", "接口不存在");
  CHECK(refusals.text(413) == "413 " + error_body("请求体过大"));
  CHECK(refusals.text(431) == "431 " + error_body("请求头过大"));
  CHECK(refusals.text(426) == "426 " + error_body("请使用WebSocket连接"));
  CHECK(refusals.answer(503)->answer_headers.contains("Retry-After"));
}
