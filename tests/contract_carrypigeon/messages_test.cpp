#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

const std::string wrong_type = R"({"id":1,"code":100,"data":{"msg":"message type error"}})";

std::string request(std::string_view route, std::string_view data) {
  return R"({"id":1,"route":"/core/channel/message/)" + std::string(route) + R"(","data":)" + std::string(data) + "}";
}

}  // namespace

TEST_CASE("a message goes to the channel with its domain and its data as they were written") {
  Dialogue d;
  d.say(request("create", R"({"cid":12345,"domain":"Math:Formula","data":{"x" : 12345678901234567890, "y":1.50}})"));
  REQUIRE(d.messaging().submits.calls.size() == 1);
  const auto& call = d.messaging().submits.calls[0];
  CHECK(call.caller.session == 1);
  CHECK(call.request.to.by == ConversationRef::By::id);
  CHECK(call.request.to.number == 12345);
  CHECK(call.request.domain == "Math:Formula");
  CHECK(call.request.content == R"({"x" : 12345678901234567890, "y":1.50})");
  CHECK(call.request.client_id.empty());
  CHECK_FALSE(call.request.may_create_users);
  CHECK(d.heard().empty());  // nothing is said before the message is durable
  d.messaging().submits.answer(Accepted{std::make_shared<const MessageRecord>(message(noon_id + 3, "{}")), false});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"mid":114730598400003}})");
}

TEST_CASE("the domain may come in the field type, when domain is missing and it looks like one") {
  Dialogue d;
  d.say(request("create", R"({"cid":"5","type":"Core:Text","data":{"text":"a"}})"));
  d.say(request("create", R"({"cid":5,"type":"Core:Text","domain":"Core:Image","data":{}})"));
  REQUIRE(d.messaging().submits.calls.size() == 2);
  CHECK(d.messaging().submits.calls[0].request.to.number == 5);
  CHECK(d.messaging().submits.calls[0].request.domain == "Core:Text");
  CHECK(d.messaging().submits.calls[1].request.domain == "Core:Image");
  CHECK(d.ask(request("create", R"({"cid":5,"type":"text","data":{"text":"a"}})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":5,"type":7,"data":{"text":"a"}})")) == malformed);
}

TEST_CASE("a create that lacks something is code 100") {
  Dialogue d;
  CHECK(d.ask(request("create", R"({})")) == malformed);
  CHECK(d.ask(request("create", R"({"domain":"Core:Text","data":{"text":"a"}})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":null,"domain":"Core:Text","data":{"text":"a"}})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":1.0,"domain":"Core:Text","data":{"text":"a"}})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":"1x","domain":"Core:Text","data":{"text":"a"}})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":9223372036854775808,"domain":"Core:Text","data":{}})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":0,"domain":"Core:Text","data":{"text":"a"}})")) == out_of_range);
  CHECK(d.ask(request("create", R"({"cid":-5,"domain":"Core:Text","data":{"text":"a"}})")) == out_of_range);
  CHECK(d.ask(request("create", R"({"cid":5,"data":{"text":"a"}})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":5,"domain":7,"data":{"text":"a"}})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":5,"domain":"Core:Text"})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":5,"domain":"Core:Text","data":null})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":5,"domain":"Core:Text","data":"hello"})")) == wrong_type);
  CHECK(d.calls() == 0);
}

TEST_CASE("replies to messages in flight carry each its own id, in the order of the commits") {
  Dialogue d;
  d.say(R"({"id":21,"route":"/core/channel/message/create","data":{"cid":5,"domain":"Core:Text","data":{}}})");
  d.say(R"({"id":22,"route":"/core/channel/message/create","data":{"cid":5,"domain":"Core:Text","data":{}}})");
  REQUIRE(d.messaging().submits.calls.size() == 2);
  d.messaging().submits.answer(Accepted{std::make_shared<const MessageRecord>(message(1, "{}")), false});
  d.messaging().submits.answer(Error{Code::forbidden, "member.muted", ""});
  CHECK(d.heard() ==
        "{\"id\":21,\"code\":200,\"data\":{\"mid\":1}}\n"
        "{\"id\":22,\"code\":300,\"data\":{\"msg\":\"user is banned in this channel\"}}");
}

