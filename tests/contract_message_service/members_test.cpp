// Members: added, removed, listed, made admins.
#include "ask.hpp"

using namespace message_service_test;

namespace {

const std::string members = "/api/v1/groups/group_001/members";
const std::string admins = "/api/v1/groups/group_001/admins";

}  // namespace

TEST_CASE("members are added; who cannot be is named") {
  Bench bench;
  bench.messaging.infos.rule = [&](const auto&) { return bench.info(bench.group(), 4); };
  bench.messaging.memberships.rule = [&](const auto& call) -> Result<MemberRecord> {
    const auto number = call.request.subject.number;
    if (number == 404) return fails(Code::not_found, "user.unknown");
    if (number == 405) return fails(Code::conflict, "member.already");
    if (number == 406) return fails(Code::too_large, "conversation.too_many_members");
    return bench.member(bench.bob);
  };
  CHECK(ask(bench, 200, post, members, R"({"userIds":[10002,404,405,10003,406],"inviterId":10001})") ==
        success("成员添加成功",
                R"({"groupId":"group_001","addedCount":2,"failedUsers":[404,405,406],"currentMemberCount":4})"));
  REQUIRE(bench.messaging.memberships.calls.size() == 5);
  CHECK(bench.messaging.memberships.calls[0].request.kind == MembershipAct::Kind::add);
  CHECK(bench.messaging.memberships.calls[0].request.in.text == "group_001");
  CHECK(bench.messaging.memberships.calls[0].caller.user == bench.alice->id);
}

TEST_CASE("who may not add at all is told so") {
  Bench bench;
  const auto answer = [&](Code code, const char* reason, unsigned status) {
    bench.messaging.memberships.rule = [=](const auto&) { return fails(code, reason); };
    return ask(bench, status, post, members, R"({"userIds":[10002,10003]})");
  };
  CHECK(answer(Code::forbidden, "role.required", 403) == refusal(403, "没有权限执行该操作"));
  CHECK(answer(Code::forbidden, "member.none", 403) == refusal(403, "您不是该群成员"));
  CHECK(answer(Code::not_found, "conversation.unknown", 404) == refusal(404, "群组不存在"));
  CHECK(answer(Code::unavailable, "storage.unavailable", 503) == refusal(503, "服务暂不可用，请稍后重试"));
}

TEST_CASE("who names itself joins, where that is free") {
  Bench bench;
  bench.messaging.infos.rule = [&](const auto&) { return bench.info(bench.group(), 4); };
  bench.messaging.memberships.rule = [&](const auto&) { return bench.member(bench.alice); };
  ask(bench, 200, post, members, R"({"userIds":[10001]})");
  CHECK(bench.messaging.memberships.last().kind == MembershipAct::Kind::join);
  bench.messaging.memberships.rule = [](const auto&) { return fails(Code::forbidden, "join.not_free"); };
  CHECK(ask(bench, 403, post, members, R"({"userIds":[10001]})") == refusal(403, "该群组不允许自由加入"));
}

TEST_CASE("a request to add names users, and no other inviter than the caller") {
  Bench bench;
  const std::pair<const char*, const char*> rows[] = {
      {"{}", "userIds 不能为空"},
      {R"({"userIds":[]})", "userIds 不能为空"},
      {R"({"userIds":10002})", "userIds 必须是用户ID数组"},
      {R"({"userIds":["bob"]})", "userIds 必须是用户ID数组"},
      {R"({"userIds":[10002],"inviterId":"me"})", "inviterId 必须是用户ID（数字）"}};
  for (const auto& [body, message] : rows) CHECK(ask(bench, 400, post, members, body) == refusal(400, message));
  std::string many;
  for (int i = 1; i <= 101; ++i) many += (i > 1 ? "," : "") + std::to_string(i);
  CHECK(ask(bench, 400, post, members, R"({"userIds":[)" + many + "]}") == refusal(400, "userIds 最多 100 个"));
  CHECK(ask(bench, 403, post, members, R"({"userIds":[10002],"inviterId":10003})") ==
        refusal(403, "inviterId 必须是当前用户"));
  CHECK(bench.messaging.memberships.calls.empty());
}

TEST_CASE("members are removed, and leave by removing themselves") {
  Bench bench;
  bench.messaging.memberships.rule = [&](const auto&) { return bench.member(bench.bob); };
  CHECK(ask(bench, 200, del, members + "/10002") ==
        success("成员移除成功", R"({"groupId":"group_001","userId":10002})"));
  CHECK(bench.messaging.memberships.last().kind == MembershipAct::Kind::remove);
  CHECK(bench.messaging.memberships.last().subject.number == 10002);
  CHECK(ask(bench, 200, del, members + "/10001") == success("已退出群组", R"({"groupId":"group_001","userId":10001})"));
  CHECK(bench.messaging.memberships.last().kind == MembershipAct::Kind::leave);
  CHECK(ask(bench, 400, del, members + "/bob") == refusal(400, "userId 必须是用户ID（数字）"));
  const auto answer = [&](Code code, const char* reason, unsigned status) {
    bench.messaging.memberships.rule = [=](const auto&) { return fails(code, reason); };
    return ask(bench, status, del, members + "/10002");
  };
  CHECK(answer(Code::not_found, "member.unknown", 404) == refusal(404, "该用户不是群成员"));
  CHECK(answer(Code::forbidden, "role.required", 403) == refusal(403, "没有权限执行该操作"));
  CHECK(answer(Code::conflict, "member.owner_stays", 409) == refusal(409, "群主不能退出群组"));
}

