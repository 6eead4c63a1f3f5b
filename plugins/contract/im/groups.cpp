// Groups over HTTP.
#include "fields.hpp"
#include "http.hpp"

namespace loft::im {
namespace {

constexpr std::size_t max_name = 200;  // bytes
constexpr std::size_t max_description = 4000;

Result<std::string> bounded(Result<std::string> value, std::string_view name, std::size_t bytes) {
  if (value && value->size() > bytes) {
    return failure::field(std::string(name) + " must not be longer than " + std::to_string(bytes) + " bytes");
  }
  return value;
}

/// Fills the members in and writes them to `echo`, as the client wrote them, as the list that the answer repeats.
Result<void> read_members(const json::Value& list, std::vector<UserRef>& members, std::string& echo) {
  if (!missing(list) && !list.is(json::Type::array)) return failure::field("members must be a list of user IDs");
  Result<void> outcome;
  json::Writer writer(echo);
  writer.array();
  list.elements([&](const json::Value& element) {
    auto id = required_id(element, "members");
    if (!id) {
      outcome = failure::field("members must be a list of user IDs");
      return false;
    }
    writer.raw(element.raw());
    members.push_back(UserRef::handle_or_id(std::move(*id)).or_create());
    return true;
  });
  writer.end_array();
  return outcome;
}

void answer_group(HttpExchange& exchange, const ConversationRecord& record, std::string_view members) {
  auto& out = scratch();
  out += "{\"group\":";
  Wire::group(out, record, members);
  out += '}';
  reply(exchange, out);
}

Result<void> create(const Shared& shared, const HttpExchangePtr& exchange) {
  auto who = caller_of(shared, *exchange);
  if (!who) return who.error();
  const auto body = body_of(*exchange);
  if (!body) return body.error();
  const auto [name, description, members] = pick<3>(*body, {"name", "description", "members"});
  NewConversation group;
  auto title = bounded(required_text(name, "name"), "name", max_name);
  if (!title) return title.error();
  auto about = bounded(text(description, "description"), "description", max_description);
  if (!about) return about.error();
  group.name = std::move(*title);
  group.description = std::move(*about);
  std::string echo;
  if (auto read = read_members(members, group.members, echo); !read) return read;
  as_user(shared, exchange, std::move(*who),
          [&shared, exchange, group = std::move(group), echo = std::move(echo)](const Caller& caller,
                                                                                const UserPtr&) mutable {
            auto answer = [exchange, echo = std::move(echo)](const ConversationRecord& record) {
              answer_group(*exchange, record, echo);
            };
            shared.messaging().create(caller, std::move(group),
                                      or_error<ConversationRecord>(exchange, std::move(answer)));
          });
  return {};
}

/// Calls `then(record, members)`. A group that anybody may join shows itself to everybody; others to members only.
template <class F>
Result<void> look_up(const Shared& shared, const HttpExchangePtr& exchange, F then) {
  auto who = caller_of(shared, *exchange);
  if (!who) return who.error();
  as_user(shared, exchange, std::move(*who), [&shared, exchange, then](const Caller& caller, const UserPtr&) {
    auto with_record = [&shared, exchange, then, caller](ConversationRecord record) {
      if (record.conversation->kind != ConversationKind::group) {
        return reply(*exchange, Error{Code::not_found, "conversation.unknown", {}});
      }
      const auto id = ConversationRef::of(record.conversation->id);
      const bool members_only = record.conversation->join != JoinRule::free;
      auto with_members = [exchange, then, record = std::move(record)](const std::vector<MemberRecord>& members) {
        then(*exchange, record, members);
      };
      shared.messaging().members(caller, id, members_only,
                                 or_error<std::vector<MemberRecord>>(exchange, std::move(with_members)));
    };
    shared.messaging().conversation(caller, ConversationRef::handle_or_id(std::string(exchange->parameter("id"))),
                                    false, or_error<ConversationRecord>(exchange, std::move(with_record)));
  });
  return {};
}

Result<void> get(const Shared& shared, const HttpExchangePtr& exchange) {
  return look_up(shared, exchange,
                 [](HttpExchange& x, const ConversationRecord& record, const std::vector<MemberRecord>& members) {
                   std::string ids;
                   Wire::member_ids(ids, members);
                   answer_group(x, record, ids);
                 });
}

Result<void> members(const Shared& shared, const HttpExchangePtr& exchange) {
  return look_up(shared, exchange,
                 [](HttpExchange& x, const ConversationRecord& record, const std::vector<MemberRecord>& list) {
                   auto& out = scratch();
                   Wire::members(out, *record.conversation, list);
                   reply(x, out);
                 });
}

Result<void> change(const Shared& shared, const HttpExchangePtr& exchange, MembershipAct::Kind kind) {
  auto who = caller_of(shared, *exchange);
  if (!who) return who.error();
  as_user(shared, exchange, std::move(*who), [&shared, exchange, kind](const Caller& caller, const UserPtr&) {
    MembershipAct act;
    act.kind = kind;
    act.in = ConversationRef::handle_or_id(std::string(exchange->parameter("id")));
    shared.messaging().change_membership(caller, std::move(act),
                                         or_error<MemberRecord>(
                                             exchange, [exchange](const MemberRecord&) { reply_success(*exchange); },
                                             kind == MembershipAct::Kind::leave ? Act::leave : Act::any));
  });
  return {};
}

Result<void> join(const Shared& shared, const HttpExchangePtr& exchange) {
  return change(shared, exchange, MembershipAct::Kind::join);
}

Result<void> leave(const Shared& shared, const HttpExchangePtr& exchange) {
  return change(shared, exchange, MembershipAct::Kind::leave);
}

}  // namespace

void group_routes(const Shared& shared, Routes& routes) {
  using Answering = Result<void> (*)(const Shared&, const HttpExchangePtr&);
  const auto add = [&](HttpMethod method, std::string path, Answering handler) {
    routes.http(method, std::move(path), [&shared, handler](const HttpExchangePtr& exchange) {
      if (auto done = handler(shared, exchange); !done) reply(*exchange, done.error());
    });
  };
  add(HttpMethod::post, "/api/v1/groups", create);
  add(HttpMethod::get, "/api/v1/groups/:id", get);
  add(HttpMethod::get, "/api/v1/groups/:id/members", members);
  add(HttpMethod::post, "/api/v1/groups/:id/join", join);
  add(HttpMethod::post, "/api/v1/groups/:id/leave", leave);
}

}  // namespace loft::im
