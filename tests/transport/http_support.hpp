// A connection to send requests to, and the byte-exact form of answers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <loft/testing/link.hpp>

#include "http/connection.hpp"

namespace loft::test {

/// What the fake clock makes of it: it begins at 2025-01-01.
inline const std::string head_lines = "\r\nServer: loft\r\nDate: Wed, 01 Jan 2025 00:00:00 GMT";

inline std::string ok(std::string_view body, std::string_view more = {}) {
  return "HTTP/1.1 200 OK" + head_lines +
         "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + std::string(more) +
         "\r\n\r\n" + std::string(body);
}

inline std::string refused(std::string_view status, std::string_view error) {
  const std::string body = "{\"error\":\"" + std::string(error) + "\"}";
  return "HTTP/1.1 " + std::string(status) + head_lines +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

inline std::string get(std::string_view target, std::string_view headers = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n";
}

inline std::string post(std::string_view target, std::string_view body) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

/// Answers each request at once with `method path?query|body`, or keeps it when `keep` is set.
struct Server {
  http::Settings settings;
  testing::FakeEndpoint endpoint;
  testing::FakeLink link;
  bool keep = false;
  std::vector<HttpExchangePtr> kept;
  std::vector<std::string> seen;

  explicit Server(http::Settings with = {}) : settings(with) {
    endpoint.on_exchange = [this](HttpExchangePtr exchange) {
      std::string text = std::to_string(static_cast<int>(exchange->method())) + ' ' + std::string(exchange->path());
      if (!exchange->query().empty()) text.append("?").append(exchange->query());
      if (!exchange->body().empty()) text.append("|").append(exchange->body());
      seen.push_back(text);
      if (keep) {
        kept.push_back(std::move(exchange));
      } else {
        exchange->respond(200, "text/plain", exchange->path());
      }
    };
    link.begin(std::make_unique<http::Connection>(link, endpoint, settings));
  }
};

}  // namespace loft::test
