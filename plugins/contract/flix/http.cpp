// Single messages over HTTP: create, get, read, delete.
#include "http.hpp"

#include <loft/contract_tools.hpp>

#include "fields.hpp"
#include "handed_over.hpp"

namespace loft::flix {
namespace {

constexpr std::string_view json_type = "application/json";
constexpr unsigned created = 201;

void create(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, UserPtr user) -> Result<void> {
    const auto body = body_of(*exchange);
    if (!body) return body.error();
    Submission submission;
    if (auto read = read_body(*body, *user, submission); !read) return read;
    auto answer = [&shared, exchange, user = std::move(user)](const Accepted& accepted) {
      auto& out = begin_data("消息创建成功");
      shared.wire.message(out, *accepted.record, Reader::of(*user));
      out += '}';
      reply(*exchange, out, created);
    };
    shared.messaging().submit(caller, std::move(submission), or_error<Accepted>(exchange, std::move(answer)));
    return {};
  });
}

void get(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, UserPtr user) -> Result<void> {
    const auto id = message_id(exchange->parameter("id"));
    if (!id) return id.error();
    auto answer = [&shared, exchange, user = std::move(user)](const MessageRecord& record) {
      auto& out = begin_data("获取消息成功");
      shared.wire.message(out, record, Reader::of(*user));
      out += '}';
      reply(*exchange, out);
    };
    shared.messaging().message(caller, *id,
                               handing_over(shared, caller, or_error<MessageRecord>(exchange, std::move(answer))));
    return {};
  });
}

// The action of a message domain: the body is its arguments.
void act(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, const UserPtr&) -> Result<void> {
    const auto id = message_id(exchange->parameter("id"));
    if (!id) return id.error();
    const auto body = exchange->body().empty() ? Result<json::Value>(json::Value()) : body_of(*exchange);
    if (!body) return body.error();
    auto asked = read_action(std::string(exchange->parameter("action")), *id, *body);
    if (!asked) return asked.error();
    auto answer = [exchange](const std::string& result) {
      auto& out = begin_data("操作成功");
      out.append("{\"result\":").append(result) += "}}";
      reply(*exchange, out);
    };
    shared.host->domains().act(caller, std::move(*asked), or_error<std::string>(exchange, std::move(answer)));
    return {};
  });
}

void answer_state(HttpExchange& exchange, MessageId id, std::string_view status, Millis updated) {
  auto& out = begin_data("消息已标记为已读");
  out += "{\"id\":\"";
  append_uuid(out, UuidKind::message, raw(id));
  out.append("\",\"status\":\"").append(status).append("\",\"updated_at\":\"");
  append_time(out, updated);
  out += "\"}}";
  reply(exchange, out);
}

// What is deleted or withdrawn stays so: it is not to be read any more, and its sender hears nothing.
void read(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, UserPtr user) -> Result<void> {
    const auto id = message_id(exchange->parameter("id"));
    if (!id) return id.error();
    auto seen = [&shared, exchange, caller, user = std::move(user), id = *id](const MessageRecord& record) {
      const bool is_own = record.message->sender == user->id;
      if (!is_own && (record.hidden || record.is_recalled())) {
        return answer_state(*exchange, id, status(record, Reader::of(*user)), updated_at(record));
      }
      MarkAct act;
      act.mark = MarkId::read;
      act.messages = {id};
      act.strict = true;
      auto answer = [&shared, exchange, id](const Marked&) {
        answer_state(*exchange, id, "read", shared.host->clock().now());
      };
      shared.messaging().mark(caller, std::move(act), or_error<Marked>(exchange, std::move(answer), Act::mark));
    };
    shared.messaging().message(caller, *id, or_error<MessageRecord>(exchange, std::move(seen), Act::mark));
    return {};
  });
}

// Whoever sees a message may hide it from itself, its sender too.
void remove(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, const UserPtr&) -> Result<void> {
    const auto id = message_id(exchange->parameter("id"));
    if (!id) return id.error();
    auto seen = [&shared, exchange, caller](const MessageRecord& record) {
      MarkAct act;
      act.mark = MarkId::hidden;
      act.messages = {record.message->id};
      auto answer = [exchange](const Marked&) { reply(*exchange, R"({"success":true,"message":"消息删除成功"})"); };
      shared.messaging().mark(caller, std::move(act), or_error<Marked>(exchange, std::move(answer), Act::hide));
    };
    shared.messaging().message(caller, *id, or_error<MessageRecord>(exchange, std::move(seen), Act::hide));
    return {};
  });
}

}  // namespace

void reply(HttpExchange& exchange, Bytes body, unsigned status) { exchange.respond(status, json_type, body); }

void reply(HttpExchange& exchange, const Error& error, Act act) {
  const auto wire = wire_error(error, act);
  auto& out = scratch();
  append_body(out, wire);
  constexpr HttpHeader retry[] = {{"Retry-After", "1"}};
  constexpr HttpHeader challenge[] = {{"WWW-Authenticate", "Bearer"}};
  if (wire.status == 503 || wire.status == 429) return exchange.respond(wire.status, json_type, out, retry);
  if (wire.status == 401) return exchange.respond(401, json_type, out, challenge);
  exchange.respond(wire.status, json_type, out);
}

std::string& begin_data(std::string_view message) {
  auto& out = scratch();
  out.append("{\"success\":true,\"message\":\"").append(message).append("\",\"data\":");
  return out;
}

Result<json::Value> body_of(const HttpExchange& exchange) {
  auto value = json::parse(exchange.body());
  if (!value) return failure::body(value.error().detail);
  if (!value->is(json::Type::object)) return failure::body("it is something else");
  return value;
}

void message_routes(const Shared& shared, Routes& routes) {
  using Answering = void (*)(const Shared&, const HttpExchangePtr&);
  const auto add = [&](HttpMethod method, std::string path, Answering handler) {
    routes.http(method, std::move(path),
                [&shared, handler](const HttpExchangePtr& exchange) { handler(shared, exchange); });
  };
  add(HttpMethod::post, "/api/v1/messages", create);
  add(HttpMethod::get, "/api/v1/messages/:id", get);
  add(HttpMethod::put, "/api/v1/messages/:id/read", read);
  add(HttpMethod::post, "/api/v1/messages/:id/actions/:action", act);
  add(HttpMethod::del, "/api/v1/messages/:id", remove);
}

}  // namespace loft::flix
