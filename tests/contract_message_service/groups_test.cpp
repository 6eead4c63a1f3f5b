// Groups: made, shown, changed, dissolved.
#include "ask.hpp"

using namespace message_service_test;

namespace {

const std::string groups = "/api/v1/groups";
const std::string shown =
    R"({"groupId":"group_001","name":"项目组","description":"讨论",)"
    R"("avatar":"https://cdn.example.com/g.png","ownerId":10001,"memberCount":3,"maxMembers":200,)"
    R"("joinType":"APPROVAL","createdAt":"2025-11-09T15:30:00Z"})";

}  // namespace

TEST_CASE("a group is created and answered with all there is to say") {
  Bench bench;
  bench.messaging.creates.rule = [&](const auto&) { return bench.info(bench.group()); };
  CHECK(ask(bench, 200, post, groups,
            R"({"name":"项目组","description":"讨论","avatar":"https://cdn.example.com/g.png","maxMembers":200,)"
            R"("joinType":"APPROVAL","memberIds":[10002,"10003",10002]})") == success("群组创建成功", shown));
  const auto& group = bench.messaging.creates.last();
  CHECK(group.kind == ConversationKind::group);
  CHECK(group.name == "项目组");
  CHECK(group.description == "讨论");
  CHECK(group.avatar == "https://cdn.example.com/g.png");
  CHECK(group.max_members == 200);
  CHECK(group.join == JoinRule::approval);
  REQUIRE(group.members.size() == 2);
  CHECK(group.members[1].number == 10003);
}

TEST_CASE("a group needs a name and nothing else; without a handle it is named by its number") {
  Bench bench;
  auto plain = bench.group({});
  plain->join = JoinRule::invite_only;
  plain->max_members = 0;
  bench.messaging.creates.rule = [&](const auto&) { return bench.info(plain, 1); };
  const auto answer = ask(bench, 200, post, groups, R"({"name":"g"})");
  CHECK(answer.find(R"({"groupId":"group_)" + group_number + R"(",)") != std::string::npos);
  CHECK(answer.find(R"("memberCount":1,"maxMembers":0,"joinType":"INVITE_ONLY")") != std::string::npos);
  CHECK(bench.messaging.creates.last().join == JoinRule::free);
  CHECK(bench.messaging.creates.last().members.empty());
}

TEST_CASE("a group that cannot be made is refused, naming what is wrong") {
  Bench bench;
  const std::pair<std::string, std::string> rows[] = {
      {R"({})", "name 必填"},
      {R"({"name":""})", "name 不能为空"},
      {R"({"name":7})", "name 必须是字符串"},
      {R"({"name":")" + std::string(201, 'n') + R"("})", "name 不能超过 200 字节"},
      {R"({"name":"g","description":[]})", "description 必须是字符串"},
      {R"({"name":"g","avatar":1})", "avatar 必须是字符串"},
      {R"({"name":"g","joinType":"free"})", "joinType 必须是 FREE、APPROVAL、INVITE_ONLY 之一"},
      {R"({"name":"g","maxMembers":"200"})", "maxMembers 必须是 1 到 1000000 的整数"},
      {R"({"name":"g","maxMembers":0})", "maxMembers 必须是 1 到 1000000 的整数"},
      {R"({"name":"g","memberIds":{}})", "memberIds 必须是用户ID数组"},
      {R"({"name":"g","memberIds":["bob"]})", "memberIds 必须是用户ID数组"}};
  for (const auto& [body, message] : rows) CHECK(ask(bench, 400, post, groups, body) == refusal(400, message));
  CHECK(bench.messaging.creates.calls.empty());
  bench.messaging.creates.rule = [](const auto&) { return fails(Code::not_found, "user.unknown"); };
  CHECK(ask(bench, 404, post, groups, R"({"name":"g","memberIds":[404]})") == refusal(404, "用户不存在"));
  bench.messaging.creates.rule = [](const auto&) { return fails(Code::too_large, "conversation.too_many_members"); };
  CHECK(ask(bench, 400, post, groups, R"({"name":"g"})") == refusal(400, "群成员数量超过上限"));
}

