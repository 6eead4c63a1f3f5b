// Requests to a bench.
#pragma once

#include <ostream>

#include "host.hpp"

namespace flix_test {

struct Answer {
  unsigned status = 0;
  std::string body;
  bool operator==(const Answer&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  return out << answer.status << ' ' << answer.body;
}

/// With that token; none where it is empty.
inline Answer ask(Bench& bench, HttpMethod method, const std::string& target, std::string_view body = "",
                  const std::string& token = "alice") {
  std::map<std::string, std::string> headers;
  if (!token.empty()) headers["Authorization"] = "Bearer " + token;
  const auto exchange = bench.routes.request(method, target, std::string(body), std::move(headers));
  bench.messaging.settle();
  return {exchange->status, exchange->answer};
}

inline Answer failed(unsigned status, std::string_view code, std::string_view message) {
  return {status, R"({"success":false,"error":{"code":")" + std::string(code) + R"(","message":")" +
                      std::string(message) + "\"}}"};
}

/// A validation's failure.
inline Answer unfit(std::string_view field, std::string_view what) {
  return {422, R"({"success":false,"message":"验证错误","errors":{")" + std::string(field) + R"(":[")" +
                   std::string(what) + R"("]}})"};
}

}  // namespace flix_test
