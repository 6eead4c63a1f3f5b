// One request and its answer, as the contract holds it.
#pragma once

#include <string>

#include <loft/http.hpp>

#include "request_parser.hpp"

namespace loft::http {

class Connection;

/// Lives as long as the contract or the connection wants it; an answer after the connection's end is dropped.
class Exchange final : public HttpExchange {
 public:
  Exchange(Connection& connection, std::string_view remote_address, bool from_loopback)
      : connection_(&connection), remote_address_(remote_address), from_loopback_(from_loopback) {}

  Request& request() noexcept { return request_; }
  const Request& request() const noexcept { return request_; }
  /// The connection is over.
  void detach() noexcept { connection_ = nullptr; }

  HttpMethod method() const noexcept override { return request_.method; }
  std::string_view path() const noexcept override { return request_.view(request_.path).substr(mount_); }
  std::string_view query() const noexcept override { return request_.view(request_.query); }
  Bytes body() const noexcept override { return request_.body; }
  std::string_view header(std::string_view name) const noexcept override { return request_.header(name); }
  std::string_view remote_address() const noexcept override { return remote_address_; }
  bool from_loopback() const noexcept override { return from_loopback_; }
  std::string_view parameter(std::string_view name) const noexcept override;
  std::optional<std::string> query_value(std::string_view name) const override;
  Caller caller(UserId user) const noexcept override;
  void route(HttpRoute route) override;
  void respond(unsigned status, std::string_view type, Bytes body, std::span<const HttpHeader> more = {}) override;

 private:
  Connection* connection_;  ///< null: answered, or the connection is over
  Request request_;
  HttpRoute route_;
  std::size_t mount_ = 0;
  std::string remote_address_;
  bool from_loopback_;
};

}  // namespace loft::http
