// Groups of this contract's family: made, shown, changed, dissolved.
#include "groups.hpp"
#include "fields.hpp"
#include "request.hpp"

namespace loft::message_service {
namespace {

constexpr std::size_t max_name = 200;  // bytes
constexpr std::size_t max_description = 4000;
constexpr std::size_t max_avatar = 2048;
constexpr std::size_t max_listed = 1000;
constexpr std::int64_t max_members = 1'000'000;

/// The members that making and changing a group have in common.
struct Traits {
  std::optional<std::string> name, description, avatar;
  std::optional<JoinRule> join;
  std::optional<std::uint32_t> max_members;

  bool says_nothing() const { return !name && !description && !avatar && !join && !max_members; }
};

Result<std::optional<JoinRule>> read_join(const json::Value& value) {
  if (missing(value)) return std::optional<JoinRule>();
  for (const auto rule : {JoinRule::free, JoinRule::approval, JoinRule::invite_only}) {
    if (value.equals(word(rule))) return std::optional(rule);
  }
  return failure::field("joinType 必须是 FREE、APPROVAL、INVITE_ONLY 之一");
}

Result<Traits> read_traits(const json::Value& body) {
  const auto [name, description, avatar, join, limit] =
      pick<5>(body, {"name", "description", "avatar", "joinType", "maxMembers"});
  Traits out;
  auto title = text(name, "name", max_name);
  if (!title) return title.error();
  if (*title && (*title)->empty()) return failure::field("name 不能为空");
  auto about = text(description, "description", max_description);
  if (!about) return about.error();
  auto picture = text(avatar, "avatar", max_avatar);
  if (!picture) return picture.error();
  auto rule = read_join(join);
  if (!rule) return rule.error();
  if (!missing(limit)) {
    const auto count = limit.integer();
    if (!count || *count < 1 || *count > max_members) {
      return failure::field("maxMembers 必须是 1 到 " + std::to_string(max_members) + " 的整数");
    }
    out.max_members = static_cast<std::uint32_t>(*count);
  }
  out.name = std::move(*title);
  out.description = std::move(*about);
  out.avatar = std::move(*picture);
  out.join = *rule;
  return out;
}

void answer_group(const Request& request, std::string_view message, const ConversationRecord& record) {
  request.answer(message, [&](std::string& out) { Wire::group(out, record); });
}

Result<void> create(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  const auto body = request.body();
  if (!body) return body.error();
  auto traits = read_traits(*body);
  if (!traits) return traits.error();
  if (!traits->name) return failure::field("name 必填");
  const auto [list] = pick<1>(*body, {"memberIds"});
  auto members = user_ids(list, "memberIds", max_listed);
  if (!members) return members.error();
  NewConversation group;
  group.name = std::move(*traits->name);
  group.description = traits->description.value_or(std::string());
  group.avatar = traits->avatar.value_or(std::string());
  group.join = traits->join.value_or(JoinRule::free);
  group.max_members = traits->max_members.value_or(0);
  for (const auto id : *members) group.members.push_back(UserRef::of(id));
  request.as_user(*claims, [request, group = std::move(group)](const Caller& caller, const UserPtr&) mutable {
    request.messaging().create(caller, std::move(group),
                               request.then<ConversationRecord>([request](const ConversationRecord& record) {
                                 answer_group(request, "群组创建成功", record);
                               }));
  });
  return {};
}

Result<void> get(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  request.as_user(*claims, [request](const Caller& caller, const UserPtr&) {
    look_up(request, caller, [request](const ConversationRecord& record) { answer_group(request, "success", record); });
  });
  return {};
}

void change(const Request& request, const Caller& caller, ConversationAct act, std::string_view message) {
  request.messaging().change_conversation(
      caller, std::move(act), request.then<ConversationRecord>([request, message](const ConversationRecord& record) {
        answer_group(request, message, record);
      }));
}

Result<void> update(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  const auto body = request.body();
  if (!body) return body.error();
  auto traits = read_traits(*body);
  if (!traits) return traits.error();
  if (traits->says_nothing()) {
    return failure::field("name、description、avatar、joinType、maxMembers 至少填写一个");
  }
  ConversationAct act;
  act.in = path_group(request);
  act.at_least = Role::admin;
  act.name = std::move(traits->name);
  act.description = std::move(traits->description);
  act.avatar = std::move(traits->avatar);
  act.join = traits->join;
  act.max_members = traits->max_members;
  request.as_user(*claims, [request, act = std::move(act)](const Caller& caller, const UserPtr&) mutable {
    change(request, caller, std::move(act), "群组更新成功");
  });
  return {};
}

Result<void> dissolve(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  request.as_user(*claims, [request](const Caller& caller, const UserPtr&) {
    ConversationAct act;
    act.kind = ConversationAct::Kind::dissolve;
    act.in = path_group(request);
    request.messaging().change_conversation(caller, std::move(act),
                                            request.then<ConversationRecord>([request](const ConversationRecord&) {
                                              request.answer("群组已解散", [](std::string& out) { out += "null"; });
                                            }));
  });
  return {};
}

}  // namespace

ConversationRef path_group(const Request& request) { return group_ref(std::string(request.http().parameter("id"))); }

void group_routes(const Shared& shared, Routes& routes) {
  add_route(shared, routes, HttpMethod::post, "/api/v1/groups", create);
  add_route(shared, routes, HttpMethod::get, "/api/v1/groups/:id", get);
  add_route(shared, routes, HttpMethod::put, "/api/v1/groups/:id", update);
  add_route(shared, routes, HttpMethod::del, "/api/v1/groups/:id", dissolve);
}

}  // namespace loft::message_service
