// One table from failures to the wire.
#include <catch2/catch.hpp>

#include "../support/refusals.hpp"
#include "errors.hpp"
#include "host.hpp"

using namespace im_test;
using im::wire_error;

TEST_CASE("every code has its status, and what is not the caller's fault says nothing about the host") {
  const auto of = [](Code code) { return wire_error({code, "some.reason", "path /etc/secret"}); };
  CHECK(of(Code::invalid).status == 400);
  CHECK(of(Code::unauthenticated).status == 401);
  CHECK(of(Code::forbidden).status == 403);
  CHECK(of(Code::not_found).status == 404);
  CHECK(of(Code::conflict).status == 400);
  CHECK(of(Code::expired).status == 400);
  CHECK(of(Code::too_large).status == 413);
  CHECK(of(Code::overloaded).status == 503);
  CHECK(of(Code::unavailable).status == 503);
  CHECK(of(Code::internal).status == 500);
  for (const auto code :
       {Code::internal, Code::unavailable, Code::overloaded, Code::unauthenticated, Code::not_found}) {
    CHECK(of(code).text.find("secret") == std::string::npos);
    CHECK(of(code).text.find("some.reason") == std::string::npos);
  }
}

TEST_CASE("the refusal of a plugin reaches the client with its own words, or else its reason") {
  CHECK(wire_error({Code::forbidden, "acme.blocked", "you were blocked"}).text == "Forbidden: you were blocked");
  CHECK(wire_error({Code::forbidden, "acme.blocked", {}}).text == "Forbidden: acme.blocked");
  CHECK(wire_error({Code::invalid, "content.invalid", "text must not be empty"}).text ==
        "Invalid content: text must not be empty");
  CHECK(wire_error({Code::forbidden, {}, {}}).text == "Forbidden");
}

TEST_CASE("not being a member is forbidden, except when leaving: then it is a bad request") {
  const Error error{Code::forbidden, "member.none", {}};
  CHECK(wire_error(error).status == 403);
  CHECK(wire_error(error, im::Act::leave).status == 400);
}

TEST_CASE("every reason that Messaging, Users and Identity document has words of its own") {
  const std::pair<Code, const char*> reasons[] = {{Code::invalid, "domain.unknown"},
                                                  {Code::forbidden, "domain.service_only"},
                                                  {Code::not_found, "user.unknown"},
                                                  {Code::not_found, "conversation.unknown"},
                                                  {Code::forbidden, "member.none"},
                                                  {Code::forbidden, "member.muted"},
                                                  {Code::forbidden, "conversation.read_only"},
                                                  {Code::conflict, "client_id.reused"},
                                                  {Code::too_large, "content.too_large"},
                                                  {Code::not_found, "message.unknown"},
                                                  {Code::forbidden, "mark.own_message"},
                                                  {Code::conflict, "conversation.handle_taken"},
                                                  {Code::too_large, "conversation.too_many_members"},
                                                  {Code::forbidden, "conversation.not_a_group"},
                                                  {Code::forbidden, "join.not_free"},
                                                  {Code::conflict, "member.already"},
                                                  {Code::conflict, "member.owner_stays"},
                                                  {Code::invalid, "user.handle_invalid"},
                                                  {Code::forbidden, "user.blocked"},
                                                  {Code::forbidden, "content.forbidden_word"},
                                                  {Code::unauthenticated, "token.missing"},
                                                  {Code::unauthenticated, "token.malformed"},
                                                  {Code::unauthenticated, "token.forged"},
                                                  {Code::unauthenticated, "token.expired"},
                                                  {Code::unauthenticated, "token.not_yet"},
                                                  {Code::unauthenticated, "token.algorithm"}};
  for (const auto& [code, reason] : reasons) {
    INFO(reason);
    CHECK(wire_error({code, reason, {}}).text != wire_error({code, {}, {}}).text);
    CHECK(wire_error({code, reason, {}}).text.find(reason) == std::string::npos);
  }
}

TEST_CASE("a host that is busy or without its storage says when to come back") {
  Bench bench;
  bench.messaging.inboxes.rule = [](const auto&) {
    return Error{Code::unavailable, "storage.unavailable", "db1:5432"};
  };
  const auto exchange =
      bench.routes.request(HttpMethod::get, "/api/v1/messages/offline", "", {{"X-User-ID", "user123"}});
  CHECK(exchange->status == 503);
  CHECK(exchange->answer == error_body("Service unavailable, try again later"));
  CHECK(exchange->answer_headers.at("Retry-After") == "1");
}

TEST_CASE("what an operator's rules refuse has fixed words, and whoever sends too much hears when to go on") {
  Bench bench;
  const auto answer = [&](Code code, const char* reason) {
    bench.messaging.submits.rule = [=](const auto&) { return Error{code, reason, "of the rule's own"}; };
    const auto exchange =
        bench.routes.request(HttpMethod::post, "/api/v1/messages",
                             R"({"receiver_id":"user456","type":"text","content":"x"})", {{"X-User-ID", "user123"}});
    bench.messaging.settle();
    return exchange;
  };
  const auto limited = answer(Code::overloaded, "rate.limited");
  CHECK(limited->status == 429);
  CHECK(limited->answer == error_body("Too many requests, try again later"));
  CHECK(limited->answer_headers.at("Retry-After") == "1");
  const auto blocked = answer(Code::forbidden, "user.blocked");
  CHECK(blocked->status == 403);
  CHECK(blocked->answer == error_body("Blocked by the receiver"));
  const auto word = answer(Code::forbidden, "content.forbidden_word");
  CHECK(word->status == 403);
  CHECK(word->answer == error_body("Message contains a forbidden word"));
}

TEST_CASE("times are written in whole seconds, whatever the year") {
  const auto text = [](Millis time) {
    std::string out;
    im::append_time(out, time);
    return out;
  };
  CHECK(text(0) == "1970-01-01T00:00:00Z");
  CHECK(text(1704067200999) == "2024-01-01T00:00:00Z");
  CHECK(text(1709251199000) == "2024-02-29T23:59:59Z");
  CHECK(text(-1) == "1969-12-31T23:59:59Z");
}

TEST_CASE("what is refused before a route sees it has the document's form and keeps its status") {
  Bench bench;
  tests::Refusals refusals(bench.contract);
  tests::check_refusals(refusals, "application/json", R"( {"error":")", "Not found");
  CHECK(refusals.text(413) == "413 " + error_body("Request too large"));
  CHECK(refusals.text(431) == "431 " + error_body("Request headers too large"));
  CHECK(refusals.text(426) == "426 " + error_body("WebSocket upgrade required"));
  CHECK(refusals.answer(503)->answer_headers.contains("Retry-After"));
}
