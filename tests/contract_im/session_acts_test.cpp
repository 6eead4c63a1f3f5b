// WebSocket: acknowledging, offline messages, joining and leaving.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace im_test;

namespace {

auto refuse(Code code, std::string reason) {
  return [=](const auto&) { return Error{code, reason, "internal words"}; };
}

}  // namespace

TEST_CASE("an acknowledgement moves marks strictly and is answered") {
  Bench bench;
  Client client(bench);
  bench.messaging.marks.rule = [](const auto&) { return Marked{1, true, {}}; };
  CHECK(
      client.ask(R"({"type":"ack","data":{"message_id":"msg_123456","status":"read"},"timestamp":1640995200000})") ==
      R"({"type":"ack","data":{"success":true,"message_id":"msg_123456","status":"read"},"timestamp":1640995200000})");
  auto act = bench.messaging.marks.last();
  CHECK(act.mark == MarkId::read);
  CHECK(act.also == static_cast<MarkId>(3));
  CHECK(act.strict);
  CHECK(act.messages == std::vector{static_cast<MessageId>(123456)});
  for (const char* id : {"\"123456\"", "123456", "\"msg_123456\""}) {
    CHECK(
        client.ask(R"({"type":"ack","data":{"status":"delivered","message_id":)" + std::string(id) + "}}") ==
        R"({"type":"ack","data":{"success":true,"message_id":"msg_123456","status":"delivered"},"timestamp":1640995200000})");
    CHECK(bench.messaging.marks.last().mark == MarkId::delivered);
    CHECK(bench.messaging.marks.last().also == static_cast<MarkId>(3));
    CHECK(bench.messaging.marks.last().messages == std::vector{static_cast<MessageId>(123456)});
  }
}

TEST_CASE("ids are exact up to the last digit") {
  Bench bench;
  Client client(bench);
  client.say(R"({"type":"ack","data":{"message_id":1760163332012743905,"status":"read"}})");
  CHECK(bench.messaging.marks.last().messages == std::vector{static_cast<MessageId>(1760163332012743905)});
}

TEST_CASE("an acknowledgement that cannot be is an error") {
  Bench bench;
  Client client(bench);
  const std::pair<const char*, const char*> rows[] = {
      {R"({"message_id":"msg_1","status":"sent"})", "status must be delivered or read"},
      {R"({"message_id":"msg_1","status":"failed"})", "status must be delivered or read"},
      {R"({"message_id":"msg_1"})", "status is required"},
      {R"({"message_id":"msg_1","status":1})", "status must be a string"},
      {R"({"status":"read"})", "message_id is required"},
      {R"({"message_id":1.0,"status":"read"})", "message_id must be a string or an integer"},
      {R"({"message_id":"msg_x","status":"read"})", "Message not found"},
      {R"({"message_id":-4,"status":"read"})", "Message not found"},
      {R"({"message_id":"99999999999999999999","status":"read"})", "Message not found"},
      {"null", "data is required"},
  };
  for (const auto& [data, text] : rows) {
    CHECK(client.ask(R"({"type":"ack","data":)" + std::string(data) + "}") == error_frame(text));
  }
  CHECK(bench.messaging.marks.calls.empty());
  bench.messaging.marks.rule = refuse(Code::forbidden, "mark.own_message");
  CHECK(client.ask(R"({"type":"ack","data":{"message_id":"msg_1","status":"read"}})") ==
        error_frame("Only a recipient can acknowledge a message"));
  bench.messaging.marks.rule = refuse(Code::not_found, "message.unknown");
  CHECK(client.ask(R"({"type":"ack","data":{"message_id":"msg_1","status":"read"}})") ==
        error_frame("Message not found"));
}

TEST_CASE("offline messages without a cursor are those that no client of this contract has fetched") {
  Bench bench;
  Client client(bench);
  bench.messaging.inboxes.rule = [&](const auto&) { return Page{{bench.record(), bench.record()}, 0, true}; };
  CHECK(client.ask(R"({"type":"sync_offline","data":{"limit":2},"timestamp":1})") ==
        R"({"type":"sync_offline","data":{"messages":[)" + hello + "," + hello +
            R"(],"has_more":true},"timestamp":1640995200000})");
  auto query = bench.messaging.inboxes.last();
  CHECK(query.lacking == static_cast<MarkId>(3));
  CHECK(query.mark_returned == static_cast<MarkId>(3));
  CHECK(query.after == MessageId::none);
  CHECK(query.limit == 2);

  bench.messaging.inboxes.rule = [](const auto&) { return Page{}; };
  CHECK(client.ask(R"({"type":"sync_offline","data":{"last_message_id":"msg_123456","limit":50}})") ==
        R"({"type":"sync_offline","data":{"messages":[],"has_more":false},"timestamp":1640995200000})");
  query = bench.messaging.inboxes.last();
  CHECK_FALSE(query.lacking);
  CHECK(query.mark_returned == static_cast<MarkId>(3));
  CHECK(query.after == static_cast<MessageId>(123456));
}

