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

/// Says what is to be done once all is parsed.
using ChooseAction = std::function<void(int (Actions::*)())>;

/// The commands below `loft push`.
void push_grammar(CLI::App& push, Words& words, const AddCommand& add, const ChooseAction& choose);

}  // namespace loft::cli
