// What the handlers have in common: who calls, what they sent, how they are answered.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <loft/contract_tools.hpp>
#include <loft/http.hpp>

#include "contract.hpp"
#include "errors.hpp"

namespace loft::message_service {

using UserPtr = std::shared_ptr<const User>;

/// One request on its way through a handler; copies answer the same exchange. Thread role: I/O, the exchange's.
class Request {
 public:
  Request(const Shared& shared, HttpExchangePtr exchange) : shared_(&shared), exchange_(std::move(exchange)) {}

  const Shared& shared() const noexcept { return *shared_; }
  const HttpExchange& http() const noexcept { return *exchange_; }
  Messaging& messaging() const { return shared_->host->messaging(); }
  Users& users() const { return shared_->host->users(); }

  /// What the token of the request proves.
  Result<Claims> claims() const;
  /// The body as an object. Valid as long as the exchange.
  Result<json::Value> body() const;

  /// `{"code":200,"message":…,"data":…}`; `data(out)` appends the data. `message` needs no escapes.
  template <class F>
  void answer(std::string_view message, F data) const {
    auto& out = begin(message);
    data(out);
    finish(out);
  }
  /// `{"code":…,"message":…,"data":null}`
  void refuse(const Error& error) const;

  /// Looks up whom the claims name and calls `then(Caller, UserPtr)`; answers itself where there is no such user.
  template <class F>
  void as_user(const Claims& claims, F then) const {
    loft::as_user(
        users(), exchange_, claims,
        [request = *this](Error error) {
          request.refuse(error.code == Code::not_found ? failure::stranger() : std::move(error));
        },
        std::move(then));
  }

  /// An answer handler: errors are answered, a value goes to `next(T)`.
  template <class T, class F>
  Done<T> then(F next) const {
    return [request = *this, next = std::move(next)](Result<T> result) mutable {
      if (!result) return request.refuse(result.error());
      next(std::move(*result));
    };
  }

 private:
  static std::string& begin(std::string_view message);
  void finish(std::string& out) const;

  const Shared* shared_;
  HttpExchangePtr exchange_;
};

/// A handler returns the errors that it finds before it asks anybody.
using Handler = Result<void> (*)(const Request&);
void add_route(const Shared& shared, Routes& routes, HttpMethod method, std::string path, Handler handler);

/// Waits for the answers to several questions, in whatever order they come, and hands them on in the order of asking.
template <class T>
class Gather {
 public:
  /// `count` > 0.
  Gather(std::size_t count, Function<void(std::vector<Result<T>>)> then)
      : answers_(count, Error{Code::internal, "message_service.unanswered", {}}),
        awaited_(count),
        then_(std::move(then)) {}

  static Done<T> slot(std::shared_ptr<Gather> all, std::size_t at) {
    return [all = std::move(all), at](Result<T> answer) {
      all->answers_[at] = std::move(answer);
      if (--all->awaited_ == 0) all->then_(std::move(all->answers_));
    };
  }

 private:
  std::vector<Result<T>> answers_;
  std::size_t awaited_;
  Function<void(std::vector<Result<T>>)> then_;
};

/// The first error among them; null: all is well.
template <class T>
const Error* first_error(const std::vector<Result<T>>& answers) noexcept {
  for (const auto& answer : answers) {
    if (!answer) return &answer.error();
  }
  return nullptr;
}

}  // namespace loft::message_service