TEST_CASE("the limit of offline messages stays between 1 and 200 and is 50 where it is not said") {
  Bench bench;
  Client client(bench);
  const auto limit = [&](std::string_view data) {
    client.say(R"({"type":"sync_offline","data":)" + std::string(data) + "}");
    return bench.messaging.inboxes.last().limit;
  };
  CHECK(limit("{}") == 50);
  CHECK(limit("null") == 50);
  CHECK(limit(R"({"limit":0,"last_message_id":""})") == 1);
  CHECK(limit(R"({"limit":-3,"last_message_id":null})") == 1);
  CHECK(limit(R"({"limit":201})") == 200);
  for (const auto* beginning : {"0", R"("0")", R"("msg_0")"}) {
    limit(R"({"last_message_id":)" + std::string(beginning) + "}");
    CHECK(bench.messaging.inboxes.last().after == MessageId::none);
    CHECK_FALSE(bench.messaging.inboxes.last().lacking);
  }
  const auto asked = bench.messaging.inboxes.calls.size();
  CHECK(client.ask(R"({"type":"sync_offline","data":{"limit":"50"}})") == error_frame("limit must be an integer"));
  CHECK(client.ask(R"({"type":"sync_offline","data":{"limit":1.5}})") == error_frame("limit must be an integer"));
  CHECK(client.ask(R"({"type":"sync_offline","data":{"last_message_id":"x"}})") ==
        error_frame("last_message_id is not a message ID"));
  CHECK(bench.messaging.inboxes.calls.size() == asked);
}

TEST_CASE("joining and leaving a group are answered; doing it twice is an error") {
  Bench bench;
  Client client(bench);
  bench.messaging.memberships.rule = [&](const auto&) { return bench.member(bench.alice); };
  CHECK(client.ask(R"({"type":"join_group","data":{"group_id":"group123"},"timestamp":1640995200000})") ==
        R"({"type":"join_group","data":{"success":true,"group_id":"group123"},"timestamp":1640995200000})");
  CHECK(bench.messaging.memberships.last().kind == MembershipAct::Kind::join);
  CHECK(bench.messaging.memberships.last().in.by == ConversationRef::By::handle_or_id);
  CHECK(bench.messaging.memberships.last().in.text == "group123");
  CHECK(client.ask(R"({"type":"leave_group","data":{"group_id":900}})") ==
        R"({"type":"leave_group","data":{"success":true,"group_id":"900"},"timestamp":1640995200000})");
  CHECK(bench.messaging.memberships.last().kind == MembershipAct::Kind::leave);

  const auto answer = [&](const char* type, Code code, const char* reason) {
    bench.messaging.memberships.rule = refuse(code, reason);
    return client.ask(R"({"type":")" + std::string(type) + R"(","data":{"group_id":"g"}})");
  };
  CHECK(answer("join_group", Code::conflict, "member.already") == error_frame("Already a member of the group"));
  CHECK(answer("join_group", Code::forbidden, "join.not_free") ==
        error_frame("This group cannot be joined without an invitation or approval"));
  CHECK(answer("join_group", Code::not_found, "conversation.unknown") == error_frame("Group not found"));
  CHECK(answer("leave_group", Code::forbidden, "member.none") == error_frame("Not a member of the group"));
  CHECK(answer("leave_group", Code::conflict, "member.owner_stays") == error_frame("The owner cannot leave the group"));
  CHECK(client.ask(R"({"type":"join_group","data":{}})") == error_frame("group_id is required"));
  CHECK(client.ask(R"({"type":"join_group"})") == error_frame("data is required"));
  CHECK(client.ask(R"({"type":"leave_group","data":{"group_id":[]}})") ==
        error_frame("group_id must be a string or an integer"));
}
