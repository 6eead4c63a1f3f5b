#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

std::string get(std::string_view data) {
  return R"({"id":1,"route":"/core/user/profile/get","data":)" + std::string(data) + "}";
}
std::string update(std::string_view data) {
  return R"({"id":1,"route":"/core/user/profile/update","data":)" + std::string(data) + "}";
}

}  // namespace

TEST_CASE("a user without a profile is shown by its handle") {
  Dialogue d;
  CHECK(d.ask(get(R"({"uid":8})")) ==
        R"({"id":1,"code":200,"data":{"username":"bob","avatar":"","email":"","sex":0,"brief":"","birthday":0}})");
  CHECK(d.ask(get(R"({"uid":404})")) == failed(100, "user not found"));
  CHECK(d.ask(get("{}")) == malformed);
  CHECK(d.ask(get(R"({"uid":0})")) == out_of_range);
}

TEST_CASE("a profile is changed member by member; what others keep in it stays") {
  Dialogue d;
  d.users.set_profile(d.peer.caller(), R"({"name":"old","email":"ann@example.org","other":{"x":[1]}})",
                      [](Result<std::shared_ptr<const User>>) {});
  CHECK(d.ask(update(R"({"username":"A\"nn","avatar":3,"sex":2,"birthday":1700000000000})")) == done);
  CHECK(d.users.look_up(UserRef::of(static_cast<UserId>(7))).ok());
  CHECK(
      (*d.users.look_up(UserRef::of(static_cast<UserId>(7))))->profile ==
      R"({"email":"ann@example.org","other":{"x":[1]},"name":"A\"nn","avatar":"3","sex":2,"birthday":1700000000000})");
  CHECK(d.ask(update(R"({"brief":"b","email":"nobody asked"})")) == done);  // the operator's to set
  CHECK(d.ask(get(R"({"uid":7})")) ==
        R"({"id":1,"code":200,"data":{"username":"A\"nn","avatar":"3","email":"ann@example.org","sex":2,"brief":"b",)"
        R"("birthday":1700000000000}})");
  CHECK(d.ask(update("{}")) == done);
}

TEST_CASE("a profile's members have types and lengths") {
  Dialogue d;
  CHECK(d.ask(update(R"({"username":7})")) == malformed);
  CHECK(d.ask(update(R"({"sex":"x"})")) == malformed);
  CHECK(d.ask(update(R"({"birthday":1.5})")) == malformed);
  CHECK(d.ask(update(R"({"avatar":{}})")) == malformed);
  CHECK(d.ask(update(R"({"username":")" + std::string(101, 'x') + "\"}")) == out_of_range);
  CHECK(d.ask(update(R"({"brief":")" + std::string(501, 'x') + "\"}")) == out_of_range);
  CHECK((*d.users.look_up(UserRef::of(static_cast<UserId>(7))))->profile.empty());
}

TEST_CASE("a profile that another contract filled with anything is shown as far as it fits") {
  Dialogue d;
  d.users.set_profile(d.peer.caller(), R"({"name":7,"avatar":[],"sex":"f","birthday":"x","brief":null})",
                      [](Result<std::shared_ptr<const User>>) {});
  CHECK(d.ask(get(R"({"uid":7})")) ==
        R"({"id":1,"code":200,"data":{"username":"ann","avatar":"","email":"","sex":0,"brief":"","birthday":0}})");
}

TEST_CASE("whoever shares a conversation with a user is told to look at its profile again") {
  Dialogue d;
  d.say(update(R"({"brief":"b"})"));
  CHECK(d.messaging().lists.calls.at(0).request.limit == 100);
  d.messaging().lists.answer(std::vector{record(group(5)), direct(6, "bob")});
  REQUIRE(d.messaging().signals.size() == 2);
  for (const auto& [caller, signal] : d.messaging().signals) {
    CHECK(signal.name == "carrypigeon.profile");
    CHECK(signal.from_outside);
  }
  CHECK(d.messaging().signals[1].second.in.number == 6);
}

TEST_CASE("members and private conversations are named as their users call themselves") {
  Dialogue d;
  auto renamed = std::make_shared<User>(*user(8, "bob"));
  renamed->profile = R"({"name":"Bobby"})";
  auto with = direct(6, "bob");
  with.peer = renamed;
  d.say(R"({"id":1,"route":"/core/channel/list","data":{}})");
  d.messaging().lists.answer(std::vector{with});
  CHECK(d.heard().find(R"("name":"Bobby")") != std::string::npos);
  auto one = member(8, "bob");
  one.user = renamed;
  d.say(R"({"id":1,"route":"/core/channel/member/list","data":{"cid":6}})");
  d.messaging().rosters.answer(std::vector{one});
  CHECK(d.heard().find(R"("name":"Bobby")") != std::string::npos);
}

TEST_CASE("routes for e-mail and files are not served") {
  Dialogue d;
  for (const auto* route :
       {"/core/service/email/send", "/core/user/register", "/core/user/login/email", "/core/user/profile/update/email",
        "/core/file/upload/token/apply", "/core/file/download/token/apply"}) {
    CHECK(d.ask(std::string(R"({"id":1,"route":")") + route + R"(","data":{}})") == failed(404, "route not found"));
  }
}
