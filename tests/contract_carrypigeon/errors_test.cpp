#include <catch2/catch.hpp>

#include "carrypigeon/errors.hpp"
#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

/// What a client hears when the host answers a message with this.
std::string heard_of(Error error) {
  Dialogue d;
  d.say(R"({"id":1,"route":"/core/channel/message/create","data":{"cid":5,"domain":"Core:Text","data":{}}})");
  d.messaging().submits.answer(std::move(error));
  return d.heard();
}

}  // namespace

TEST_CASE("each reason of the host has its code and words, whatever its detail says") {
  const struct {
    Code code;
    const char* reason;
    int wire;
    const char* text;
  } rows[] = {
      {Code::forbidden, "content.forbidden_word", 100, "message has a forbidden word"},
      {Code::invalid, "content.invalid", 100, "message type error"},
      {Code::invalid, "content.not_an_object", 100, "message type error"},
      {Code::too_large, "content.too_large", 100, "message too large"},
      {Code::invalid, "domain.unknown", 100, "message type error"},
      {Code::forbidden, "domain.service_only", 300, "system messages are sent by the operator"},
      {Code::forbidden, "conversation.not_a_group", 300, "you are not the owner of this channel"},
      {Code::too_large, "conversation.too_many_members", 100, "too many channel members"},
      {Code::not_found, "conversation.unknown", 100, "channel not found"},
      {Code::forbidden, "conversation.read_only", 300, "this channel is read-only"},
      {Code::conflict, "key.changed", 500, "server busy, try again later"},
      {Code::conflict, "member.already", 100, "already a member of this channel"},
      {Code::conflict, "member.owner_stays", 100, "the owner cannot leave this channel"},
      {Code::forbidden, "member.muted", 300, "user is banned in this channel"},
      {Code::forbidden, "member.none", 300, "you are not in this channel"},
      {Code::not_found, "member.unknown", 100, "channel member not found"},
      {Code::not_found, "message.unknown", 100, "message not found"},
      {Code::overloaded, "rate.limited", 300, "too many requests, try again later"},
      {Code::expired, "recall.expired", 100, "message delete timeout"},
      {Code::forbidden, "recall.not_yours", 300, "no permission to delete message"},
      {Code::forbidden, "role.required", 300, "you are not the admin of this channel"},
      {Code::unauthenticated, "token.expired", 300, "invalid or expired token"},
      {Code::forbidden, "user.blocked", 300, "you are blocked by this user"},
      {Code::not_found, "user.unknown", 100, "user not found"},
  };
  for (const auto& row : rows) {
    INFO(row.reason);
    CHECK(heard_of({row.code, row.reason, "for developers"}) == failed(row.wire, row.text));
  }
}

TEST_CASE("with compat_business_codes only a missing login stays 300") {
  const auto heard = [](Error error) {
    Dialogue d;
    d.option("compat_business_codes").set_boolean(true);
    d.say(R"({"id":1,"route":"/core/channel/message/create","data":{"cid":5,"domain":"Core:Text","data":{}}})");
    d.messaging().submits.answer(std::move(error));
    return d.heard();
  };
  CHECK(heard({Code::forbidden, "member.muted", ""}) == failed(100, "user is banned in this channel"));
  CHECK(heard({Code::forbidden, "spam.blocked", "no"}) == failed(100, "no"));
  CHECK(heard({Code::unauthenticated, "token.expired", ""}) == failed(300, "invalid or expired token"));
  CHECK(heard({Code::overloaded, "", ""}) == failed(500, "server busy, try again later"));
  Dialogue stranger(Dialogue::Begin::stranger);
  stranger.option("compat_business_codes").set_boolean(true);
  CHECK(stranger.ask(R"({"id":1,"route":"/core/channel/list"})") == failed(300, "user not login"));
}

TEST_CASE("an error without a reason is told by its code") {
  CHECK(heard_of({Code::invalid, "", ""}) == failed(100, "error args"));
  CHECK(heard_of({Code::unauthenticated, "", ""}) == failed(300, "user not login"));
  CHECK(heard_of({Code::forbidden, "", ""}) == failed(300, "no permission"));
  CHECK(heard_of({Code::not_found, "", ""}) == failed(100, "not found"));
  CHECK(heard_of({Code::conflict, "", ""}) == failed(100, "conflict"));
  CHECK(heard_of({Code::expired, "", ""}) == failed(100, "too late"));
  CHECK(heard_of({Code::too_large, "", ""}) == failed(100, "too large"));
  CHECK(heard_of({Code::overloaded, "", ""}) == failed(500, "server busy, try again later"));
  CHECK(heard_of({Code::unavailable, "", ""}) == failed(500, "service unavailable, try again later"));
  CHECK(heard_of({Code::internal, "", ""}) == failed(500, "internal error"));
}

TEST_CASE("what an interceptor refuses with reaches the client in its own words") {
  CHECK(heard_of({Code::forbidden, "spam.blocked", "links are not allowed \"here\""}) ==
        failed(300, R"(links are not allowed \"here\")"));
  CHECK(heard_of({Code::invalid, "spam.blocked", ""}) == failed(100, "spam.blocked"));
}

TEST_CASE("what is wrong inside the host stays inside") {
  CHECK(heard_of({Code::internal, "sql.broken", "SELECT * FROM secrets"}) == failed(500, "internal error"));
  CHECK(heard_of({Code::unavailable, "storage.down", "10.0.0.5 refused"}) ==
        failed(500, "service unavailable, try again later"));
  CHECK(heard_of({Code::overloaded, "queue.full", "queue commit"}) == failed(500, "server busy, try again later"));
}

TEST_CASE("a refusal of any length fits a frame") {
  CHECK(heard_of({Code::forbidden, "spam.blocked", std::string(100000, '\x01')}).size() <= 65535);
}
