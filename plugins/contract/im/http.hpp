// What the HTTP handlers have in common: who calls, what they sent, how they are answered.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <loft/contract_tools.hpp>
#include <loft/http.hpp>

#include "contract.hpp"
#include "errors.hpp"

namespace loft::im {

using UserPtr = std::shared_ptr<const User>;

/// Answers 200 with a JSON body.
void reply(HttpExchange& exchange, Bytes body);

/// Answers `{"error":"…"}` with the status that belongs to it.
void reply(HttpExchange& exchange, const Error& error, Act act = Act::any);

/// Answers `{"success":true}`.
void reply_success(HttpExchange& exchange);

/// The user that `X-User-ID` and `Authorization` name.
Result<Proven> caller_of(const Shared& shared, const HttpExchange& exchange);

/// The body as an object. Valid as long as the exchange.
Result<json::Value> body_of(const HttpExchange& exchange);

/// Looks the caller up and calls `then(Caller, UserPtr)`; answers itself where there is no such user.
template <class F>
void as_user(const Shared& shared, const HttpExchangePtr& exchange, Proven who, F then) {
  loft::as_user(
      shared.host->users(), exchange, std::move(who.user), who.service,
      [exchange](const Error& error) { reply(*exchange, error); }, std::move(then));
}

/// An answer handler: errors are answered, a value goes to `then(T)`.
template <class T, class F>
Done<T> or_error(HttpExchangePtr exchange, F then, Act act = Act::any) {
  return [exchange = std::move(exchange), then = std::move(then), act](Result<T> result) mutable {
    if (!result) return reply(*exchange, result.error(), act);
    then(std::move(*result));
  };
}

}  // namespace loft::im
