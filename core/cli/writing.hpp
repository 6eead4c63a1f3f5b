// Messages of the operator's backend: announcements to all, notices to one. Private to core/cli.
#pragma once

#include <string>

#include <loft/json.hpp>

#include "cli/commands.hpp"

namespace loft::cli {

/// The user of that name, made where there is none.
Result<User> find_or_add(UserStore& users, const std::string& handle);

/// `{"topic","text"}` or `{"topic","domain","content"}`, with `as`, `client_id` and, to one, `handle`. Errors: invalid
/// `control.arguments`; those of UserStore.
Result<std::string> write(UserStore& users, bool to_one, const json::Value& arguments);

}  // namespace loft::cli
