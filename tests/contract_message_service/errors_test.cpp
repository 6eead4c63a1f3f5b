// One table from failures to the wire.
#include "errors.hpp"
#include "../support/refusals.hpp"
#include "ask.hpp"

using namespace message_service_test;
using message_service::wire_error;

TEST_CASE("every code has its number, and what is not the caller's fault says nothing about the host") {
  const auto of = [](Code code) { return wire_error({code, "some.reason", "path /etc/secret"}); };
  CHECK(of(Code::invalid).code == 400);
  CHECK(of(Code::unauthenticated).code == 401);
  CHECK(of(Code::forbidden).code == 403);
  CHECK(of(Code::not_found).code == 404);
  CHECK(of(Code::conflict).code == 409);
  CHECK(of(Code::expired).code == 400);
  CHECK(of(Code::too_large).code == 413);
  CHECK(of(Code::overloaded).code == 429);
  CHECK(of(Code::unavailable).code == 503);
  CHECK(of(Code::internal).code == 500);
  for (const auto code :
       {Code::internal, Code::unavailable, Code::overloaded, Code::unauthenticated, Code::not_found}) {
    CHECK(of(code).message.find("secret") == std::string::npos);
    CHECK(of(code).message.find("some.reason") == std::string::npos);
  }
}

TEST_CASE("the refusal of a plugin reaches the client with its own words, or else its reason") {
  CHECK(wire_error({Code::forbidden, "acme.blocked", "you were blocked"}).message == "没有权限：you were blocked");
  CHECK(wire_error({Code::forbidden, "acme.blocked", {}}).message == "没有权限：acme.blocked");
  CHECK(wire_error({Code::invalid, "content.invalid", "url is required"}).message == "消息内容无效：url is required");
  CHECK(wire_error({Code::forbidden, {}, {}}).message == "没有权限");
}

TEST_CASE("every reason that Messaging, Users and Identity document has words of its own") {
  const std::pair<Code, const char*> reasons[] = {{Code::invalid, "domain.unknown"},
                                                  {Code::forbidden, "domain.service_only"},
                                                  {Code::invalid, "content.invalid"},
                                                  {Code::invalid, "client_id.too_long"},
                                                  {Code::not_found, "user.unknown"},
                                                  {Code::not_found, "conversation.unknown"},
                                                  {Code::forbidden, "conversation.read_only"},
                                                  {Code::forbidden, "member.none"},
                                                  {Code::forbidden, "member.muted"},
                                                  {Code::conflict, "client_id.reused"},
                                                  {Code::too_large, "content.too_large"},
                                                  {Code::too_large, "extras.too_large"},
                                                  {Code::not_found, "message.unknown"},
                                                  {Code::forbidden, "recall.not_yours"},
                                                  {Code::expired, "recall.expired"},
                                                  {Code::conflict, "conversation.handle_taken"},
                                                  {Code::too_large, "conversation.too_many_members"},
                                                  {Code::invalid, "conversation.too_few"},
                                                  {Code::forbidden, "conversation.not_a_group"},
                                                  {Code::forbidden, "join.not_free"},
                                                  {Code::forbidden, "role.required"},
                                                  {Code::invalid, "role.invalid"},
                                                  {Code::conflict, "member.already"},
                                                  {Code::conflict, "member.owner_stays"},
                                                  {Code::not_found, "member.unknown"},
                                                  {Code::invalid, "user.handle_invalid"},
                                                  {Code::overloaded, "queue.full"},
                                                  {Code::overloaded, "pool.full"}};
  for (const auto& [code, reason] : reasons) {
    INFO(reason);
    CHECK(wire_error({code, reason, {}}).message != wire_error({code, {}, {}}).message);
    CHECK(wire_error({code, reason, {}}).message.find(reason) == std::string::npos);
  }
  for (const auto* reason :
       {"token.missing", "token.malformed", "token.forged", "token.expired", "token.not_yet", "token.algorithm"}) {
    CHECK(wire_error({Code::unauthenticated, reason, {}}).code == 401);
  }
}

TEST_CASE("who asks too often hears 429, a host that is full or without its storage answers 503; both say when") {
  Bench bench;
  const auto answer = [&](Code code, const char* reason) {
    bench.messaging.submits.rule = [=](const auto&) { return Error{code, reason, "db1:5432"}; };
    return bench.exchange(post, "/api/v1/messages/private",
                          R"({"receiverId":10002,"messageType":"TEXT","content":"x","clientMsgId":"c"})");
  };
  const auto often = answer(Code::overloaded, "rate.exceeded");
  CHECK(often->status == 429);
  CHECK(often->answer == refusal(429, "请求过于频繁，请稍后重试"));
  CHECK(often->answer_headers.at("Retry-After") == "1");
  const auto full = answer(Code::overloaded, "queue.full");
  CHECK(full->answer == refusal(503, "服务繁忙，请稍后重试"));
  CHECK(full->answer_headers.at("Retry-After") == "1");
  const auto gone = answer(Code::unavailable, "storage.unavailable");
  CHECK(gone->status == 503);
  CHECK(gone->answer == refusal(503, "服务暂不可用，请稍后重试"));
  CHECK(answer(Code::internal, "x.y")->answer == refusal(500, "服务器内部错误"));
  CHECK(answer(Code::too_large, "content.too_large")->status == 413);
}

TEST_CASE("what is refused before a route sees it has the document's form and keeps its status") {
  Bench bench;
  tests::Refusals refusals(bench.contract);
  tests::check_refusals(refusals, "application/json", R"( {"code":#)", "接口不存在");
  CHECK(refusals.text(413) == "413 " + refusal(413, "请求体过大"));
  CHECK(refusals.text(431) == "431 " + refusal(431, "请求头过大"));
  CHECK(refusals.answer(503)->answer_headers.contains("Retry-After"));
  Bench always(Options{{"always_200", "true"}});
  tests::Refusals hidden(always.contract);
  CHECK(hidden.text(413) == "200 " + refusal(413, "请求体过大"));
}
