// HTTP: groups.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace im_test;

namespace {

const std::map<std::string, std::string> me = {{"X-User-ID", "user123"}};
constexpr auto get = HttpMethod::get;
constexpr auto post = HttpMethod::post;

std::string ask(Bench& bench, unsigned status, HttpMethod method, std::string target, std::string body = {}) {
  const auto exchange = bench.routes.request(method, std::move(target), std::move(body), me);
  bench.messaging.settle();
  CHECK(exchange->status == status);
  return exchange->answer;
}

}  // namespace

TEST_CASE("a group is created and answered as printed, members as they were sent") {
  Bench bench;
  bench.messaging.creates.rule = [&](const auto&) { return bench.group_record(bench.group("group123")); };
  CHECK(ask(bench, 200, post, "/api/v1/groups",
            R"({"name":"My Group","description":"A test group","members":["user456", "user789"]})") ==
        R"({"group":{"id":"group123","name":"My Group","description":"A test group","owner_id":"user123",)"
        R"("members":["user456","user789"],"created_at":"2024-01-01T00:00:00Z","updated_at":"2024-01-01T00:00:00Z"}})");
  const auto& group = bench.messaging.creates.last();
  CHECK(group.name == "My Group");
  CHECK(group.description == "A test group");
  CHECK(group.join == JoinRule::free);
  REQUIRE(group.members.size() == 2);
  CHECK(group.members[1].text == "user789");
  CHECK(group.members[1].create);
  CHECK(bench.messaging.creates.calls.back().caller.user == bench.alice->id);
}

TEST_CASE("a group without a handle is named by its number; description and members may be missing") {
  Bench bench;
  bench.messaging.creates.rule = [&](const auto&) { return bench.group_record(bench.group()); };
  CHECK(ask(bench, 200, post, "/api/v1/groups", R"({"name":"G"})").find(R"({"group":{"id":"900",)") == 0);
  CHECK(bench.messaging.creates.last().members.empty());
  CHECK(
      ask(bench, 200, post, "/api/v1/groups", R"({"name":"G","members":[8,"a\"b"]})").find(R"("members":[8,"a\"b"])") !=
      std::string::npos);
}

TEST_CASE("a group that cannot be made is refused, naming what is wrong") {
  Bench bench;
  const std::pair<const char*, const char*> rows[] = {
      {R"({})", "name is required"},
      {R"({"name":""})", "name is required"},
      {R"({"name":5})", "name must be a string"},
      {R"({"name":"g","description":[]})", "description must be a string"},
      {R"({"name":"g","members":"user456"})", "members must be a list of user IDs"},
      {R"({"name":"g","members":[{}]})", "members must be a list of user IDs"},
      {R"({"name":"g","members":[""]})", "members must be a list of user IDs"},
      {R"({"name":"g","members":[null]})", "members must be a list of user IDs"},
  };
  for (const auto& [body, text] : rows) CHECK(ask(bench, 400, post, "/api/v1/groups", body) == error_body(text));
  CHECK(ask(bench, 400, post, "/api/v1/groups", R"({"name":")" + std::string(201, 'n') + R"("})") ==
        error_body("name must not be longer than 200 bytes"));
  CHECK(bench.messaging.creates.calls.empty());
  bench.messaging.creates.rule = [](const auto&) { return Error{Code::not_found, "user.unknown", {}}; };
  CHECK(ask(bench, 404, post, "/api/v1/groups", R"({"name":"g"})") == error_body("User not found"));
  bench.messaging.creates.rule = [](const auto&) {
    return Error{Code::too_large, "conversation.too_many_members", {}};
  };
  CHECK(ask(bench, 413, post, "/api/v1/groups", R"({"name":"g"})") == error_body("Too many members"));
}

