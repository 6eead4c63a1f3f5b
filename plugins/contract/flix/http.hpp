// What the HTTP handlers have in common: who calls, what they sent, how they are answered.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <loft/contract_tools.hpp>
#include <loft/http.hpp>

#include "contract.hpp"
#include "errors.hpp"

namespace loft::flix {

using UserPtr = std::shared_ptr<const User>;

/// Answers with a JSON body.
void reply(HttpExchange& exchange, Bytes body, unsigned status = 200);
/// Answers the failure with the status that belongs to it.
void reply(HttpExchange& exchange, const Error& error, Act act = Act::any);

/// `{"success":true,"message":"…","data":` in the thread's buffer; the caller writes data and the closing brace.
std::string& begin_data(std::string_view message);

/// The body as an object. Valid as long as the exchange.
Result<json::Value> body_of(const HttpExchange& exchange);

/// Calls `then(Caller, UserPtr)` for whom the request's token names; `then` answers Result<void>, its failure is the
/// answer.
template <class F>
void authenticated(const Shared& shared, const HttpExchangePtr& exchange, F then, Act act = Act::any) {
  const auto claims = shared.verify(bearer(exchange->header("Authorization")));
  if (!claims) return reply(*exchange, claims.error());
  as_user(
      shared.host->users(), exchange, *claims, [exchange](const Error& error) { reply(*exchange, error, Act::join); },
      [exchange, act, then = std::move(then)](const Caller& caller, UserPtr user) mutable {
        if (auto done = then(caller, std::move(user)); !done) reply(*exchange, done.error(), act);
      });
}

/// An answer handler: errors are answered, a value goes to `then(T)`.
template <class T, class F>
Done<T> or_error(HttpExchangePtr exchange, F then, Act act = Act::any) {
  return [exchange = std::move(exchange), then = std::move(then), act](Result<T> result) mutable {
    if (!result) return reply(*exchange, result.error(), act);
    then(std::move(*result));
  };
}

}  // namespace loft::flix
