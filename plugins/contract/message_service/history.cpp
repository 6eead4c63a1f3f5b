// Reading: the history of a conversation.
#include "fields.hpp"
#include "request.hpp"

namespace loft::message_service {
namespace {

constexpr std::int64_t max_limit = 100;
constexpr std::int64_t default_limit = 20;

Result<HistoryQuery> read_query(const HttpExchange& http) {
  const auto value = [&](std::string_view name) { return http.query_value(name).value_or(std::string()); };
  HistoryQuery query;
  const auto user = value("userId");
  auto group = value("groupId");
  if (user.empty() == group.empty()) return failure::field("userId 和 groupId 必须且只能填写一个");
  if (!user.empty()) {
    const auto id = user_id(user, "userId");
    if (!id) return id.error();
    query.in = ConversationRef::direct(UserRef::of(*id));
  } else {
    query.in = group_ref(std::move(group));
  }
  if (const auto before = value("before"); !before.empty()) {
    query.before = message_id(before);
    if (query.before == MessageId::none) return failure::field("before 必须是消息ID");
  }
  const auto limit = query_number(http, "limit", 1, max_limit, default_limit);
  if (!limit) return limit.error();
  query.limit = *limit;
  return query;
}

void answer(const Request& request, const Page& page) {
  request.answer("success", [&](std::string& out) {
    out += page.more ? "{\"hasMore\":true,\"messages\":[" : "{\"hasMore\":false,\"messages\":[";
    for (std::size_t i = 0; i < page.messages.size(); ++i) {
      if (i > 0) out += ',';
      request.shared().wire.message(out, page.messages[i]);
    }
    out += "]}";
  });
}

Result<void> history(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  auto query = read_query(request.http());
  if (!query) return query.error();
  request.as_user(*claims, [request, query = std::move(*query)](const Caller& caller, const UserPtr&) {
    const bool is_private = query.in.by == ConversationRef::By::direct;
    const bool has_cursor = query.before != MessageId::none;
    request.messaging().history(caller, query, [=](Result<Page> page) {
      if (page) {
        answer(request, *page);
        return mark_delivered(request.messaging(), caller, page->messages);
      }
      // Nothing has been said between the two yet.
      const bool is_empty = is_private && page.error().reason == "conversation.unknown";
      if (is_empty && !has_cursor) return answer(request, Page());
      if (is_empty || page.error().reason == "message.unknown") {
        return request.refuse(failure::field("before 不是该会话中的消息"));
      }
      request.refuse(page.error());
    });
  });
  return {};
}

}  // namespace

void history_routes(const Shared& shared, Routes& routes) {
  add_route(shared, routes, HttpMethod::get, "/api/v1/messages/history", history);
}

}  // namespace loft::message_service