TEST_CASE("a group shows its members of now, the owner included and former ones left out") {
  Bench bench;
  bench.messaging.infos.rule = [&](const auto&) { return bench.group_record(bench.group("group123")); };
  bench.messaging.rosters.rule = [&](const auto&) {
    auto former = bench.member(bench.users.add("gone"));
    former.member.left = true;
    return std::vector{bench.member(bench.alice, Role::owner), former, bench.member(bench.bob)};
  };
  CHECK(ask(bench, 200, get, "/api/v1/groups/group123") ==
        R"({"group":{"id":"group123","name":"My Group","description":"A test group","owner_id":"user123",)"
        R"("members":["user123","user456"],"created_at":"2024-01-01T00:00:00Z","updated_at":"2024-01-01T00:00:00Z"}})");
  CHECK(bench.messaging.infos.last().ref.text == "group123");
  CHECK(ask(bench, 200, get, "/api/v1/groups/group123/members") ==
        R"({"members":[{"id":"member_900_7","group_id":"group123","user_id":"user123","role":"owner",)"
        R"("joined_at":"2025-01-01T00:00:00Z"},{"id":"member_900_8","group_id":"group123","user_id":"user456",)"
        R"("role":"member","joined_at":"2025-01-01T00:00:00Z"}]})");
  CHECK_FALSE(bench.messaging.rosters.last().must_be_member);
}

TEST_CASE("a group that not everybody may join shows itself to members only, and a private chat is no group") {
  Bench bench;
  auto closed = bench.group();
  closed->join = JoinRule::approval;
  bench.messaging.infos.rule = [&](const auto&) { return bench.group_record(closed); };
  bench.messaging.rosters.rule = [](const auto& call) -> Result<std::vector<MemberRecord>> {
    if (call.request.must_be_member) return Error{Code::forbidden, "member.none", {}};
    return std::vector<MemberRecord>();
  };
  CHECK(ask(bench, 403, get, "/api/v1/groups/900") == error_body("Not a member of the group"));
  CHECK(ask(bench, 403, get, "/api/v1/groups/900/members") == error_body("Not a member of the group"));
  bench.messaging.infos.rule = [&](const auto&) { return bench.group_record(bench.direct()); };
  CHECK(ask(bench, 404, get, "/api/v1/groups/500") == error_body("Group not found"));
  bench.messaging.infos.rule = [](const auto&) { return Error{Code::not_found, "conversation.unknown", {}}; };
  CHECK(ask(bench, 404, get, "/api/v1/groups/nope/members") == error_body("Group not found"));
}

TEST_CASE("groups are joined and left over HTTP, and not twice") {
  Bench bench;
  bench.messaging.memberships.rule = [&](const auto&) { return bench.member(bench.alice); };
  CHECK(ask(bench, 200, post, "/api/v1/groups/group123/join") == R"({"success":true})");
  CHECK(bench.messaging.memberships.last().kind == MembershipAct::Kind::join);
  CHECK(bench.messaging.memberships.last().in.text == "group123");
  CHECK(ask(bench, 200, post, "/api/v1/groups/group123/leave") == R"({"success":true})");
  CHECK(bench.messaging.memberships.last().kind == MembershipAct::Kind::leave);

  const auto answer = [&](const char* what, unsigned status, Code code, const char* reason) {
    bench.messaging.memberships.rule = [=](const auto&) { return Error{code, reason, {}}; };
    return ask(bench, status, post, "/api/v1/groups/g/" + std::string(what));
  };
  CHECK(answer("join", 400, Code::conflict, "member.already") == error_body("Already a member of the group"));
  CHECK(answer("join", 403, Code::forbidden, "join.not_free") ==
        error_body("This group cannot be joined without an invitation or approval"));
  CHECK(answer("join", 404, Code::not_found, "conversation.unknown") == error_body("Group not found"));
  CHECK(answer("join", 404, Code::forbidden, "conversation.not_a_group") == error_body("Group not found"));
  CHECK(answer("leave", 400, Code::forbidden, "member.none") == error_body("Not a member of the group"));
  CHECK(answer("leave", 400, Code::conflict, "member.owner_stays") == error_body("The owner cannot leave the group"));
}
