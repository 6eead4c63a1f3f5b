// Requests in tests: the status is checked, the body comes back.
#pragma once

#include <catch2/catch.hpp>

#include "bench.hpp"

namespace message_service_test {

inline std::string ask(Bench& bench, unsigned status, HttpMethod method, std::string target, std::string body = {},
                       const std::string& token = "alice") {
  INFO(target << " " << body);
  const auto exchange = bench.exchange(method, std::move(target), std::move(body), token);
  CHECK(exchange->status == status);
  CHECK(exchange->type == "application/json");
  return exchange->answer;
}

/// A refusal by this error of Messaging comes out with that code and message.
inline Error fails(Code code, const char* reason) { return {code, reason, {}}; }

}  // namespace message_service_test
