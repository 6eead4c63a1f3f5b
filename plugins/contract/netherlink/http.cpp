// The four routes of document 000.
#include <utility>

#include <loft/contract_tools.hpp>

#include "netherlink/contract.hpp"
#include "netherlink/errors.hpp"
#include "netherlink/fields.hpp"

namespace loft::netherlink {
namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::int64_t default_days = 7;
/// So many conversations are listed by unread_count; the total counts them all.
constexpr std::size_t max_conversations = 1000;

using UserPtr = std::shared_ptr<const User>;

/// What a handler works with: the request, and who makes it.
struct Call {
  const Shared& shared;
  HttpExchangePtr exchange;
  Act act;
  Caller caller{};
  UserPtr user{};

  void refuse(const Error& error) const {
    const auto wire = wire_error(error, act);
    auto& out = scratch();
    append_error_body(out, wire, shared.settings.detail_of(error));
    constexpr HttpHeader retry[] = {{"Retry-After", "1"}};
    constexpr HttpHeader challenge[] = {{"WWW-Authenticate", "Bearer"}};
    std::span<const HttpHeader> more;
    if (wire.status == 429 || wire.status == 503) more = retry;
    if (wire.status == 401) more = challenge;
    exchange->respond(wire.status, json_type, out, more);
  }

