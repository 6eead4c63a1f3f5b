#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

const std::string malformed = R"({"id":1,"code":100,"data":{"msg":"invalid request args"}})";
const std::string out_of_range = R"({"id":1,"code":100,"data":{"msg":"error args"}})";
const std::string wrong_type = R"({"id":1,"code":100,"data":{"msg":"message type error"}})";

std::string request(std::string_view route, std::string_view data) {
  return R"({"id":1,"route":"/core/channel/message/)" + std::string(route) + R"(","data":)" + std::string(data) + "}";
}

}  // namespace

TEST_CASE("a message goes to the channel with its domain and its data as they were written") {
  Dialogue d;
  d.say(request("create", R"({"cid":12345,"domain":"Math:Formula","data":{"x" : 12345678901234567890, "y":1.50}})"));
  REQUIRE(d.messaging().submits.size() == 1);
  auto& call = d.messaging().submits[0];
  CHECK(call.caller.session == 1);
  CHECK(call.args.to.by == ConversationRef::By::id);
  CHECK(call.args.to.number == 12345);
  CHECK(call.args.domain == "Math:Formula");
  CHECK(call.args.content == R"({"x" : 12345678901234567890, "y":1.50})");
  CHECK(call.args.client_id.empty());
  CHECK_FALSE(call.args.may_create_users);
  CHECK(d.heard().empty());  // nothing is said before the message is durable
  call.done(Accepted{std::make_shared<const MessageRecord>(message(noon_id + 3, "{}")), false});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"mid":114730598400003}})");
}

TEST_CASE("the domain may come in the field type, when domain is missing and it looks like one") {
  Dialogue d;
  d.say(request("create", R"({"cid":"5","type":"Core:Text","data":{"text":"a"}})"));
  d.say(request("create", R"({"cid":5,"type":"Core:Text","domain":"Core:Image","data":{}})"));
  REQUIRE(d.messaging().submits.size() == 2);
  CHECK(d.messaging().submits[0].args.to.number == 5);
  CHECK(d.messaging().submits[0].args.domain == "Core:Text");
  CHECK(d.messaging().submits[1].args.domain == "Core:Image");
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
  CHECK(d.messaging().calls() == 0);
}

TEST_CASE("replies to messages in flight carry each its own id, in the order of the commits") {
  Dialogue d;
  d.say(R"({"id":21,"route":"/core/channel/message/create","data":{"cid":5,"domain":"Core:Text","data":{}}})");
  d.say(R"({"id":22,"route":"/core/channel/message/create","data":{"cid":5,"domain":"Core:Text","data":{}}})");
  REQUIRE(d.messaging().submits.size() == 2);
  d.messaging().submits[0].done(Accepted{std::make_shared<const MessageRecord>(message(1, "{}")), false});
  d.messaging().submits[1].done(Error{Code::forbidden, "member.muted", ""});
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
  REQUIRE(d.messaging().recalls.size() == 2);
  CHECK(raw(d.messaging().recalls[0].args.message) == noon_id + 3);
  CHECK(d.messaging().recalls[0].args.window == 0);
  CHECK(d.messaging().recalls[0].args.managers_too);
  CHECK(raw(d.messaging().recalls[1].args.message) == noon_id + 3);
  CHECK(d.messaging().recalls[1].args.window == 120000);
  d.messaging().recalls[0].done(Recalled{message(noon_id + 3, "{}"), false});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":null})");
}

TEST_CASE("deleting twice succeeds twice") {
  Dialogue d;
  d.say(request("delete", R"({"mid":7})"));
  REQUIRE(d.messaging().recalls.size() == 1);
  d.messaging().recalls[0].done(Recalled{recalled(message(7, "{}")), true});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":null})");
}

