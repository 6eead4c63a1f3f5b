// Which messages FCM takes (the v1 REST reference, projects.messages).
#pragma once

#include <optional>
#include <string>

#include <loft/json.hpp>

namespace loft::simulate {

struct Violation {
  std::string field;
  std::string words;
  bool is_of_fcm = false;  ///< refused by FCM itself, not already as no such request
};

/// The first thing that is wrong with the body of `messages:send`; nullopt: nothing.
std::optional<Violation> check_message(const json::Value& body);

}  // namespace loft::simulate
