#pragma once

#include <functional>

#include "cli/actions.hpp"

namespace CLI {
class App;
}

namespace loft::cli {

/// Adds a command that prints JSON with `--json`.
using AddCommand =
    std::function<CLI::App*(CLI::App&, const char* name, const char* help, int (Actions::*)(), const char* examples)>;

/// The commands below `loft push`.
void push_grammar(CLI::App& push, Words& words, const AddCommand& add);

}  // namespace loft::cli
