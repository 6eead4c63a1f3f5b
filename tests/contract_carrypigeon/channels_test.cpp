#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

const std::string malformed = R"({"id":1,"code":100,"data":{"msg":"invalid request args"}})";
const std::string out_of_range = R"({"id":1,"code":100,"data":{"msg":"error args"}})";

std::string request(std::string_view route, std::string_view data) {
  return R"({"id":1,"route":"/core/channel/)" + std::string(route) + R"(","data":)" + std::string(data) + "}";
}

MemberRecord member(std::uint64_t uid, std::string handle, Role role) {
  Member stored;
  stored.user = static_cast<UserId>(uid);
  stored.role = role;
  stored.joined = noon_id;
  return {stored, user(uid, std::move(handle))};
}

}  // namespace

TEST_CASE("a channel is made with the caller as its owner and returned by its cid") {
  Dialogue d;
  d.say(request("create", R"({"name":"te\u0061","brief":"about tea","avatar":"a.png"})"));
  d.say(request("create", "{}"));
  d.say(R"({"id":1,"route":"/core/channel/create"})");
  REQUIRE(d.messaging().creates.size() == 3);
  const NewConversation& made = d.messaging().creates[0].args;
  CHECK(made.name == "tea");
  CHECK(made.description == "about tea");
  CHECK(made.avatar == "a.png");
  CHECK(made.handle.empty());
  CHECK(made.members.empty());
  CHECK(made.join == JoinRule::free);
  CHECK(d.messaging().creates[1].args.name.empty());
  d.messaging().creates[0].done(record(group(12345, "tea")));
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"cid":12345}})");
}

TEST_CASE("the operator says who may join channels made here") {
  Dialogue d;
  d.option("channel_join").set_text("approval");
  d.say(request("create", "{}"));
  REQUIRE(d.messaging().creates.size() == 1);
  CHECK(d.messaging().creates[0].args.join == JoinRule::approval);
}

TEST_CASE("a channel's texts have a length; what is no text is refused") {
  Dialogue d;
  std::string longest;
  for (int i = 0; i < 100; ++i) longest += "茶";
  d.say(request("create", R"({"name":")" + longest + "\"}"));
  REQUIRE(d.messaging().creates.size() == 1);
  CHECK(d.messaging().creates[0].args.name == longest);
  CHECK(d.ask(request("create", R"({"name":")" + longest + "x\"}")) == out_of_range);
  CHECK(d.ask(request("create", R"({"brief":")" + std::string(501, 'x') + "\"}")) == out_of_range);
  CHECK(d.ask(request("create", R"({"avatar":")" + std::string(501, 'x') + "\"}")) == out_of_range);
  CHECK(d.ask(request("create", R"({"name":7})")) == malformed);
  CHECK(d.ask(request("create", R"({"avatar":[]})")) == malformed);
  CHECK(d.messaging().creates.size() == 1);
}

TEST_CASE("the list shows groups with their owner and private conversations under the peer's name") {
  Dialogue d;
  d.say(request("list", "{}"));
  REQUIRE(d.messaging().lists.size() == 1);
  CHECK(d.messaging().lists[0].args.limit == 1250);
  CHECK_FALSE(d.messaging().lists[0].args.groups_only);
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
  d.messaging().lists[0].done(std::move(channels));
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"count":3,"channels":[)"
                     R"({"cid":5,"name":"tea \"room\"","owner":8,"avatar":"a.png","brief":"about tea"},)"
                     R"({"cid":6,"name":"bob","owner":-1,"avatar":"","brief":""},)"
                     R"({"cid":9,"name":"news","owner":-1,"avatar":"","brief":""}]}})");
}

TEST_CASE("everyone may look at a group's profile") {
  Dialogue d;
  d.say(request("profile/get", R"({"cid":5})"));
  REQUIRE(d.messaging().looks.size() == 1);
  CHECK(d.messaging().looks[0].args.ref.number == 5);
  CHECK_FALSE(d.messaging().looks[0].args.must_be_member);
  auto tea = group(5, "tea");
  tea.description = "about tea";
  tea.avatar = "a.png";
  d.messaging().looks[0].done(record(std::move(tea)));
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"name":"tea","owner":7,"brief":"about tea","avatar":"a.png",)"
                     R"("create_time":1763700000000}})");
}

TEST_CASE("at a private conversation only its two may look") {
  Dialogue d;
  d.say(request("profile/get", R"({"cid":6})"));
  d.messaging().looks.at(0).done(direct(6, "bob"));
  CHECK(d.heard().empty());
  REQUIRE(d.messaging().looks.size() == 2);
  CHECK(d.messaging().looks[1].args.ref.number == 6);
  CHECK(d.messaging().looks[1].args.must_be_member);
  d.messaging().looks[1].done(Error{Code::forbidden, "member.none", ""});
  CHECK(d.heard() == R"({"id":1,"code":300,"data":{"msg":"you are not in this channel"}})");

  d.say(request("profile/get", R"({"cid":6})"));
  d.messaging().looks.at(2).done(direct(6, "bob"));
  d.messaging().looks.at(3).done(direct(6, "bob"));
  CHECK(d.heard() ==
        R"({"id":1,"code":200,"data":{"name":"bob","owner":-1,"brief":"","avatar":"","create_time":1763700000000}})");
}

TEST_CASE("a profile of nothing is refused") {
  Dialogue d;
  d.say(request("profile/get", R"({"cid":404})"));
  d.messaging().looks.at(0).done(Error{Code::not_found, "conversation.unknown", ""});
  CHECK(d.heard() == R"({"id":1,"code":100,"data":{"msg":"channel not found"}})");
  CHECK(d.ask(request("profile/get", "{}")) == malformed);
  CHECK(d.ask(request("profile/get", R"({"cid":0})")) == out_of_range);
}

TEST_CASE("members are listed with their authority to members only; who left is not among them") {
  Dialogue d;
  d.say(request("member/list", R"({"cid":5})"));
  REQUIRE(d.messaging().member_lists.size() == 1);
  CHECK(d.messaging().member_lists[0].args.ref.number == 5);
  CHECK(d.messaging().member_lists[0].args.must_be_member);
  auto gone = member(10, "eve", Role::member);
  gone.member.left = true;
  d.messaging().member_lists[0].done(
      std::vector{member(7, "ann", Role::owner), member(8, "bob", Role::admin), member(9, "cy", Role::member), gone});
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"count":3,"members":[)"
                     R"({"uid":7,"name":"ann","authority":1,"join_time":1763700000000},)"
                     R"({"uid":8,"name":"bob","authority":1,"join_time":1763700000000},)"
                     R"({"uid":9,"name":"cy","authority":0,"join_time":1763700000000}]}})");
  d.say(request("member/list", R"({"cid":5})"));
  d.messaging().member_lists.at(1).done(Error{Code::forbidden, "member.none", ""});
  CHECK(d.heard() == R"({"id":1,"code":300,"data":{"msg":"you are not in this channel"}})");
  CHECK(d.ask(request("member/list", "{}")) == malformed);
}
