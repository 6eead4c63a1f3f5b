// A request to a path that has routes, of other methods only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <loft/http.hpp>

namespace loft {

/// Whatever the contract answers with 405 carries the header `Allow`, as RFC 9110 §15.5.6 demands; the rest is the
/// exchange it is given.
class WithAllow final : public HttpExchange {
 public:
  /// `methods` as in the header.
  WithAllow(HttpExchangePtr exchange, std::string methods)
      : exchange_(std::move(exchange)), methods_(std::move(methods)) {}

  HttpMethod method() const noexcept override { return exchange_->method(); }
  std::string_view path() const noexcept override { return exchange_->path(); }
  std::string_view query() const noexcept override { return exchange_->query(); }
  Bytes body() const noexcept override { return exchange_->body(); }
  std::string_view header(std::string_view name) const noexcept override { return exchange_->header(name); }
  std::string_view remote_address() const noexcept override { return exchange_->remote_address(); }
  bool from_loopback() const noexcept override { return exchange_->from_loopback(); }
  std::string_view parameter(std::string_view name) const noexcept override { return exchange_->parameter(name); }
  std::optional<std::string> query_value(std::string_view name) const override { return exchange_->query_value(name); }
  Caller caller(UserId user) const noexcept override { return exchange_->caller(user); }
  void route(HttpRoute route) override { exchange_->route(std::move(route)); }
  void respond(unsigned status, std::string_view type, Bytes body, std::span<const HttpHeader> more) override {
    if (status != 405) return exchange_->respond(status, type, body, more);
    std::vector<HttpHeader> headers(more.begin(), more.end());
    headers.push_back({"Allow", methods_});
    exchange_->respond(status, type, body, headers);
  }

 private:
  HttpExchangePtr exchange_;
  std::string methods_;
};

}  // namespace loft
