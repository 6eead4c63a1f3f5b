#include "http.hpp"

#include <loft/contract_tools.hpp>

#include "fields.hpp"

namespace loft::im {
namespace {

constexpr std::string_view json_type = "application/json";

void health(const Shared& shared, HttpExchange& exchange) {
  auto& out = scratch();
  out += "{\"status\":\"ok\"";
  append_stamp(out, shared.now());
  reply(exchange, out);
}

void stats(const Shared& shared, HttpExchange& exchange) {
  const auto online = shared.messaging().online();
  auto& out = scratch();
  out += "{\"connections\":";
  json::append_integer(out, shared.connections.load(std::memory_order_relaxed));
  out += ",\"online_users\":";
  json::append_integer(out, online.users);
  append_stamp(out, shared.now());
  reply(exchange, out);
}

Result<void> send(const Shared& shared, const HttpExchangePtr& exchange) {
  auto who = caller_of(shared, *exchange);
  if (!who) return who.error();
  const auto body = body_of(*exchange);
  if (!body) return body.error();
  Submission submission;
  const auto key = exchange->header("Idempotency-Key");
  if (auto fits = check_client_id(key, "Idempotency-Key"); !fits) return fits;
  submission.client_id = key;
  if (auto read = read_submission(*body, submission); !read) return read;
  as_user(shared, exchange, std::move(*who),
          [&shared, exchange, submission = std::move(submission)](const Caller& caller, UserPtr user) mutable {
            auto answer = [&shared, exchange, user = std::move(user)](const Accepted& accepted) {
              auto& out = scratch();
              out += "{\"success\":true,\"message\":";
              shared.wire.message(out, *accepted.record, user.get());
              out += ",\"message_id\":\"msg_";
              json::append_integer(out, raw(accepted.record->message->id));
              out += "\"}";
              reply(*exchange, out);
            };
            shared.messaging().submit(caller, std::move(submission), or_error<Accepted>(exchange, std::move(answer)));
          });
  return {};
}

Result<void> get(const Shared& shared, const HttpExchangePtr& exchange) {
  auto who = caller_of(shared, *exchange);
  if (!who) return who.error();
  const auto id = message_id(exchange->parameter("id"));
  if (id == MessageId::none) return Error{Code::not_found, "message.unknown", {}};
  as_user(shared, exchange, std::move(*who), [&shared, exchange, id](const Caller& caller, UserPtr user) {
    auto answer = [&shared, exchange, user = std::move(user)](const MessageRecord& record) {
      if (record.hidden) return reply(*exchange, Error{Code::not_found, "message.unknown", {}});
      auto& out = scratch();
      out += "{\"message\":";
      shared.wire.message(out, record, user.get());
      out += '}';
      reply(*exchange, out);
    };
    shared.messaging().message(caller, id, or_error<MessageRecord>(exchange, std::move(answer)));
  });
  return {};
}

Result<void> ack(const Shared& shared, const HttpExchangePtr& exchange) {
  auto who = caller_of(shared, *exchange);
  if (!who) return who.error();
  const auto body = body_of(*exchange);
  if (!body) return body.error();
  const auto [status] = pick<1>(*body, {"status"});
  const auto id = message_id(exchange->parameter("id"));
  auto act = read_ack(id, status, shared.fetched);
  if (!act) return act.error();
  if (id == MessageId::none) return Error{Code::not_found, "message.unknown", {}};
  as_user(shared, exchange, std::move(*who),
          [&shared, exchange, act = std::move(*act)](const Caller& caller, const UserPtr&) mutable {
            shared.messaging().mark(caller, std::move(act), or_error<Marked>(exchange, [exchange](const Marked&) {
                                      reply_success(*exchange);
                                    }));
          });
  return {};
}

/// The action of a message domain: the body is its arguments.
Result<void> act(const Shared& shared, const HttpExchangePtr& exchange) {
  auto who = caller_of(shared, *exchange);
  if (!who) return who.error();
  const auto body = exchange->body().empty() ? Result<json::Value>(json::Value()) : body_of(*exchange);
  if (!body) return body.error();
  auto asked = read_action(std::string(exchange->parameter("action")), exchange->parameter("id"), *body);
  if (!asked) return asked.error();
  as_user(shared, exchange, std::move(*who),
          [&shared, exchange, asked = std::move(*asked)](const Caller& caller, const UserPtr&) mutable {
            auto answer = [exchange](const std::string& result) {
              auto& out = scratch();
              out += "{\"success\":true,\"result\":";
              out += result;
              out += '}';
              reply(*exchange, out);
            };
            shared.host->domains().act(caller, std::move(asked), or_error<std::string>(exchange, std::move(answer)));
          });
  return {};
}

Result<void> offline(const Shared& shared, const HttpExchangePtr& exchange) {
  auto who = caller_of(shared, *exchange);
  if (!who) return who.error();
  const auto after = cursor(exchange->query_value("last_message_id").value_or(std::string()));
  if (!after) return after.error();
  const auto wanted = query_integer(*exchange, "limit");
  if (!wanted.ok) return failure::field("limit must be an integer");
  const auto query = shared.offline(*after, limit(wanted.value));
  as_user(shared, exchange, std::move(*who), [&shared, exchange, query](const Caller& caller, UserPtr user) {
    auto answer = [&shared, exchange, user = std::move(user)](const Page& page) {
      auto& out = scratch();
      shared.wire.page(out, page, *user);
      reply(*exchange, out);
    };
    shared.messaging().inbox(caller, query, or_error<Page>(exchange, std::move(answer)));
  });
  return {};
}

}  // namespace

void reply(HttpExchange& exchange, Bytes body) { exchange.respond(200, json_type, body); }

void reply(HttpExchange& exchange, const Error& error, Act act) {
  const auto wire = wire_error(error, act);
  auto& out = scratch();
  append_error(out, wire.text);
  constexpr HttpHeader retry[] = {{"Retry-After", "1"}};
  constexpr HttpHeader challenge[] = {{"WWW-Authenticate", "Bearer"}};
  if (wire.status == 503 || wire.status == 429) return exchange.respond(wire.status, json_type, out, retry);
  if (wire.status == 401) return exchange.respond(401, json_type, out, challenge);
  exchange.respond(wire.status, json_type, out);
}

void reply_success(HttpExchange& exchange) { reply(exchange, "{\"success\":true}"); }

Result<Proven> caller_of(const Shared& shared, const HttpExchange& exchange) {
  return prove(shared, std::string(exchange.header("X-User-ID")), bearer(exchange.header("Authorization")));
}

Result<json::Value> body_of(const HttpExchange& exchange) {
  auto value = json::parse(exchange.body());
  if (!value) return failure::malformed_body(value.error().detail);
  if (!value->is(json::Type::object)) return failure::malformed_body("it must be a JSON object");
  return value;
}

void message_routes(const Shared& shared, Routes& routes) {
  using Answering = Result<void> (*)(const Shared&, const HttpExchangePtr&);
  const auto add = [&](HttpMethod method, std::string path, Answering handler) {
    routes.http(method, std::move(path), [&shared, handler](const HttpExchangePtr& exchange) {
      if (auto done = handler(shared, exchange); !done) reply(*exchange, done.error());
    });
  };
  routes.http(HttpMethod::get, "/health", [&shared](const HttpExchangePtr& x) { health(shared, *x); });
  routes.http(HttpMethod::get, "/api/v1/stats", [&shared](const HttpExchangePtr& x) { stats(shared, *x); });
  add(HttpMethod::post, "/api/v1/messages", send);
  add(HttpMethod::get, "/api/v1/messages/offline", offline);
  add(HttpMethod::get, "/api/v1/messages/:id", get);
  add(HttpMethod::post, "/api/v1/messages/:id/ack", ack);
  add(HttpMethod::post, "/api/v1/messages/:id/actions/:action", act);
}

}  // namespace loft::im