TEST_CASE("sender, admin and owner may delete, without a time limit unless the operator sets one") {
  Dialogue d;
  CHECK(d.option("delete_window").default_text == "0");
  d.say(request("delete", R"({"mid":114730598400003})"));
  d.option("delete_window").set_integer(120000);
  d.say(request("delete", R"({"mid":"114730598400003"})"));
  REQUIRE(d.messaging().recalls.calls.size() == 2);
  CHECK(raw(d.messaging().recalls.calls[0].request.message) == noon_id + 3);
  CHECK(d.messaging().recalls.calls[0].request.window == 0);
  CHECK(d.messaging().recalls.calls[0].request.managers_too);
  CHECK(raw(d.messaging().recalls.calls[1].request.message) == noon_id + 3);
  CHECK(d.messaging().recalls.calls[1].request.window == 120000);
  d.messaging().recalls.answer(Recalled{message(noon_id + 3, "{}"), false});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":null})");
}

TEST_CASE("deleting twice succeeds twice") {
  Dialogue d;
  d.say(request("delete", R"({"mid":7})"));
  REQUIRE(d.messaging().recalls.calls.size() == 1);
  d.messaging().recalls.answer(Recalled{recalled(message(7, "{}")), true});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":null})");
}

TEST_CASE("a delete that is not allowed says why") {
  Dialogue d;
  for (int i = 0; i < 3; ++i) d.say(request("delete", R"({"mid":7})"));
  REQUIRE(d.messaging().recalls.calls.size() == 3);
  d.messaging().recalls.answer(Error{Code::forbidden, "recall.not_yours", ""});
  d.messaging().recalls.answer(Error{Code::expired, "recall.expired", ""});
  d.messaging().recalls.answer(Error{Code::not_found, "message.unknown", ""});
  CHECK(d.heard() ==
        "{\"id\":1,\"code\":300,\"data\":{\"msg\":\"no permission to delete message\"}}\n"
        "{\"id\":1,\"code\":100,\"data\":{\"msg\":\"message delete timeout\"}}\n"
        "{\"id\":1,\"code\":100,\"data\":{\"msg\":\"message not found\"}}");
  CHECK(d.ask(request("delete", "{}")) == malformed);
  CHECK(d.ask(request("delete", R"({"mid":0})")) == out_of_range);
}

TEST_CASE("one message is returned with its domain and data") {
  Dialogue d;
  d.say(request("get", R"({"mid":114730598400003})"));
  REQUIRE(d.messaging().messages.calls.size() == 1);
  CHECK(raw(d.messaging().messages.calls[0].request) == noon_id + 3);
  d.messaging().messages.answer(message(noon_id + 3, R"({"text":"hello"})"));
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"mid":114730598400003,"domain":"Core:Text","uid":8,"cid":5,)"
                     R"("data":{"text":"hello"},"send_time":1763700000000}})");
}

TEST_CASE("a deleted message is not found, and its content does not leave the host") {
  Dialogue d;
  d.say(request("get", R"({"mid":7})"));
  d.say(request("get", R"({"mid":8})"));
  REQUIRE(d.messaging().messages.calls.size() == 2);
  d.messaging().messages.answer(recalled(message(7, R"({"text":"secret"})")));
  d.messaging().messages.answer(Error{Code::not_found, "message.unknown", ""});
  CHECK(d.heard() ==
        "{\"id\":1,\"code\":100,\"data\":{\"msg\":\"message not found\"}}\n"
        "{\"id\":1,\"code\":100,\"data\":{\"msg\":\"message not found\"}}");
  CHECK(d.ask(request("get", R"({"mid":{}})")) == malformed);
}

