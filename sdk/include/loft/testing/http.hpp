// For tests of contracts: HTTP requests without a server, and the routes a contract declared.
#pragma once

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <loft/contract.hpp>
#include <loft/http.hpp>

namespace loft::testing {

namespace detail {

inline std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const auto* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// The segments between slashes, as they stand.
inline std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    out.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return out;
}

}  // namespace detail

/// A request and what was answered to it.
class FakeExchange final : public HttpExchange {
 public:
  FakeExchange(HttpMethod method, std::string target, std::string body = {},
               std::map<std::string, std::string> headers = {})
      : method_(method), target_(std::move(target)), body_(std::move(body)), headers_(std::move(headers)) {}

  unsigned status = 0;  ///< 0: not answered yet
  std::string type;
  std::string answer;
  std::map<std::string, std::string> answer_headers;
  std::map<std::string, std::string, std::less<>> parameters;  ///< filled by FakeRoutes

  HttpMethod method() const noexcept override { return method_; }
  std::string_view path() const noexcept override { return std::string_view(target_).substr(0, target_.find('?')); }
  std::string_view query() const noexcept override {
    const auto mark = target_.find('?');
    return mark == std::string::npos ? std::string_view() : std::string_view(target_).substr(mark + 1);
  }
  Bytes body() const noexcept override { return body_; }
  std::string_view header(std::string_view name) const noexcept override {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    const auto same = [&](std::string_view other) {
      return name.size() == other.size() &&
             std::equal(name.begin(), name.end(), other.begin(), [&](char a, char b) { return lower(a) == lower(b); });
    };
    for (const auto& [key, value] : headers_) {
      if (same(key)) return value;
    }
    return {};
  }
  std::string_view remote_address() const noexcept override { return "127.0.0.1"; }
  bool from_loopback() const noexcept override { return true; }
  std::string_view parameter(std::string_view name) const noexcept override {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string_view() : std::string_view(found->second);
  }
  std::optional<std::string> query_value(std::string_view name) const override {
    for (auto rest = query(); !rest.empty();) {
      const auto end = std::min(rest.find('&'), rest.size());
      const auto pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto equals = std::min(pair.find('='), pair.size());
      if (detail::percent_decoded(pair.substr(0, equals), true) != name) continue;
      return detail::percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    }
    return std::nullopt;
  }
  Caller caller(UserId user) const noexcept override { return {user, nullptr, 0, 0}; }
  void route(HttpRoute route) override {
    for (auto& [name, value] : route.parameters) parameters.insert_or_assign(std::move(name), std::move(value));
  }
  void respond(unsigned code, std::string_view media, Bytes bytes, std::span<const HttpHeader> more = {}) override {
    if (status != 0) return;
    status = code;
    type = media;
    answer = bytes;
    for (const auto& [name, value] : more) answer_headers.emplace(name, value);
  }

 private:
  HttpMethod method_;
  std::string target_;
  std::string body_;
  std::map<std::string, std::string> headers_;
};

/// The routes a contract declared, and a way to use them.
class FakeRoutes final : public Routes {
 public:
  void http(HttpMethod method, std::string pattern, Function<void(HttpExchangePtr)> handler) override {
    rows_.push_back({method, std::move(pattern), std::move(handler)});
  }
  using Open = Function<std::unique_ptr<Conversant>(Peer&, const Opening&)>;
  using Admit = Function<Admission(const HttpExchange&)>;
  void socket(std::string path, Open open, Admit admit) override {
    if (admit) admissions_[path] = std::move(admit);
    sockets_[std::move(path)] = std::move(open);
  }
  void packets(Open open) override { packets_ = std::move(open); }
  void otherwise(Function<void(HttpExchangePtr, unsigned)> handler) override { otherwise_ = std::move(handler); }

  /// Sends a request to the handler of its route, or to the one for everything else (when there is none: 404, 405).
  std::shared_ptr<FakeExchange> request(HttpMethod method, std::string target, std::string body = {},
                                        std::map<std::string, std::string> headers = {}) {
    auto exchange = std::make_shared<FakeExchange>(method, std::move(target), std::move(body), std::move(headers));
    const auto path = detail::segments(exchange->path());
    Row* best = nullptr;
    bool other_method = false;
    for (auto& row : rows_) {
      if (!fits(row, path)) continue;
      if (row.method != method)
        other_method = true;
      else if (best == nullptr || is_more_literal(row, *best))
        best = &row;
    }
    if (best == nullptr) {
      const unsigned status = other_method ? 405 : 404;
      if (otherwise_)
        otherwise_(exchange, status);
      else
        exchange->respond(status, {}, {});
      return exchange;
    }
    const auto pattern = detail::segments(best->pattern);
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (pattern[i].starts_with(':')) {
        exchange->parameters[std::string(pattern[i].substr(1))] = detail::percent_decoded(path[i], false);
      }
    }
    best->handler(exchange);
    return exchange;
  }

  /// Opens a socket at exactly this path; null: there is none.
  std::unique_ptr<Conversant> open(const std::string& path, Peer& peer, const Opening& opening = {}) {
    const auto found = sockets_.find(path);
    return found == sockets_.end() ? nullptr : found->second(peer, opening);
  }
  /// What the contract says to a request for the socket at this path.
  Admission admit(const std::string& path, const HttpExchange& request) {
    const auto found = admissions_.find(path);
    return found == admissions_.end() ? Admission() : found->second(request);
  }
  std::unique_ptr<Conversant> open_packets(Peer& peer, const Opening& opening = {}) {
    return packets_ ? packets_(peer, opening) : nullptr;
  }

 private:
  struct Row {
    HttpMethod method;
    std::string pattern;
    Function<void(HttpExchangePtr)> handler;
  };

  static bool fits(const Row& row, const std::vector<std::string_view>& path) {
    const auto pattern = detail::segments(row.pattern);
    if (pattern.size() != path.size()) return false;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (pattern[i].starts_with(':') ? path[i].empty() : pattern[i] != path[i]) return false;
    }
    return true;
  }
  static bool is_more_literal(const Row& a, const Row& b) {
    const auto left = detail::segments(a.pattern), right = detail::segments(b.pattern);
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (left[i].starts_with(':') != right[i].starts_with(':')) return right[i].starts_with(':');
    }
    return false;
  }

  std::vector<Row> rows_;
  std::map<std::string, Open> sockets_;
  std::map<std::string, Admit> admissions_;
  Open packets_;
  Function<void(HttpExchangePtr, unsigned)> otherwise_;
};

}  // namespace loft::testing
