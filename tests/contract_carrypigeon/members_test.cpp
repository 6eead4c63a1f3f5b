#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

std::string request(std::string_view route, std::string_view data) {
  return R"({"id":1,"route":"/core/channel/)" + std::string(route) + R"(","data":)" + std::string(data) + "}";
}

std::vector<MemberRecord> roster() {
  auto gone = member(10, "eve");
  gone.member.left = true;
  return {member(7, "ann", Role::owner), member(8, "bob", Role::admin), member(9, "cy"), gone};
}

}  // namespace

TEST_CASE("one member is told by its uid, to members only; who left is none") {
  Dialogue d;
  for (const auto* uid : {"9", "10", "11"}) {
    d.say(request("member/get", std::string(R"({"cid":5,"uid":)") + uid + "}"));
    d.messaging().rosters.answer(roster());
  }
  CHECK(d.messaging().rosters.calls[0].request.must_be_member);
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"uid":9,"name":"cy","authority":0,"join_time":1763700000000}})"
                     "\n" +
                         failed(100, "channel member not found") + "\n" + failed(100, "channel member not found"));
  d.say(request("member/get", R"({"cid":5,"uid":9})"));
  d.messaging().rosters.answer(Error{Code::forbidden, "member.none", ""});
  CHECK(d.heard() == failed(300, "you are not in this channel"));
  CHECK(d.ask(request("member/get", R"({"cid":5})")) == malformed);
  CHECK(d.ask(request("member/get", R"({"uid":9})")) == malformed);
  CHECK(d.ask(request("member/get", R"({"cid":5,"uid":0})")) == out_of_range);
}

TEST_CASE("an admin removes a member; who names himself leaves") {
  Dialogue d;
  d.say(request("member/delete", R"({"cid":5,"uid":9})"));
  d.say(request("member/delete", R"({"cid":5,"uid":7})"));
  auto& asked = d.messaging().memberships;
  REQUIRE(asked.calls.size() == 2);
  CHECK(asked.calls[0].request.kind == MembershipAct::Kind::remove);
  CHECK(asked.calls[0].request.in.number == 5);
  CHECK(asked.calls[0].request.subject.number == 9);
  CHECK(asked.calls[1].request.kind == MembershipAct::Kind::leave);
  asked.answer(member(9, "cy"));
  asked.answer(Error{Code::conflict, "member.owner_stays", ""});
  CHECK(d.heard() == done + "\n" + failed(100, "the owner cannot leave this channel"));
  d.say(request("member/delete", R"({"cid":5,"uid":9})"));
  asked.answer(Error{Code::forbidden, "role.required", ""});
  CHECK(d.heard() == failed(300, "you are not the admin of this channel"));
}

TEST_CASE("the owner makes admins and takes it back") {
  Dialogue d;
  d.say(request("admin/create", R"({"cid":5,"uid":9})"));
  d.say(request("admin/delete", R"({"cid":5,"uid":"9"})"));
  auto& asked = d.messaging().memberships;
  REQUIRE(asked.calls.size() == 2);
  for (const auto& call : asked.calls) {
    CHECK(call.request.kind == MembershipAct::Kind::set_role);
    CHECK(call.request.subject.number == 9);
  }
  CHECK(asked.calls[0].request.role == Role::admin);
  CHECK(asked.calls[1].request.role == Role::member);
  asked.answer(member(9, "cy", Role::admin));
  asked.answer(Error{Code::forbidden, "role.required", ""});
  CHECK(d.heard() == done + "\n" + failed(300, "you are not the owner of this channel"));
  CHECK(d.ask(request("admin/create", R"({"cid":5})")) == malformed);
  CHECK(d.ask(request("admin/delete", R"({"uid":5})")) == malformed);
}

TEST_CASE("an admin bans a member for so many seconds") {
  Dialogue d;
  d.say(request("ban/create", R"({"cid":5,"uid":9,"duration":3600})"));
  d.messaging().rosters.answer(roster());
  auto& asked = d.messaging().memberships;
  REQUIRE(asked.calls.size() == 1);
  CHECK(asked.calls[0].request.kind == MembershipAct::Kind::mute);
  CHECK(asked.calls[0].request.in.number == 5);
  CHECK(asked.calls[0].request.subject.number == 9);
  CHECK(asked.calls[0].request.mute_until == noon + 3'600'000);
  asked.answer(member(9, "cy"));
  CHECK(d.heard() == done);
  d.say(request("ban/create", R"({"cid":5,"uid":9,"duration":9223372036854775807})"));
  d.messaging().rosters.answer(roster());
  CHECK(asked.calls.at(1).request.mute_until == noon + 10LL * 366 * 86'400'000);
  for (const auto* data : {R"({"cid":5,"uid":9,"duration":0})", R"({"cid":5,"uid":9,"duration":-1})"}) {
    CHECK(d.ask(request("ban/create", data)) == out_of_range);
  }
  CHECK(d.ask(request("ban/create", R"({"cid":5,"uid":9})")) == malformed);
}

TEST_CASE("admins are not banned, strangers are no members, and members ban nobody") {
  Dialogue d;
  d.say(request("ban/create", R"({"cid":5,"uid":8,"duration":60})"));
  d.messaging().rosters.answer(roster());
  d.say(request("ban/create", R"({"cid":5,"uid":10,"duration":60})"));
  d.messaging().rosters.answer(roster());
  d.say(request("ban/create", R"({"cid":5,"uid":9,"duration":60})"));
  d.messaging().rosters.answer(std::vector{member(7, "ann"), member(9, "cy")});
  d.say(request("ban/create", R"({"cid":5,"uid":9,"duration":60})"));
  d.messaging().rosters.answer(Error{Code::forbidden, "member.none", ""});
  CHECK(d.heard() == failed(300, "cannot ban channel admin") + "\n" + failed(100, "channel member not found") + "\n" +
                         failed(300, "you are not the admin of this channel") + "\n" +
                         failed(300, "you are not in this channel"));
  CHECK(d.messaging().memberships.calls.empty());
}

TEST_CASE("a ban is lifted by an admin") {
  Dialogue d;
  d.say(request("ban/delete", R"({"cid":5,"uid":9})"));
  REQUIRE(d.messaging().memberships.calls.size() == 1);
  CHECK(d.messaging().memberships.calls[0].request.kind == MembershipAct::Kind::mute);
  CHECK(d.messaging().memberships.calls[0].request.mute_until == 0);
  d.messaging().memberships.answer(member(9, "cy"));
  CHECK(d.heard() == done);
}

TEST_CASE("bans are listed with who gave them, when, and for how many seconds; those that are over are not") {
  Dialogue d;
  auto members = roster();
  members[2].member.muted_until = noon + 1'800'400;
  members[2].member.muted_at = noon - 1'800'000;
  members[2].member.muted_by = static_cast<UserId>(8);
  members[1].member.muted_until = noon;
  members[3].member.muted_until = noon + 60'000;
  d.say(request("ban/list", R"({"cid":5})"));
  REQUIRE(d.messaging().rosters.calls.size() == 1);
  CHECK(d.messaging().rosters.calls[0].request.must_be_member);
  d.messaging().rosters.answer(members);
  CHECK(d.heard() == R"({"id":1,"code":200,"data":{"count":1,"bans":[)"
                     R"({"uid":9,"aid":8,"ban_time":1763698200000,"duration":3600}]}})");
}
