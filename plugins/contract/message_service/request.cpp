#include "request.hpp"

namespace loft::message_service {
namespace {

constexpr std::string_view json_type = "application/json";

}  // namespace

Result<Claims> Request::claims() const {
  const auto token = bearer(http().header("Authorization"));
  if (token.empty()) return failure::no_token();
  return shared_->host->identity().verify(token, shared_->tokens);
}

Result<json::Value> Request::body() const {
  auto value = json::parse(http().body());
  if (!value) return failure::malformed_body(value.error().detail);
  if (!value->is(json::Type::object)) return failure::malformed_body({});
  return value;
}

void Request::refuse(const Error& error) const {
  const auto wire = wire_error(error);
  auto& out = scratch();
  out += "{\"code\":";
  json::append_integer(out, std::uint64_t{wire.code});
  out += ",\"message\":";
  json::append_string(out, wire.message);
  out += ",\"data\":null}";
  const unsigned status = shared_->settings.always_200 ? 200 : wire.code;
  constexpr HttpHeader retry[] = {{"Retry-After", "1"}};
  constexpr HttpHeader challenge[] = {{"WWW-Authenticate", "Bearer"}};
  if (wire.code == 503 || wire.code == 429) return exchange_->respond(status, json_type, out, retry);
  if (status == 401) return exchange_->respond(status, json_type, out, challenge);
  exchange_->respond(status, json_type, out);
}

std::string& Request::begin(std::string_view message) {
  auto& out = scratch();
  out += "{\"code\":200,\"message\":\"";
  out += message;
  out += "\",\"data\":";
  return out;
}

void Request::finish(std::string& out) const {
  out += '}';
  exchange_->respond(200, json_type, out);
}

void add_route(const Shared& shared, Routes& routes, HttpMethod method, std::string path, Handler handler) {
  routes.http(method, std::move(path), [&shared, handler](HttpExchangePtr exchange) {
    const Request request(shared, std::move(exchange));
    if (auto done = handler(request); !done) request.refuse(done.error());
  });
}

}  // namespace loft::message_service
