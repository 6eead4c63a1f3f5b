// Acts on messages: recall, read; and what is unread.
#include "fields.hpp"
#include "request.hpp"

namespace loft::message_service {
namespace {

constexpr std::size_t max_reason = 1024;
constexpr std::size_t max_read = 1000;

Result<void> recall(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  Recall recall;
  recall.message = message_id(request.http().parameter("id"));
  recall.window = request.shared().settings.recall_window;
  if (!request.http().body().empty()) {
    const auto body = request.body();
    if (!body) return body.error();
    const auto [why] = pick<1>(*body, {"reason"});
    auto reason = text(why, "reason", max_reason);
    if (!reason) return reason.error();
    recall.reason = reason->value_or(std::string());
  }
  if (recall.message == MessageId::none) return Error{Code::not_found, "message.unknown", {}};
  request.as_user(*claims, [request, recall = std::move(recall)](const Caller& caller, const UserPtr&) {
    request.messaging().recall(caller, recall, [request](Result<Recalled> done) {
      if (!done && done.error().reason == "recall.expired") {
        return request.refuse(failure::recall_too_late(request.shared().settings.recall_window));
      }
      if (!done) return request.refuse(done.error());
      const auto& message = *done->record.message;
      request.answer("撤回成功", [&](std::string& out) {
        out += "{\"messageId\":";
        append_message_id(out, message.id);
        out += ",\"status\":\"RECALLED\",\"recalledAt\":";
        append_time(out, id::time_of(message.recalled));
        out += '}';
      });
    });
  });
  return {};
}

void answer_read(const Request& request, std::uint64_t count) {
  request.answer("已标记为已读", [&](std::string& out) {
    out += "{\"readCount\":";
    json::append_integer(out, count);
    out += ",\"readAt\":";
    append_time(out, request.shared().now());
    out += '}';
  });
}

/// Ids of nothing are left out here, ids of others' messages by the host.
Result<MarkAct> read_ids(const json::Value& body) {
  const auto [list] = pick<1>(body, {"messageIds"});
  if (!list.is(json::Type::array)) return failure::field("messageIds 必须是消息ID数组");
  MarkAct act;
  std::size_t count = 0;
  std::optional<Error> problem;
  list.elements([&](const json::Value& element) {
    if (!element.is(json::Type::string) && !element.integer()) problem = failure::field("messageIds 必须是消息ID数组");
    if (++count > max_read) problem = failure::field("messageIds 最多 " + std::to_string(max_read) + " 个");
    if (const auto id = message_id(element); id != MessageId::none) act.messages.push_back(id);
    return !problem;
  });
  if (problem) return std::move(*problem);
  return act;
}

Result<void> read(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  const auto body = request.body();
  if (!body) return body.error();
  auto act = read_ids(*body);
  if (!act) return act.error();
  request.as_user(*claims, [request, act = std::move(*act)](const Caller& caller, const UserPtr&) mutable {
    if (act.messages.empty()) return answer_read(request, 0);
    request.messaging().mark(caller, std::move(act), request.then<Marked>([request](const Marked& marked) {
      answer_read(request, marked.newly);
    }));
  });
  return {};
}

void answer_unread(const Request& request, std::uint64_t total, const std::vector<ConversationRecord>& list) {
  request.answer("success", [&](std::string& out) {
    out += "{\"totalUnread\":";
    json::append_integer(out, total);
    out += ",\"conversations\":[";
    bool first = true;
    for (const auto& record : list) {
      if (!std::exchange(first, false)) out += ',';
      if (record.conversation->kind == ConversationKind::direct && record.peer) {
        out += "{\"userId\":";
        json::append_integer(out, raw(record.peer->id));
      } else {
        out += "{\"groupId\":";
        append_group_id(out, *record.conversation);
      }
      out += ",\"unreadCount\":";
      json::append_integer(out, record.unread);
      out += ",\"lastMessage\":";
      if (record.last.message)
        request.shared().wire.message(out, record.last);
      else
        out += "null";
      out += '}';
    }
    out += "]}";
  });
}

Result<void> unread(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  request.as_user(*claims, [request](const Caller& caller, const UserPtr&) {
    ConversationQuery query;
    query.limit = request.shared().settings.unread_conversations;
    query.with_last = true;
    query.only_lacking = true;
    auto with_list = [request, caller, limit = query.limit](std::vector<ConversationRecord> list) {
      std::uint64_t total = 0;
      for (const auto& record : list) total += record.unread;
      if (list.size() < limit) return answer_unread(request, total, list);
      request.messaging().unread(caller, {},
                                 request.then<std::uint64_t>([request, list = std::move(list)](std::uint64_t all) {
                                   answer_unread(request, all, list);
                                 }));
    };
    request.messaging().conversations(caller, query,
                                      request.then<std::vector<ConversationRecord>>(std::move(with_list)));
  });
  return {};
}

/// The action of a message domain, which the document does not know: the body is its arguments.
Result<void> act(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  ActionRequest asked;
  asked.name = request.http().parameter("action");
  asked.message = message_id(request.http().parameter("id"));
  if (!request.http().body().empty()) {
    const auto body = request.body();
    if (!body) return body.error();
    asked.arguments = body->raw();
  }
  if (asked.message == MessageId::none) return failure::no_message();
  request.as_user(*claims, [request, asked = std::move(asked)](const Caller& caller, const UserPtr&) mutable {
    auto answer = [request](const std::string& result) {
      request.answer("success", [&](std::string& out) { out.append("{\"result\":").append(result) += '}'; });
    };
    request.shared().host->domains().act(caller, std::move(asked), request.then<std::string>(std::move(answer)));
  });
  return {};
}

}  // namespace

void message_routes(const Shared& shared, Routes& routes) {
  add_route(shared, routes, HttpMethod::post, "/api/v1/messages/:id/recall", recall);
  add_route(shared, routes, HttpMethod::post, "/api/v1/messages/:id/actions/:action", act);
  add_route(shared, routes, HttpMethod::post, "/api/v1/messages/read", read);
  add_route(shared, routes, HttpMethod::get, "/api/v1/messages/unread/count", unread);
}

}  // namespace loft::message_service
