#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

std::string request(std::string_view route, std::string_view data) {
  return R"({"id":1,"route":"/core/channel/application/)" + std::string(route) + R"(","data":)" + std::string(data) +
         "}";
}

/// User 7 applies to the group 5.
std::string apply(Dialogue& d, std::string msg = "let me in") {
  d.say(request("create", R"({"cid":5,"msg":")" + msg + "\"}"));
  d.messaging().infos.answer(record(group(5, "tea", 8)));
  return d.heard();
}

void log_in(Dialogue& d, std::uint64_t uid) {
  d.peer.login(UserRef::of(static_cast<UserId>(uid)), SessionPolicy(), [](Result<Login>) {});
}

std::string process(Dialogue& d, int result, Role role = Role::admin) {
  d.say(request("process", R"({"aid":1,"result":)" + std::to_string(result) + "}"));
  d.messaging().infos.answer(seen_by(role, record(group(5, "tea", 8))));
  return d.heard();
}

std::string listed(Dialogue& d, std::string more = "") {
  d.say(request("list", R"({"cid":5)" + more + "}"));
  d.messaging().infos.answer(seen_by(Role::owner, record(group(5))));
  return d.heard();
}

std::string one_application(int state) {
  return R"({"id":1,"code":200,"data":{"count":1,"applications":[{"id":1,"uid":7,"state":)" + std::to_string(state) +
         R"(,"msg":"let me in","apply_time":1763700000000}]}})";
}

}  // namespace

TEST_CASE("an application waits, is listed to admins, and is heard of") {
  Dialogue d;
  CHECK(apply(d) == done);
  CHECK_FALSE(d.messaging().infos.calls[0].request.must_be_member);
  REQUIRE(d.messaging().signals.size() == 1);
  CHECK(d.messaging().signals[0].second.name == "carrypigeon.applications");
  CHECK(d.messaging().signals[0].second.in.number == 5);
  CHECK(d.messaging().signals[0].second.from_outside);
  CHECK(listed(d) == one_application(0));
  CHECK(d.messaging().infos.calls[1].request.must_be_member);
}

TEST_CASE("nobody applies twice, to a channel of his own, by invitation only, that is over, or that is no group") {
  Dialogue d;
  CHECK(apply(d) == done);
  CHECK(apply(d) == failed(100, "you have applied already"));
  const auto tried = [&](ConversationRecord found) {
    d.say(request("create", R"({"cid":5})"));
    d.messaging().infos.answer(std::move(found));
    return d.heard();
  };
  CHECK(tried(seen_by(Role::member, record(group(5)))) == failed(100, "already a member of this channel"));
  auto closed = group(5), over = group(5);
  closed.join = JoinRule::invite_only;
  over.dissolved = true;
  CHECK(tried(record(closed)) == failed(300, "this channel is by invitation only"));
  CHECK(tried(record(over)) == failed(100, "channel not found"));
  CHECK(tried(direct(5, "bob")) == failed(300, "you are not the owner of this channel"));
  auto former = seen_by(Role::member, record(group(6)));
  former.me->left = true;
  CHECK(tried(former) == failed(100, "you have applied already"));  // who left may apply, but once
  d.say(request("create", R"({"cid":5})"));
  d.messaging().infos.answer(Error{Code::not_found, "conversation.unknown", ""});
  CHECK(d.heard() == failed(100, "channel not found"));
  CHECK(d.ask(request("create", R"({"msg":"x"})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":5,"msg":7})")) == malformed);
  CHECK(d.ask(request("create", R"({"cid":5,"msg":")" + std::string(501, 'x') + "\"}")) == out_of_range);
}

TEST_CASE("approving makes the applicant a member by the admin's act, then the application is approved") {
  Dialogue d;
  apply(d);
  log_in(d, 8);
  CHECK(process(d, 1).empty());
  auto& asked = d.messaging().memberships;
  REQUIRE(asked.calls.size() == 1);
  CHECK(asked.calls[0].caller.user == static_cast<UserId>(8));
  CHECK(asked.calls[0].request.kind == MembershipAct::Kind::add);
  CHECK(asked.calls[0].request.in.number == 5);
  CHECK(asked.calls[0].request.subject.number == 7);
  asked.answer(member(7, "ann"));
  CHECK(d.heard() == done);
  CHECK(listed(d) == one_application(1));
  CHECK(process(d, 1) == failed(100, "this application is processed already"));
  CHECK(process(d, 2) == failed(100, "this application is processed already"));
  CHECK(asked.calls.size() == 1);
}

