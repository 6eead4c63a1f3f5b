// One HTTP request and its response, as a contract sees them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <loft/bytes.hpp>
#include <loft/messaging.hpp>

namespace loft {

enum class HttpMethod : std::uint8_t { get, head, post, put, patch, del, options, other };

struct HttpHeader {
  std::string_view name;
  std::string_view value;
};

/// What the host's router found for a request.
struct HttpRoute {
  std::vector<std::pair<std::string, std::string>> parameters;  ///< names and decoded values of the pattern's `:name`s
  std::size_t mount = 0;  ///< length of the mount prefix that `path()` leaves out from here on
  Caller caller;          ///< contract and thread; the user is filled in by `HttpExchange::caller`
};

/// Thread role: I/O, always the same thread. Lifetime: as long as somebody holds the shared pointer; what the views
/// point to lives as long. When the connection ends before `respond`, the response is dropped.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual HttpMethod method() const noexcept = 0;
  virtual std::string_view path() const noexcept = 0;   ///< percent-encoded as received, mount prefix removed
  virtual std::string_view query() const noexcept = 0;  ///< without `?`, percent-encoded as received
  virtual Bytes body() const noexcept = 0;              ///< complete
  /// The first header of that name (case-insensitive); empty where it is missing.
  virtual std::string_view header(std::string_view name) const noexcept = 0;
  virtual std::string_view remote_address() const noexcept = 0;  ///< textual, without port
  virtual bool from_loopback() const noexcept = 0;

  /// The decoded value of `:name` of the matched pattern; empty where there is none.
  virtual std::string_view parameter(std::string_view name) const noexcept = 0;
  /// The decoded value of the first query parameter of that name; nullopt where it is missing.
  virtual std::optional<std::string> query_value(std::string_view name) const = 0;

  /// The caller for Messaging: this request made by `user`.
  virtual Caller caller(UserId user) const noexcept = 0;

  /// Attaches the route, before the contract sees the exchange. The host's to call.
  virtual void route(HttpRoute route) = 0;

  /// Answers, once; a second call is ignored. `type` is the Content-Type; empty sends none. HEAD sends no body.
  virtual void respond(unsigned status, std::string_view type, Bytes body, std::span<const HttpHeader> more = {}) = 0;
};

using HttpExchangePtr = std::shared_ptr<HttpExchange>;

}  // namespace loft
