#include "exchange.hpp"

#include <algorithm>
#include <utility>

#include "connection.hpp"
#include "text.hpp"

namespace loft::http {

std::string_view Exchange::parameter(std::string_view name) const noexcept {
  for (const auto& [key, value] : route_.parameters) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string> Exchange::query_value(std::string_view name) const {
  return http::query_value(query(), name);
}

Caller Exchange::caller(UserId user) const noexcept {
  auto caller = route_.caller;
  caller.user = user;
  return caller;
}

void Exchange::route(HttpRoute route) {
  route_ = std::move(route);
  mount_ = std::min<std::size_t>(route_.mount, request_.path.size);
}

void Exchange::respond(unsigned status, std::string_view type, Bytes body, std::span<const HttpHeader> more) {
  if (auto* const connection = std::exchange(connection_, nullptr)) connection->answer(status, type, body, more);
}

}  // namespace loft::http