TEST_CASE("rejecting makes nobody a member, and the applicant may apply again") {
  Dialogue d;
  apply(d);
  CHECK(process(d, 2) == done);
  CHECK(d.messaging().memberships.calls.empty());
  CHECK(listed(d) == one_application(2));
  CHECK(apply(d, "please") == done);
  CHECK(listed(d).find(R"("count":2,"applications":[{"id":2,"uid":7,"state":0,"msg":"please")") != std::string::npos);
}

TEST_CASE("after a crash between membership and application, the next admin finishes the approval whatever he says") {
  for (const bool was_added : {false, true}) {
    for (const int word : {1, 2}) {
      Dialogue d;
      apply(d);
      process(d, 1);
      d.messaging().memberships.drop();  // the host died before it answered
      CHECK(listed(d) == one_application(0));
      CHECK(process(d, word).empty());
      if (was_added)
        d.messaging().memberships.answer(Error{Code::conflict, "member.already", ""});
      else
        d.messaging().memberships.answer(member(7, "ann"));
      CHECK(d.heard() == (word == 1 ? done : failed(100, "this application is processed already")));
      CHECK(listed(d) == one_application(1));
    }
  }
}

TEST_CASE("an approval that the host refuses leaves the application waiting, with the reason") {
  Dialogue d;
  apply(d);
  process(d, 1);
  d.messaging().memberships.answer(Error{Code::too_large, "conversation.too_many_members", ""});
  CHECK(d.heard() == failed(100, "too many channel members"));
  CHECK(process(d, 2) == done);
  CHECK(listed(d) == one_application(2));
}

TEST_CASE("an approval in trouble can be finished later") {
  Dialogue d;
  apply(d);
  process(d, 1);
  d.messaging().memberships.answer(Error{Code::unavailable, "storage.down", ""});
  CHECK(d.heard() == failed(500, "service unavailable, try again later"));
  process(d, 1);
  d.messaging().memberships.answer(member(7, "ann"));
  CHECK(d.heard() == done);
}

TEST_CASE("only admins process and list applications") {
  Dialogue d;
  apply(d);
  CHECK(process(d, 1, Role::member) == failed(300, "you are not the admin of this channel"));
  CHECK(d.messaging().memberships.calls.empty());
  d.say(request("list", R"({"cid":5})"));
  d.messaging().infos.answer(Error{Code::forbidden, "member.none", ""});
  CHECK(d.heard() == failed(300, "you are not in this channel"));
  d.say(request("list", R"({"cid":5})"));
  d.messaging().infos.answer(seen_by(Role::member, record(group(5))));
  CHECK(d.heard() == failed(300, "you are not the admin of this channel"));
  CHECK(d.ask(request("process", R"({"aid":404,"result":1})")) == failed(100, "application not found"));
  CHECK(d.ask(request("process", R"({"aid":1,"result":3})")) == out_of_range);
  CHECK(d.ask(request("process", R"({"aid":1})")) == malformed);
  CHECK(d.ask(request("process", R"({"result":1})")) == malformed);
}

TEST_CASE("applications are paged, the newest first") {
  Dialogue d;
  for (int i = 0; i < 25; ++i) {
    const auto uid = static_cast<std::uint64_t>(100 + i);
    d.users.add("user" + std::to_string(i), uid);
    log_in(d, uid);
    REQUIRE(apply(d, std::to_string(i)) == done);
  }
  const auto first = listed(d);
  CHECK(first.find(R"("count":20,"applications":[{"id":25,"uid":124,)") != std::string::npos);
  CHECK(listed(d, R"(,"page":2)").find(R"("count":5,"applications":[{"id":5,"uid":104,)") != std::string::npos);
  CHECK(listed(d, R"(,"page":3,"pageSize":10)").find(R"("count":5,"applications":[{"id":5,)") != std::string::npos);
  CHECK(listed(d, R"(,"page":9)").find(R"("count":0)") != std::string::npos);
  CHECK(d.ask(request("list", R"({"cid":5,"page":0})")) == out_of_range);
  CHECK(d.ask(request("list", R"({"cid":5,"page_size":51})")) == out_of_range);
  CHECK(d.ask(request("list", R"({"cid":5,"page":"x"})")) == malformed);
}