TEST_CASE("a delete that is not allowed says why") {
  Dialogue d;
  for (int i = 0; i < 3; ++i) d.say(request("delete", R"({"mid":7})"));
  REQUIRE(d.messaging().recalls.size() == 3);
  d.messaging().recalls[0].done(Error{Code::forbidden, "recall.not_yours", ""});
  d.messaging().recalls[1].done(Error{Code::expired, "recall.expired", ""});
  d.messaging().recalls[2].done(Error{Code::not_found, "message.unknown", ""});
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
  REQUIRE(d.messaging().gets.size() == 1);
  CHECK(raw(d.messaging().gets[0].args) == noon_id + 3);
  d.messaging().gets[0].done(message(noon_id + 3, R"({"text":"hello"})"));
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"mid":114730598400003,"domain":"Core:Text","uid":8,"cid":5,)"
                     R"("data":{"text":"hello"},"send_time":1763700000000}})");
}

TEST_CASE("a deleted message is not found, and its content does not leave the host") {
  Dialogue d;
  d.say(request("get", R"({"mid":7})"));
  d.say(request("get", R"({"mid":8})"));
  REQUIRE(d.messaging().gets.size() == 2);
  d.messaging().gets[0].done(recalled(message(7, R"({"text":"secret"})")));
  d.messaging().gets[1].done(Error{Code::not_found, "message.unknown", ""});
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
  REQUIRE(d.messaging().unreads.size() == 4);
  CHECK(d.messaging().unreads[0].args.in->number == 5);
  CHECK(d.messaging().unreads[0].args.since == noon);
  CHECK(d.messaging().unreads[1].args.since == noon);
  CHECK(d.messaging().unreads[2].args.since == 1);
  CHECK(d.messaging().unreads[3].args.since == 1);
  d.messaging().unreads[0].done(std::uint64_t{10});
  d.messaging().unreads[1].done(Error{Code::forbidden, "member.none", ""});
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
  REQUIRE(d.messaging().marks.size() == 3);
  const MarkAct& act = d.messaging().marks[0].args;
  CHECK(act.mark == MarkId::read);
  CHECK(act.in->number == 5);
  CHECK(act.up_to_time == noon);
  CHECK(act.up_to == MessageId::none);
  CHECK(act.messages.empty());
  CHECK_FALSE(act.also.has_value());
  CHECK(d.messaging().marks[1].args.up_to_time == noon);
  CHECK(d.messaging().marks[2].args.up_to_time == 2);
  d.messaging().marks[0].done(Marked{3, true, static_cast<MessageId>(noon_id)});
  d.messaging().marks[1].done(Marked{0, false, static_cast<MessageId>(noon_id)});
  CHECK(d.heard() == "{\"id\":1,\"code\":200,\"data\":null}\n{\"id\":1,\"code\":200,\"data\":null}");
  CHECK(d.ask(request("read/state/update", R"({"cid":5,"last_read_time":0})")) == out_of_range);
  CHECK(d.ask(request("read/state/update", R"({"cid":5,"last_read_time":-1})")) == out_of_range);
  CHECK(d.ask(request("read/state/update", R"({"cid":5})")) == malformed);
  CHECK(d.ask(request("read/state/update", R"({"cid":[5],"last_read_time":1})")) == malformed);
}

TEST_CASE("the read state is the latest time reached, 0 where there is none") {
  Dialogue d;
  d.say(request("read/state/get", R"({"cid":5})"));
  d.say(request("read/state/get", R"({"cid":5})"));
  d.say(request("read/state/get", R"({"cid":6})"));
  REQUIRE(d.messaging().states.size() == 3);
  CHECK(d.messaging().states[0].args.mark == MarkId::read);
  CHECK(d.messaging().states[0].args.ref.number == 5);
  d.messaging().states[0].done(MarkState{MessageId::none, 1763700000000});
  d.messaging().states[1].done(MarkState{});
  d.messaging().states[2].done(Error{Code::not_found, "conversation.unknown", ""});
  CHECK(d.heard() ==
        "{\"id\":1,\"code\":200,\"data\":{\"cid\":5,\"uid\":7,\"last_read_time\":1763700000000}}\n"
        "{\"id\":1,\"code\":200,\"data\":{\"cid\":5,\"uid\":7,\"last_read_time\":0}}\n"
        "{\"id\":1,\"code\":100,\"data\":{\"msg\":\"channel not found\"}}");
  CHECK(d.ask(request("read/state/get", "{}")) == malformed);
}
