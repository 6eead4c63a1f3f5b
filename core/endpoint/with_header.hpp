// A request whose refusal owes the client a header.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <loft/http.hpp>

namespace loft {

/// Whatever the contract answers with that status carries the header: `Allow` with 405 (RFC 9110 §15.5.6), `Upgrade`
/// with 426 (§15.5.22). The rest is the exchange it is given.
class WithHeader final : public HttpExchange {
 public:
  /// `name` is a literal.
  WithHeader(HttpExchangePtr exchange, unsigned status, std::string_view name, std::string value)
      : exchange_(std::move(exchange)), status_(status), name_(name), value_(std::move(value)) {}

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
    if (status != status_) return exchange_->respond(status, type, body, more);
    std::vector<HttpHeader> headers(more.begin(), more.end());
    headers.push_back({name_, value_});
    exchange_->respond(status, type, body, headers);
  }

 private:
  HttpExchangePtr exchange_;
  unsigned status_;
  std::string_view name_;
  std::string value_;
};

}  // namespace loft