TEST_CASE("the owner makes admins and takes that back") {
  Bench bench;
  bench.messaging.memberships.rule = [&](const auto&) { return bench.member(bench.bob); };
  CHECK(ask(bench, 200, post, admins, R"({"userId":10002,"action":"ADD"})") ==
        success("管理员添加成功", R"({"groupId":"group_001","userId":10002,"role":"ADMIN"})"));
  CHECK(bench.messaging.memberships.last().kind == MembershipAct::Kind::set_role);
  CHECK(bench.messaging.memberships.last().role == Role::admin);
  CHECK(ask(bench, 200, post, admins, R"({"userId":"10002","action":"REMOVE"})") ==
        success("管理员移除成功", R"({"groupId":"group_001","userId":10002,"role":"MEMBER"})"));
  CHECK(bench.messaging.memberships.last().role == Role::member);
  CHECK(ask(bench, 400, post, admins, R"({"action":"ADD"})") == refusal(400, "userId 必填"));
  for (const char* action : {R"("add")", "null", "1"}) {
    CHECK(ask(bench, 400, post, admins, R"({"userId":10002,"action":)" + std::string(action) + "}") ==
          refusal(400, "action 必须是 ADD 或 REMOVE"));
  }
}

TEST_CASE("members are listed in pages, with what they show of themselves, former ones left out") {
  Bench bench;
  bench.users.set_profile({bench.bob->id, nullptr, 0, 0}, R"({"name":"鲍勃","avatar":"b.png","brief":7})",
                          [&](Result<std::shared_ptr<const User>> changed) { bench.bob = *changed; });
  bench.messaging.infos.rule = [&](const auto&) { return bench.info(bench.group()); };
  auto former = bench.member(bench.users.add("gone"));
  former.member.left = true;
  bench.messaging.rosters.rule = [&](const auto&) {
    return std::vector{bench.member(bench.alice, Role::owner), former, bench.member(bench.bob, Role::admin),
                       bench.member(bench.carol)};
  };
  const std::string first =
      R"({"userId":10001,"username":"alice","nickname":"alice","avatar":"","role":"OWNER","joinedAt":"2025-11-09T15:30:00Z"})";
  const std::string second =
      R"({"userId":10002,"username":"bob","nickname":"鲍勃","avatar":"b.png","role":"ADMIN","joinedAt":"2025-11-09T15:30:00Z"})";
  const std::string third =
      R"({"userId":10003,"username":"carol","nickname":"carol","avatar":"","role":"MEMBER","joinedAt":"2025-11-09T15:30:00Z"})";
  const auto page = [](int total, int at, int size, const std::string& list) {
    return success("success", R"({"total":)" + std::to_string(total) + R"(,"page":)" + std::to_string(at) +
                                  R"(,"size":)" + std::to_string(size) + R"(,"members":[)" + list + "]}");
  };
  CHECK(ask(bench, 200, get, members) == page(3, 1, 20, first + "," + second + "," + third));
  CHECK(ask(bench, 200, get, members + "?page=2&size=2") == page(3, 2, 2, third));
  CHECK(ask(bench, 200, get, members + "?page=3&size=2") == page(3, 3, 2, ""));
  CHECK(ask(bench, 200, get, members + "?role=ADMIN&size=500") == page(1, 1, 100, second));
  CHECK(ask(bench, 200, get, members + "?page=0&size=0") == page(3, 1, 1, first));
  CHECK(ask(bench, 200, get, members + "?page=9223372036854775807") == page(3, 2147483647, 20, ""));
  CHECK(bench.messaging.rosters.last().ref.number == id::first_at(noon));
}

TEST_CASE("a list that cannot be made is refused") {
  Bench bench;
  CHECK(ask(bench, 400, get, members + "?page=one") == refusal(400, "page 必须是整数"));
  CHECK(ask(bench, 400, get, members + "?size=1.5") == refusal(400, "size 必须是整数"));
  CHECK(ask(bench, 400, get, members + "?role=admin") == refusal(400, "role 必须是 OWNER、ADMIN、MEMBER 之一"));
  bench.messaging.infos.rule = [&](const auto& call) -> Result<ConversationRecord> {
    if (call.request.must_be_member) return fails(Code::forbidden, "member.none");
    return bench.info(bench.group());
  };
  CHECK(ask(bench, 403, get, members) == refusal(403, "您不是该群成员"));
}