TEST_CASE("a group that anybody may join shows itself to everybody, others to members only") {
  Bench bench;
  const auto free = bench.group();
  free->join = JoinRule::free;
  auto current = free;
  bench.messaging.infos.rule = [&](const auto& call) -> Result<ConversationRecord> {
    if (call.request.must_be_member) return fails(Code::forbidden, "member.none");
    return bench.info(current);
  };
  ask(bench, 200, get, groups + "/group_001");
  CHECK(bench.messaging.infos.last().ref.text == "group_001");
  CHECK(bench.messaging.infos.calls.size() == 1);
  current = bench.group();
  CHECK(ask(bench, 403, get, groups + "/group_001") == refusal(403, "您不是该群成员"));
  bench.messaging.infos.rule = [&](const auto&) { return bench.info(current); };
  CHECK(ask(bench, 200, get, groups + "/group_" + group_number) == success("success", shown));
}

TEST_CASE("what is no group, or is one no longer, is not found") {
  Bench bench;
  auto current = bench.direct();
  bench.messaging.infos.rule = [&](const auto&) { return bench.info(current); };
  CHECK(ask(bench, 404, get, groups + "/500") == refusal(404, "群组不存在"));
  CHECK(ask(bench, 404, get, groups + "/500/members") == refusal(404, "群组不存在"));
  current = bench.group();
  current->dissolved = true;
  CHECK(ask(bench, 404, get, groups + "/group_001") == refusal(404, "群组不存在"));
  bench.messaging.infos.rule = [](const auto&) { return fails(Code::not_found, "conversation.unknown"); };
  CHECK(ask(bench, 404, get, groups + "/nope") == refusal(404, "群组不存在"));
}

TEST_CASE("admins change what they name, and nothing else") {
  Bench bench;
  bench.messaging.changes.rule = [&](const auto&) { return bench.info(bench.group()); };
  CHECK(ask(bench, 200, put, groups + "/group_001", R"({"name":"新名字","joinType":"INVITE_ONLY"})") ==
        success("群组更新成功", shown));
  const auto& act = bench.messaging.changes.last();
  CHECK(act.kind == ConversationAct::Kind::update);
  CHECK(act.at_least == Role::admin);
  CHECK(act.in.text == "group_001");
  CHECK(act.name == "新名字");
  CHECK(act.join == JoinRule::invite_only);
  CHECK_FALSE(act.description);
  CHECK_FALSE(act.avatar);
  CHECK_FALSE(act.max_members);
  ask(bench, 200, put, groups + "/group_001", R"({"description":"","avatar":"","maxMembers":5})");
  CHECK(bench.messaging.changes.last().description == "");
  CHECK(bench.messaging.changes.last().max_members == 5);
}

TEST_CASE("a change that cannot be made is refused") {
  Bench bench;
  CHECK(ask(bench, 400, put, groups + "/g", "{}") ==
        refusal(400, "name、description、avatar、joinType、maxMembers 至少填写一个"));
  CHECK(ask(bench, 400, put, groups + "/g", R"({"name":""})") == refusal(400, "name 不能为空"));
  CHECK(bench.messaging.changes.calls.empty());
  const auto answer = [&](Code code, const char* reason, unsigned status) {
    bench.messaging.changes.rule = [=](const auto&) { return fails(code, reason); };
    return ask(bench, status, put, groups + "/g", R"({"maxMembers":1})");
  };
  CHECK(answer(Code::forbidden, "role.required", 403) == refusal(403, "没有权限执行该操作"));
  CHECK(answer(Code::invalid, "conversation.too_few", 400) == refusal(400, "maxMembers 不能小于当前成员数"));
  CHECK(answer(Code::forbidden, "conversation.not_a_group", 404) == refusal(404, "群组不存在"));
}

TEST_CASE("the owner dissolves a group") {
  Bench bench;
  bench.messaging.changes.rule = [&](const auto&) { return bench.info(bench.group()); };
  CHECK(ask(bench, 200, del, groups + "/group_001") == success("群组已解散", "null"));
  CHECK(bench.messaging.changes.last().kind == ConversationAct::Kind::dissolve);
  bench.messaging.changes.rule = [](const auto&) { return fails(Code::forbidden, "role.required"); };
  CHECK(ask(bench, 403, del, groups + "/group_001") == refusal(403, "没有权限执行该操作"));
}
