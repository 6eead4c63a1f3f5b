// What the fuzzers of contracts share: an input made of lines, and what must hold of whatever goes out.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <loft/contract_tools.hpp>

namespace loft::fuzz {

inline void demand(bool holds) {
  if (!holds) std::abort();
}

inline bool is_json(Bytes text, json::Type type) {
  const auto parsed = json::parse(text, 64);
  return parsed && parsed->is(type);
}
inline bool is_object(Bytes text) { return is_json(text, json::Type::object); }

/// The first line of `rest`, which is taken away from it.
inline std::string_view line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  const auto out = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return out;
}

/// What the store relies on in whatever a contract hands on.
inline void demand_submission(const Submission& submission) {
  demand(is_object(submission.content));
  demand(submission.client_id.size() <= max_client_id);
  demand(submission.extras.empty() || is_object(submission.extras));
  demand(submission.extras.size() <= 4096);
}

/// What answers an HTTP request: a status that is no fault of the host, and an object.
template <class Exchange>
void demand_answer(const Exchange& exchange) {
  demand(exchange.status >= 200 && exchange.status < 500);
  demand(is_object(exchange.answer));
}

}  // namespace loft::fuzz
