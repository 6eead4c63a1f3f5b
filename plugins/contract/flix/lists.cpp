// Many messages over HTTP: list, count, read, sync.
#include <array>

#include "fields.hpp"
#include "handed_over.hpp"
#include "http.hpp"

namespace loft::flix {
namespace {

/// `status` of a list, as a query. False: there is no such status.
bool take_status(std::string_view status, InboxQuery& query) {
  if (status == "unread") {
    query.lacking = MarkId::read;
  } else if (status == "read") {
    query.having = MarkId::read;
  } else if (status == "withdrawn") {
    query.with_recalled = query.only_recalled = true;
  } else if (status == "deleted") {
    query.with_recalled = true;
    query.having = MarkId::hidden;
  } else {
    return false;
  }
  return true;
}

Result<InboxQuery> list_query(const HttpExchange& exchange) {
  constexpr std::size_t standard = 50;
  const auto range = read_range(exchange, standard);
  if (!range) return range.error();
  InboxQuery query;
  query.newest_first = true;
  query.limit = range->limit;
  query.offset = range->offset;
  const auto type = exchange.query_value("message_type").value_or(std::string());
  if (!type.empty()) {
    const auto known = message_type(type);
    if (!known) return failure::parameter("无效的 message_type");
    query.classes = classes(*known);
  }
  const auto status = exchange.query_value("status").value_or(std::string());
  if (status.empty()) {
    query.with_recalled = true;
  } else if (!take_status(status, query)) {
    return failure::parameter("无效的 status，可选值为 unread、read、withdrawn、deleted");
  }
  return query;
}

void list(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, UserPtr user) -> Result<void> {
    auto query = list_query(*exchange);
    if (!query) return query.error();
    auto answer = [&shared, exchange, user = std::move(user)](const Page& page) {
      auto& out = begin_data("获取消息列表成功");
      shared.wire.messages(out, page.messages, Reader::of(*user));
      out += '}';
      reply(*exchange, out);
    };
    shared.messaging().inbox(caller, std::move(*query),
                             handing_over(shared, caller, or_error<Page>(exchange, std::move(answer))));
    return {};
  });
}

/// Answers with `marked_count`.
Done<Marked> counted(const HttpExchangePtr& exchange, std::string_view message) {
  return or_error<Marked>(exchange, [exchange, message](const Marked& marked) {
    auto& out = begin_data(message);
    out += "{\"marked_count\":";
    json::append_integer(out, marked.newly);
    out += "}}";
    reply(*exchange, out);
  });
}

void batch_read(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, const UserPtr&) -> Result<void> {
    const auto body = body_of(*exchange);
    if (!body) return body.error();
    const auto [list] = pick<1>(*body, {"message_ids"});
    auto ids = message_ids(list);
    if (!ids) return ids.error();
    auto done = counted(exchange, "批量标记成功");
    if (ids->empty()) {
      done(Marked{});
      return {};
    }
    MarkAct act;
    act.mark = MarkId::read;
    act.messages = std::move(*ids);
    shared.messaging().mark(caller, std::move(act), std::move(done));
    return {};
  });
}

void read_all(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, const UserPtr&) -> Result<void> {
    MarkAct act;
    act.mark = MarkId::read;
    act.everywhere = true;
    shared.messaging().mark(caller, std::move(act), counted(exchange, "所有消息已标记为已读"));
    return {};
  });
}

void unread_count(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, const UserPtr&) -> Result<void> {
    ConversationQuery query;
    query.limit = std::numeric_limits<std::size_t>::max();
    query.only_lacking = true;
    auto answer = [exchange](const std::vector<ConversationRecord>& records) {
      std::array<std::uint64_t, 4> counts{};
      std::uint64_t total = 0;
      for (const auto& record : records) {
        counts[static_cast<std::size_t>(message_type(*record.conversation))] += record.unread;
        total += record.unread;
      }
      auto& out = begin_data("获取未读消息数量成功");
      json::Writer w(out);
      w.object().key("total").number(total);
      for (std::size_t i = 0; i < counts.size(); ++i) w.key(word(static_cast<MessageType>(i))).number(counts[i]);
      w.end_object();
      out += '}';
      reply(*exchange, out);
    };
    shared.messaging().conversations(caller, query,
                                     or_error<std::vector<ConversationRecord>>(exchange, std::move(answer)));
    return {};
  });
}

/// What a sync is asked with, in the query or in a body.
struct SyncAsk {
  std::optional<Position> after;
  std::optional<std::string> user;
};

Result<SyncAsk> sync_ask(const HttpExchange& exchange) {
  SyncAsk ask;
  ask.user = exchange.query_value("user_id");
  const auto time = exchange.query_value("last_sync_time");
  // A plus sign in a query stands for a blank; an offset is meant.
  auto text = time.value_or(std::string());
  if (text.size() > 11 && text.find(' ', 11) != std::string::npos) text[text.find(' ', 11)] = '+';
  ask.after = parse_position(text);
  if (const auto number = json::parse(text); !ask.after && number && number->integer())
    ask.after = parse_position(*number);
  if (exchange.method() != HttpMethod::post || exchange.body().empty()) return ask;
  const auto body = body_of(exchange);
  if (!body) return body.error();
  const auto [last, user] = pick<2>(*body, {"last_sync_time", "user_id"});
  if (!missing(last)) ask.after = parse_position(last);
  if (!missing(user)) ask.user = user.text().value_or(std::string("?"));
  return ask;
}

void sync(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, const UserPtr& user) -> Result<void> {
    const auto ask = sync_ask(*exchange);
    if (!ask) return ask.error();
    if (ask->user && !ask->user->empty() && uuid(*ask->user) != user->uuid) return failure::wrong_user();
    if (!ask->after) return failure::timestamp();
    auto messages = std::make_shared<std::string>();
    auto write = [&shared, messages, user](const SyncPage& page) {
      return shared.wire.synced(*messages, page, *user, messages->empty());
    };
    auto answer = [exchange, messages](Position next) {
      auto& out = begin_data("消息同步成功");
      out.append("{\"messages\":[").append(*messages).append("],\"sync_time\":\"");
      append_position(out, next);
      out += "\"}}";
      reply(*exchange, out);
    };
    sync_from(shared, caller, *ask->after, handing_over(shared, caller, std::move(write)),
              or_error<Position>(exchange, std::move(answer)));
    return {};
  });
}

}  // namespace

void list_routes(const Shared& shared, Routes& routes) {
  using Answering = void (*)(const Shared&, const HttpExchangePtr&);
  const auto add = [&](HttpMethod method, std::string path, Answering handler) {
    routes.http(method, std::move(path),
                [&shared, handler](const HttpExchangePtr& exchange) { handler(shared, exchange); });
  };
  add(HttpMethod::get, "/api/v1/messages", list);
  add(HttpMethod::put, "/api/v1/messages/batch_read", batch_read);
  add(HttpMethod::put, "/api/v1/messages/read_all", read_all);
  add(HttpMethod::get, "/api/v1/messages/unread_count", unread_count);
  add(HttpMethod::get, "/api/v1/messages/sync", sync);
  add(HttpMethod::post, "/api/v1/messages/sync", sync);
}

}  // namespace loft::flix
