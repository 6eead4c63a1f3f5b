// The members of groups: added, removed, listed, made admins.
#include "fields.hpp"
#include "groups.hpp"
#include "request.hpp"

namespace loft::message_service {
namespace {

constexpr std::size_t max_added = 100;
constexpr std::int64_t max_size = 100;
constexpr std::int64_t default_size = 20;

/// An error that lies with the caller or the group: no other user would fare better.
bool stops_all(const Error& error) noexcept {
  constexpr std::string_view of_one[] = {"user.unknown", "member.already", "conversation.too_many_members"};
  for (const auto reason : of_one) {
    if (error.reason == reason) return false;
  }
  return true;
}

void answer_added(const Request& request, const ConversationRecord& record, std::size_t added,
                  const std::vector<UserId>& failed) {
  request.answer("成员添加成功", [&](std::string& out) {
    out += "{\"groupId\":";
    append_group_id(out, *record.conversation);
    out += ",\"addedCount\":";
    json::append_integer(out, std::uint64_t{added});
    out += ",\"failedUsers\":[";
    for (std::size_t i = 0; i < failed.size(); ++i) {
      if (i > 0) out += ',';
      json::append_integer(out, raw(failed[i]));
    }
    out += "],\"currentMemberCount\":";
    json::append_integer(out, record.member_count);
    out += '}';
  });
}

void added(const Request& request, const Caller& caller, const std::vector<UserId>& users,
           const std::vector<Result<MemberRecord>>& answers) {
  std::vector<UserId> failed;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i]) continue;
    if (stops_all(answers[i].error())) return request.refuse(answers[i].error());
    failed.push_back(users[i]);
  }
  request.messaging().conversation(
      caller, path_group(request), false,
      request.then<ConversationRecord>(
          [request, failed = std::move(failed), count = answers.size()](const ConversationRecord& record) {
            answer_added(request, record, count - failed.size(), failed);
          }));
}

void add_all(const Request& request, const Caller& caller, const std::vector<UserId>& users) {
  using Members = Gather<MemberRecord>;
  const auto all = std::make_shared<Members>(
      users.size(), [request, caller, users](const std::vector<Result<MemberRecord>>& answers) {
        added(request, caller, users, answers);
      });
  for (std::size_t i = 0; i < users.size(); ++i) {
    MembershipAct act;
    // Who names itself wants in.
    act.kind = users[i] == caller.user ? MembershipAct::Kind::join : MembershipAct::Kind::add;
    act.in = path_group(request);
    act.subject = UserRef::of(users[i]);
    request.messaging().change_membership(caller, std::move(act), Members::slot(all, i));
  }
}

Result<void> add(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  const auto body = request.body();
  if (!body) return body.error();
  const auto [list, by] = pick<2>(*body, {"userIds", "inviterId"});
  auto users = user_ids(list, "userIds", max_added);
  if (!users) return users.error();
  if (users->empty()) return failure::field("userIds 不能为空");
  std::optional<UserId> inviter;
  if (!missing(by)) {
    const auto id = user_id(by, "inviterId");
    if (!id) return id.error();
    inviter = *id;
  }
  request.as_user(*claims, [request, inviter, users = std::move(*users)](const Caller& caller, const UserPtr&) {
    if (inviter && *inviter != caller.user) return request.refuse(failure::not_the_inviter());
    add_all(request, caller, users);
  });
  return {};
}

void put_group_and_user(std::string& out, const Request& request, UserId user) {
  out += "{\"groupId\":";
  json::append_string(out, request.http().parameter("id"));
  out += ",\"userId\":";
  json::append_integer(out, raw(user));
}

Result<void> remove(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  const auto user = user_id(request.http().parameter("user"), "userId");
  if (!user) return user.error();
  request.as_user(*claims, [request, user = *user](const Caller& caller, const UserPtr&) {
    const bool leaves = user == caller.user;
    MembershipAct act;
    act.kind = leaves ? MembershipAct::Kind::leave : MembershipAct::Kind::remove;
    act.in = path_group(request);
    act.subject = UserRef::of(user);
    request.messaging().change_membership(
        caller, std::move(act), request.then<MemberRecord>([request, user, leaves](const MemberRecord&) {
          request.answer(leaves ? "已退出群组" : "成员移除成功", [&](std::string& out) {
            put_group_and_user(out, request, user);
            out += '}';
          });
        }));
  });
  return {};
}

