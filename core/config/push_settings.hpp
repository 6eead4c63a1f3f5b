// The section `push`. Private to core/config.
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"

namespace loft::config {

/// Keys of `push` that hold a mapping, `email` with them; any other must be an option of `table`.
std::vector<std::string> push_channels(const Node& push, const OptionTable& table);

/// The channels, and what the options together must hold. `words` as from above.
void read_push(const Node& root, const std::vector<std::string>& words, Settings& settings);

/// Whether somebody serves the channels to which `contract.push` gives its devices: they would be registered, and never
/// reached. Once channels and contracts are read.
void check_device_channels(const Settings& settings);

}  // namespace loft::config