TEST_CASE("unread messages are counted from the client's time, not from what was read") {
  Dialogue d;
  d.say(request("unread/get", R"({"cid":5,"start_time":1763700000000})"));
  d.say(request("unread/get", R"({"cid":5,"startTime":"1763700000000"})"));
  d.say(request("unread/get", R"({"cid":5,"start_time":0})"));
  d.say(request("unread/get", R"({"cid":5,"start_time":-9})"));
  REQUIRE(d.messaging().unreads.calls.size() == 4);
  CHECK(d.messaging().unreads.calls[0].request.in->number == 5);
  CHECK(d.messaging().unreads.calls[0].request.since == noon);
  CHECK(d.messaging().unreads.calls[1].request.since == noon);
  CHECK(d.messaging().unreads.calls[2].request.since == 1);
  CHECK(d.messaging().unreads.calls[3].request.since == 1);
  d.messaging().unreads.answer(std::uint64_t{10});
  d.messaging().unreads.answer(Error{Code::forbidden, "member.none", ""});
  CHECK(d.heard() ==
        "{\"id\":1,\"code\":200,\"data\":{\"count\":10}}\n"
        "{\"id\":1,\"code\":300,\"data\":{\"msg\":\"you are not in this channel\"}}");
  CHECK(d.ask(request("unread/get", R"({"cid":5})")) == malformed);
  CHECK(d.ask(request("unread/get", R"({"start_time":5})")) == malformed);
}

TEST_CASE("the read state moves up to a time, and the reply alone tells nobody else") {
  Dialogue d;
  d.say(request("read/state/update", R"({"cid":5,"last_read_time":1763700000000})"));
  d.say(request("read/state/update", R"({"cid":5,"lastReadTime":1763700000000})"));
  d.say(request("read/state/update", R"({"cid":5,"last_read_time":2,"lastReadTime":3})"));
  REQUIRE(d.messaging().marks.calls.size() == 3);
  const MarkAct& act = d.messaging().marks.calls[0].request;
  CHECK(act.mark == MarkId::read);
  CHECK(act.in->number == 5);
  CHECK(act.up_to_time == noon);
  CHECK(act.up_to == MessageId::none);
  CHECK(act.messages.empty());
  CHECK_FALSE(act.also.has_value());
  CHECK(d.messaging().marks.calls[1].request.up_to_time == noon);
  CHECK(d.messaging().marks.calls[2].request.up_to_time == 2);
  d.messaging().marks.answer(Marked{3, true, static_cast<MessageId>(noon_id)});
  d.messaging().marks.answer(Marked{0, false, static_cast<MessageId>(noon_id)});
  CHECK(d.heard() == "{\"id\":1,\"code\":200,\"data\":null}\n{\"id\":1,\"code\":200,\"data\":null}");
  CHECK(d.ask(request("read/state/update", R"({"cid":5,"last_read_time":0})")) == out_of_range);
  CHECK(d.ask(request("read/state/update", R"({"cid":5,"last_read_time":-1})")) == out_of_range);
  CHECK(d.ask(request("read/state/update", R"({"cid":5})")) == malformed);
  CHECK(d.ask(request("read/state/update", R"({"cid":[5],"last_read_time":1})")) == malformed);
}

TEST_CASE("a time in the future is read up to now, so that it hides nothing that comes later") {
  Dialogue d;
  d.say(request("read/state/update", R"({"cid":5,"last_read_time":9223372036854775807})"));
  d.say(request("read/state/update", R"({"cid":5,"last_read_time":1763700000001})"));
  REQUIRE(d.messaging().marks.calls.size() == 2);
  for (const auto& call : d.messaging().marks.calls) CHECK(call.request.up_to_time == noon);
}

TEST_CASE("the read state is the latest time reached, 0 where there is none") {
  Dialogue d;
  d.say(request("read/state/get", R"({"cid":5})"));
  d.say(request("read/state/get", R"({"cid":5})"));
  d.say(request("read/state/get", R"({"cid":6})"));
  REQUIRE(d.messaging().mark_states.calls.size() == 3);
  CHECK(d.messaging().mark_states.calls[0].request.mark == MarkId::read);
  CHECK(d.messaging().mark_states.calls[0].request.ref.number == 5);
  d.messaging().mark_states.answer(MarkState{MessageId::none, 1763700000000});
  d.messaging().mark_states.answer(MarkState{});
  d.messaging().mark_states.answer(Error{Code::not_found, "conversation.unknown", ""});
  CHECK(d.heard() ==
        "{\"id\":1,\"code\":200,\"data\":{\"cid\":5,\"uid\":7,\"last_read_time\":1763700000000}}\n"
        "{\"id\":1,\"code\":200,\"data\":{\"cid\":5,\"uid\":7,\"last_read_time\":0}}\n"
        "{\"id\":1,\"code\":100,\"data\":{\"msg\":\"channel not found\"}}");
  CHECK(d.ask(request("read/state/get", "{}")) == malformed);
}