  /// `{"success":true,"message":…,"data":{…}}`; `write(out)` appends what is inside the braces.
  template <class F>
  void reply(std::string_view text, F write) const {
    auto& out = scratch();
    out += "{\"success\":true,\"message\":\"";
    out += text;
    out += "\",\"data\":{";
    write(out);
    out += "}}";
    exchange->respond(200, json_type, out);
  }
};

/// An answer of the host: errors are answered, a value goes to `then(call, T)`.
template <class T, class F>
Done<T> answer(Call call, F then) {
  return [call = std::move(call), then = std::move(then)](Result<T> result) mutable {
    if (!result) return call.refuse(result.error());
    then(call, std::move(*result));
  };
}

Result<Claims> prove(const Shared& shared, const HttpExchange& exchange) {
  const auto header = exchange.header("Authorization");
  if (header.empty()) return failure::no_credentials();
  const auto token = bearer(header);
  if (token.empty() || token.find(' ') != std::string_view::npos) return failure::credentials_form();
  return shared.verify(token);
}

/// Finds who calls, then `then(call)`.
template <class F>
void as_caller(Call call, F then) {
  const auto claims = prove(call.shared, *call.exchange);
  if (!claims) return call.refuse(claims.error());
  auto refuse = [call](const Error& error) {
    const bool is_unknown = error.code == Code::not_found || error.code == Code::invalid;
    call.refuse(is_unknown ? failure::unknown_caller() : error);
  };
  auto& users = call.shared.host->users();
  const auto exchange = call.exchange;
  as_user(users, exchange, *claims, std::move(refuse),
          [call = std::move(call), then = std::move(then)](const Caller& caller, UserPtr user) mutable {
            call.caller = caller;
            call.user = std::move(user);
            then(call);
          });
}

// ---- GET /api/messages/offline

struct OfflineRequest {
  InboxQuery query;
  Paging paging;
  std::string name;                 ///< `conversation_id` as it was given; empty: all
  std::vector<ConversationRef> in;  ///< to look in, one after the other; the first is in `query`
};

/// Whether what was found is listed under the id that was asked for: a number alone does not say whether it is a
/// group's.
bool is_named(const OfflineRequest& request, const Page& page, const User& viewer) {
  if (request.name.empty() || page.messages.empty()) return true;
  const auto& record = page.messages.front();
  std::string id, asked;
  append_conversation(id, *record.conversation, record.sender->handle,
                      record.peer ? record.peer->handle : viewer.handle);
  json::append_string(asked, request.name);
  return id == asked;
}

void answer_offline(const Call& call, const OfflineRequest& request, const Page& page) {
  call.reply("获取成功", [&](std::string& out) {
    call.shared.wire.list(out, page, *call.user, true);
    out += ",\"total\":";
    json::append_integer(out, page.total);
    out += ",\"page\":";
    json::append_integer(out, request.paging.page);
    out += ",\"page_size\":";
    json::append_integer(out, std::uint64_t{request.paging.size});
  });
}

void read_offline(Call call, OfflineRequest request) {
  const auto caller = call.caller;
  auto query = request.query;
  call.shared.messaging().inbox(
      caller, std::move(query),
      answer<Page>(std::move(call), [request = std::move(request)](Call& asked, Page page) mutable {
        // One id can stand for two pairs of users whose handles contain `_`: the other is looked at when this is empty.
        if (page.total == 0 && request.in.size() > 1) {
          request.in.erase(request.in.begin());
          request.query.in = request.in.front();
          return read_offline(std::move(asked), std::move(request));
        }
        answer_offline(asked, request, is_named(request, page, *asked.user) ? page : Page());
      }));
}

void offline(Call call) {
  const auto page = query_integer(*call.exchange, "page");
  const auto size = query_integer(*call.exchange, "page_size");
  if (!page.ok || !size.ok) return call.refuse(failure::parameters("page and page_size must be integers"));
  OfflineRequest request;
  request.paging = paging(page.value, size.value, default_page_size);
  request.query = call.shared.unsynced();
  request.query.limit = request.paging.size;
  request.query.offset = request.paging.offset();
  request.query.newest_first = true;
  request.query.with_total = true;
  request.name = call.exchange->query_value("conversation_id").value_or(std::string());
  if (!request.name.empty()) {
    request.in = conversations_named(request.name, call.user->handle);
    if (request.in.empty()) return answer_offline(call, request, {});
    request.query.in = request.in.front();
  }
  read_offline(std::move(call), std::move(request));
}

// ---- POST /api/messages/mark_synced

void marked(const Call& call, std::uint64_t count) {
  call.reply("标记成功", [&](std::string& out) {
    for (const std::string_view name : {"\"updated_count\":", ",\"marked_count\":"}) {
      out += name;
      json::append_integer(out, count);
    }
  });
}

void mark_synced(Call call) {
  const auto body = json::parse(call.exchange->body());
  if (!body) return call.refuse(failure::parameters(body.error().detail));
  if (!body->is(json::Type::object)) return call.refuse(failure::parameters("the body must be a JSON object"));
  const auto [list] = pick<1>(*body, {"message_ids"});
  auto ids = read_message_ids(list, failure::parameters);
  if (!ids) return call.refuse(ids.error());
  if (ids->empty()) return marked(call, 0);
  const auto caller = call.caller;
  auto act = call.shared.mark_synced(std::move(*ids));
  call.shared.messaging().mark(
      caller, std::move(act),
      answer<Marked>(std::move(call), [](const Call& asked, const Marked& result) { marked(asked, result.newly); }));
}

// ---- GET /api/messages/unread_count

void write_counts(const Call& call, const std::vector<ConversationRecord>& list, std::uint64_t total) {
  call.reply("获取成功", [&](std::string& out) {
    out += "\"total_unread\":";
    json::append_integer(out, total);
    out += ",\"unread_by_conversation\":[";
    bool first = true;
    for (const auto& record : list) {
      if (!std::exchange(first, false)) out += ',';
      out += "{\"conversation_id\":";
      append_conversation(out, *record.conversation, call.user->handle,
                          record.peer ? record.peer->handle : call.user->handle);
      out += ",\"count\":";
      json::append_integer(out, record.lacking);
      out += '}';
    }
    out += ']';
  });
}

void count(Call& call, std::vector<ConversationRecord> list) {
  std::uint64_t total = 0;
  for (const auto& record : list) total += record.lacking;
  if (list.size() < max_conversations) return write_counts(call, list, total);
  // The list was cut off: the whole is counted by itself.
  auto query = call.shared.unsynced();
  query.limit = 1;
  query.with_total = true;
  const auto caller = call.caller;
  auto& messaging = call.shared.messaging();
  messaging.inbox(caller, query,
                  answer<Page>(std::move(call), [list = std::move(list)](const Call& asked, const Page& page) {
                    write_counts(asked, list, page.total);
                  }));
}

void unread_count(Call call) {
  ConversationQuery query;
  query.limit = max_conversations;
  query.lacking = call.shared.synced;
  query.only_lacking = true;
  const auto caller = call.caller;
  auto& messaging = call.shared.messaging();
  messaging.conversations(caller, query, answer<std::vector<ConversationRecord>>(std::move(call), count));
}

// ---- POST /api/messages/:id/actions/:action: of a message domain, which the document does not know

void act(Call call) {
  json::Value arguments;
  if (!call.exchange->body().empty()) {
    const auto body = json::parse(call.exchange->body());
    if (!body) return call.refuse(failure::parameters(body.error().detail));
    arguments = *body;
  }
  const std::string id(call.exchange->parameter("id"));
  const auto message = json::parse(id);
  auto asked = read_action(std::string(call.exchange->parameter("action")), message ? *message : json::Value(),
                           arguments, failure::parameters);
  if (!asked) return call.refuse(asked.error());
  const auto caller = call.caller;
  auto& domains = call.shared.host->domains();
  domains.act(caller, std::move(*asked),
              answer<std::string>(std::move(call), [](const Call& done, const std::string& result) {
                done.reply("操作成功", [&](std::string& out) { out.append("\"result\":").append(result); });
              }));
}

// ---- DELETE /api/messages/offline/clear

void clear(Call call) {
  const auto given = query_integer(*call.exchange, "days");
  if (!given.ok) return call.refuse(failure::parameters("days must be an integer"));
  const auto days = given.value.value_or(0) < 1 ? default_days : *given.value;
  constexpr Millis day = 86'400'000;
  const auto now = call.shared.host->clock().now();
  MarkAct act;
  act.mark = call.shared.cleared;
  act.everywhere = true;
  act.having = call.shared.synced;
  act.set_before = days < now / day ? now - days * day : 1;
  const auto caller = call.caller;
  auto& messaging = call.shared.messaging();
  messaging.mark(caller, std::move(act), answer<Marked>(std::move(call), [](const Call& asked, const Marked& result) {
                   asked.reply("清理成功", [&](std::string& out) {
                     out += "\"deleted_count\":";
                     json::append_integer(out, result.newly);
                   });
                 }));
}

}  // namespace

void http_routes(const Shared& shared, Routes& routes) {
  using Handler = void (*)(Call);
  const auto add = [&](HttpMethod method, std::string path, Act act, Handler handler) {
    routes.http(method, std::move(path), [&shared, act, handler](HttpExchangePtr exchange) {
      as_caller(Call{shared, std::move(exchange), act}, [handler](Call& call) { handler(std::move(call)); });
    });
  };
  add(HttpMethod::get, "/api/messages/offline", Act::query, offline);
  add(HttpMethod::post, "/api/messages/mark_synced", Act::mark, mark_synced);
  add(HttpMethod::get, "/api/messages/unread_count", Act::query, unread_count);
  add(HttpMethod::del, "/api/messages/offline/clear", Act::clear, clear);
  add(HttpMethod::post, "/api/messages/:id/actions/:action", Act::any, act);
  routes.otherwise([&shared](HttpExchangePtr exchange, unsigned status) {
    const Call call{shared, std::move(exchange), Act::any};
    call.refuse(http_refusal(status));
  });
}

}  // namespace loft::netherlink
