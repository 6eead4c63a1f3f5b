#include "replies.hpp"

#include <string>
#include <vector>

#include <loft/http_status.hpp>

namespace loft::auth {
namespace {

unsigned status_of(const Error& error) {
  switch (error.code) {
    case Code::invalid:
    case Code::too_large:
      return 400;
    case Code::unauthenticated:
    case Code::forbidden:
    case Code::not_found:
    case Code::expired:
      return 401;
    case Code::conflict:
      return 409;
    case Code::overloaded:
    case Code::unavailable:
      return 503;
    case Code::internal:
      break;
  }
  return 500;
}

}  // namespace

void reply(HttpExchange& exchange, Bytes body) {
  constexpr HttpHeader headers[] = {{"Cache-Control", "no-store"}};
  exchange.respond(200, "application/json", body, headers);
}

void refuse(HttpExchange& exchange, unsigned status, std::string_view detail, Millis retry_after) {
  const auto seconds = std::to_string((retry_after + 999) / 1000);
  std::vector<HttpHeader> headers = {{"Cache-Control", "no-store"}};
  if (status == 401) headers.push_back({"WWW-Authenticate", "Bearer"});
  if (retry_after > 0) headers.push_back({"Retry-After", seconds});
  exchange.respond(status, problem_type, problem(status, detail), headers);
}

void refuse_unread(HttpExchange& exchange, unsigned status) {
  if (status == 404 || status == 405) {
    return refuse(exchange, status, "served here are POST /auth/token and PUT /auth/password");
  }
  refuse(exchange, status, status == 413 ? "the body is too large" : "the request could not be read");
}

void refuse(HttpExchange& exchange, const Error& error) {
  const auto status = status_of(error);
  if (status == 401) return refuse(exchange, 401, "the token is missing, not valid or of no user");
  if (status == 503) return refuse(exchange, 503, "the host cannot answer now; try again", 1000);
  if (status == 500) return refuse(exchange, 500, "the host failed");
  refuse(exchange, status, error.detail.empty() ? error.reason : error.detail);
}

}  // namespace loft::auth