Result<void> set_admin(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  const auto body = request.body();
  if (!body) return body.error();
  const auto [who, action] = pick<2>(*body, {"userId", "action"});
  const auto user = user_id(who, "userId");
  if (!user) return user.error();
  if (!action.equals("ADD") && !action.equals("REMOVE")) return failure::field("action 必须是 ADD 或 REMOVE");
  const auto role = action.equals("ADD") ? Role::admin : Role::member;
  request.as_user(*claims, [request, user = *user, role](const Caller& caller, const UserPtr&) {
    MembershipAct act;
    act.kind = MembershipAct::Kind::set_role;
    act.in = path_group(request);
    act.subject = UserRef::of(user);
    act.role = role;
    request.messaging().change_membership(
        caller, std::move(act), request.then<MemberRecord>([request, user, role](const MemberRecord&) {
          request.answer(role == Role::admin ? "管理员添加成功" : "管理员移除成功", [&](std::string& out) {
            put_group_and_user(out, request, user);
            out += ",\"role\":\"";
            out += word(role);
            out += "\"}";
          });
        }));
  });
  return {};
}

/// Which members are asked for.
struct ListQuery {
  std::size_t page = 1;
  std::size_t size = default_size;
  std::optional<Role> role;
};

Result<ListQuery> read_list(const HttpExchange& http) {
  ListQuery query;
  const auto page = query_number(http, "page", 1, INT32_MAX, 1);
  if (!page) return page.error();
  const auto size = query_number(http, "size", 1, max_size, default_size);
  if (!size) return size.error();
  query.page = *page;
  query.size = *size;
  const auto role = http.query_value("role").value_or(std::string());
  for (const auto one : {Role::owner, Role::admin, Role::member}) {
    if (role == word(one)) query.role = one;
  }
  if (!role.empty() && !query.role) return failure::field("role 必须是 OWNER、ADMIN、MEMBER 之一");
  return query;
}

void answer_list(const Request& request, const ListQuery& query, const std::vector<MemberRecord>& members) {
  const std::size_t first = (query.page - 1) * query.size;
  std::size_t total = 0;
  request.answer("success", [&](std::string& out) {
    std::string list;
    for (const auto& record : members) {
      if (record.member.left || (query.role && record.member.role != *query.role)) continue;
      const auto at = total++;
      if (at < first || at - first >= query.size) continue;
      if (!list.empty()) list += ',';
      Wire::member(list, record);
    }
    out += "{\"total\":";
    json::append_integer(out, std::uint64_t{total});
    out += ",\"page\":";
    json::append_integer(out, std::uint64_t{query.page});
    out += ",\"size\":";
    json::append_integer(out, std::uint64_t{query.size});
    out += ",\"members\":[";
    out += list;
    out += "]}";
  });
}

Result<void> list(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  const auto query = read_list(request.http());
  if (!query) return query.error();
  request.as_user(*claims, [request, query = *query](const Caller& caller, const UserPtr&) {
    look_up(request, caller, [request, caller, query](const ConversationRecord& record) {
      request.messaging().members(
          caller, ConversationRef::of(record.conversation->id), false,
          request.then<std::vector<MemberRecord>>(
              [request, query](const std::vector<MemberRecord>& members) { answer_list(request, query, members); }));
    });
  });
  return {};
}

}  // namespace

void member_routes(const Shared& shared, Routes& routes) {
  add_route(shared, routes, HttpMethod::post, "/api/v1/groups/:id/members", add);
  add_route(shared, routes, HttpMethod::get, "/api/v1/groups/:id/members", list);
  add_route(shared, routes, HttpMethod::del, "/api/v1/groups/:id/members/:user", remove);
  add_route(shared, routes, HttpMethod::post, "/api/v1/groups/:id/admins", set_admin);
}

}  // namespace loft::message_service
