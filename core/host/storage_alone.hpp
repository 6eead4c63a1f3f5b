#pragma once

#include <memory>

#include "cli/commands.hpp"

namespace loft {

/// Throws ConfigError, PluginError.
std::unique_ptr<cli::StorageAlone> open_storage_alone(cli::Loaded& loaded);

}  // namespace loft
