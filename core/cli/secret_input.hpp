// Reading a password.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include <loft/error.hpp>

namespace loft::cli {

/// From the terminal, twice and without echo, or the first line of standard input where that is none. `whose` goes into
/// the prompt, which is written to `err`. Errors: invalid `password.input` with what is wrong.
Result<std::string> read_password(std::string_view whose, std::ostream& err);

}  // namespace loft::cli
