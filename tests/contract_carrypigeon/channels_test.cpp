#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

std::string request(std::string_view route, std::string_view data) {
  return R"({"id":1,"route":"/core/channel/)" + std::string(route) + R"(","data":)" + std::string(data) + "}";
}

}  // namespace

TEST_CASE("a channel is made with the caller as its owner and returned by its cid") {
  Dialogue d;
  d.say(request("create", R"({"name":"te\u0061","brief":"about tea","avatar":"a.png"})"));
  d.say(request("create", "{}"));
  d.say(R"({"id":1,"route":"/core/channel/create"})");
  REQUIRE(d.messaging().creates.calls.size() == 3);
  const NewConversation& made = d.messaging().creates.calls[0].request;
  CHECK(made.name == "tea");
  CHECK(made.description == "about tea");
  CHECK(made.avatar == "a.png");
  CHECK(made.handle.empty());
  CHECK(made.members.empty());
  CHECK(made.join == JoinRule::free);
  CHECK(d.messaging().creates.calls[1].request.name.empty());
  d.messaging().creates.answer(record(group(12345, "tea")));
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"cid":12345}})");
}

TEST_CASE("the operator says who may join channels made here") {
  Dialogue d;
  d.option("channel_join").set_text("approval");
  d.say(request("create", "{}"));
  REQUIRE(d.messaging().creates.calls.size() == 1);
  CHECK(d.messaging().creates.calls[0].request.join == JoinRule::approval);
}

TEST_CASE("a channel's texts have a length; what is no text is refused") {
  Dialogue d;
  std::string longest;
  for (int i = 0; i < 100; ++i) longest += "茶";
  d.say(request("create", R"({"name":")" + longest + "\"}"));
  REQUIRE(d.messaging().creates.calls.size() == 1);
  CHECK(d.messaging().creates.calls[0].request.name == longest);
  CHECK(d.ask(request("create", R"({"name":")" + longest + "x\"}")) == out_of_range);
  CHECK(d.ask(request("create", R"({"brief":")" + std::string(501, 'x') + "\"}")) == out_of_range);
  CHECK(d.ask(request("create", R"({"avatar":")" + std::string(501, 'x') + "\"}")) == out_of_range);
  CHECK(d.ask(request("create", R"({"name":7})")) == malformed);
  CHECK(d.ask(request("create", R"({"avatar":[]})")) == malformed);
  CHECK(d.ask(request("create", R"({"avatar":1.5})")) == malformed);
  CHECK(d.messaging().creates.calls.size() == 1);
}

TEST_CASE("the list shows groups with their owner and private conversations under the peer's name") {
  Dialogue d;
  d.say(request("list", "{}"));
  REQUIRE(d.messaging().lists.calls.size() == 1);
  CHECK(d.messaging().lists.calls[0].request.limit == 1250);
  CHECK_FALSE(d.messaging().lists.calls[0].request.groups_only);
  auto tea = group(5, "tea \"room\"", 8);
  tea.description = "about tea";
  tea.avatar = "a.png";
  Conversation system;
  system.id = static_cast<ConversationId>(9);
  system.kind = ConversationKind::system;
  system.name = "news";
  std::vector<ConversationRecord> channels;
  channels.push_back(record(std::move(tea)));
  channels.push_back(direct(6, "bob"));
  channels.push_back(record(std::move(system)));
  d.messaging().lists.answer(std::move(channels));
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"count":3,"channels":[)"
                     R"({"cid":5,"name":"tea \"room\"","owner":8,"avatar":"a.png","brief":"about tea"},)"
                     R"({"cid":6,"name":"bob","owner":-1,"avatar":"","brief":""},)"
                     R"({"cid":9,"name":"news","owner":-1,"avatar":"","brief":""}]}})");
}

TEST_CASE("everyone may look at a group's profile") {
  Dialogue d;
  d.say(request("profile/get", R"({"cid":5})"));
  REQUIRE(d.messaging().infos.calls.size() == 1);
  CHECK(d.messaging().infos.calls[0].request.ref.number == 5);
  CHECK_FALSE(d.messaging().infos.calls[0].request.must_be_member);
  auto tea = group(5, "tea");
  tea.description = "about tea";
  tea.avatar = "a.png";
  d.messaging().infos.answer(record(std::move(tea)));
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"name":"tea","owner":7,"brief":"about tea","avatar":"a.png",)"
                     R"("create_time":1763700000000}})");
}

TEST_CASE("at a private conversation only its two may look") {
  Dialogue d;
  d.say(request("profile/get", R"({"cid":6})"));
  d.messaging().infos.answer(direct(6, "bob"));
  CHECK(d.heard().empty());
  REQUIRE(d.messaging().infos.calls.size() == 2);
  CHECK(d.messaging().infos.calls[1].request.ref.number == 6);
  CHECK(d.messaging().infos.calls[1].request.must_be_member);
  d.messaging().infos.answer(Error{Code::forbidden, "member.none", ""});
  CHECK(d.heard() == R"({"id":1,"code":300,"data":{"msg":"you are not in this channel"}})");

  d.say(request("profile/get", R"({"cid":6})"));
  d.messaging().infos.answer(direct(6, "bob"));
  d.messaging().infos.answer(direct(6, "bob"));
  CHECK(d.heard() ==
        R"({"id":1,"code":200,"data":{"name":"bob","owner":-1,"brief":"","avatar":"","create_time":1763700000000}})");
}

TEST_CASE("a profile of nothing is refused") {
  Dialogue d;
  d.say(request("profile/get", R"({"cid":404})"));
  d.messaging().infos.answer(Error{Code::not_found, "conversation.unknown", ""});
  CHECK(d.heard() == R"({"id":1,"code":100,"data":{"msg":"channel not found"}})");
  CHECK(d.ask(request("profile/get", "{}")) == malformed);
  CHECK(d.ask(request("profile/get", R"({"cid":0})")) == out_of_range);
}

TEST_CASE("an avatar may be a number, as older clients have it") {
  Dialogue d;
  d.say(request("create", R"({"avatar":12})"));
  REQUIRE(d.messaging().creates.calls.size() == 1);
  CHECK(d.messaging().creates.calls[0].request.avatar == "12");
}

TEST_CASE("the owner changes a channel's profile; what is missing stays") {
  Dialogue d;
  d.say(request("profile/update", R"({"cid":5,"name":"Tea","brief":"","avatar":"b.png","owner":8})"));
  d.say(request("profile/update", R"({"cid":5,"brief":"b"})"));
  d.say(request("profile/update", R"({"cid":5,"owner":9})"));
  d.say(request("profile/update", R"({"cid":6,"name":"x"})"));
  auto& asked = d.messaging().changes;
  REQUIRE(asked.calls.size() == 4);
  const ConversationAct& all = asked.calls[0].request;
  CHECK(all.kind == ConversationAct::Kind::update);
  CHECK(all.at_least == Role::owner);
  CHECK(all.in.number == 5);
  CHECK(all.name == "Tea");
  CHECK(all.description == "");
  CHECK(all.avatar == "b.png");
  CHECK(all.owner->number == 8);
  CHECK_FALSE(all.join);
  CHECK_FALSE(all.max_members);
  const ConversationAct& some = asked.calls[1].request;
  CHECK_FALSE(some.name);
  CHECK(some.description == "b");
  CHECK_FALSE(some.avatar);
  CHECK_FALSE(some.owner);
  asked.answer(record(group(5)));
  asked.answer(Error{Code::forbidden, "role.required", ""});
  asked.answer(Error{Code::not_found, "member.unknown", ""});
  asked.answer(Error{Code::forbidden, "conversation.not_a_group", ""});
  CHECK(d.heard() == done + "\n" + failed(300, "you are not the owner of this channel") + "\n" +
                         failed(100, "channel member not found") + "\n" +
                         failed(300, "you are not the owner of this channel"));
  CHECK(d.ask(request("profile/update", R"({"name":"x"})")) == malformed);
  CHECK(d.ask(request("profile/update", R"({"cid":5,"owner":"x"})")) == malformed);
  CHECK(d.ask(request("profile/update", R"({"cid":5,"owner":-1})")) == out_of_range);
  CHECK(d.ask(request("profile/update", R"({"cid":5,"name":")" + std::string(101, 'x') + "\"}")) == out_of_range);
}

TEST_CASE("deleting a channel dissolves it; a dissolved one is not found") {
  Dialogue d;
  d.say(request("delete", R"({"cid":5})"));
  REQUIRE(d.messaging().changes.calls.size() == 1);
  CHECK(d.messaging().changes.calls[0].request.kind == ConversationAct::Kind::dissolve);
  CHECK(d.messaging().changes.calls[0].request.in.number == 5);
  d.messaging().changes.answer(record(group(5)));
  CHECK(d.heard() == done);
  d.say(request("delete", R"({"cid":5})"));
  d.messaging().changes.answer(Error{Code::forbidden, "role.required", ""});
  CHECK(d.heard() == failed(300, "you are not the owner of this channel"));
  CHECK(d.ask(request("delete", "{}")) == malformed);
  auto over = group(5);
  over.dissolved = true;
  d.say(request("profile/get", R"({"cid":5})"));
  d.messaging().infos.answer(record(over));
  CHECK(d.heard() == failed(100, "channel not found"));
}

TEST_CASE("what only the operator's backends write to is a channel without an owner, named by its topic") {
  Dialogue d;
  Conversation system, broadcast;
  system.id = static_cast<ConversationId>(9);
  system.kind = ConversationKind::system;
  system.topic = "notification";
  broadcast.id = static_cast<ConversationId>(10);
  broadcast.kind = ConversationKind::broadcast;
  broadcast.topic = "announcement";
  d.say(request("list", "{}"));
  d.messaging().lists.answer(std::vector{record(system), record(broadcast)});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"count":2,"channels":[)"
                     R"({"cid":9,"name":"notification","owner":-1,"avatar":"","brief":""},)"
                     R"({"cid":10,"name":"announcement","owner":-1,"avatar":"","brief":""}]}})");
}

TEST_CASE("members are listed with their authority to members only; who left is not among them") {
  Dialogue d;
  d.say(request("member/list", R"({"cid":5})"));
  REQUIRE(d.messaging().rosters.calls.size() == 1);
  CHECK(d.messaging().rosters.calls[0].request.ref.number == 5);
  CHECK(d.messaging().rosters.calls[0].request.must_be_member);
  auto gone = member(10, "eve", Role::member);
  gone.member.left = true;
  d.messaging().rosters.answer(
      std::vector{member(7, "ann", Role::owner), member(8, "bob", Role::admin), member(9, "cy", Role::member), gone});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"count":3,"members":[)"
                     R"({"uid":7,"name":"ann","authority":1,"join_time":1763700000000},)"
                     R"({"uid":8,"name":"bob","authority":1,"join_time":1763700000000},)"
                     R"({"uid":9,"name":"cy","authority":0,"join_time":1763700000000}]}})");
  d.say(request("member/list", R"({"cid":5})"));
  d.messaging().rosters.answer(Error{Code::forbidden, "member.none", ""});
  CHECK(d.heard() == R"({"id":1,"code":300,"data":{"msg":"you are not in this channel"}})");
  CHECK(d.ask(request("member/list", "{}")) == malformed);
}
