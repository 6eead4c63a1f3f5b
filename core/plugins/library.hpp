// One plugin library: found, opened, its gate checked. The only code that knows how libraries are opened.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <loft/abi.hpp>

namespace loft {

/// A plugin that is not taken. `what()` names the plugin, the reason and the remedy.
class PluginError : public std::runtime_error {
 public:
  PluginError(std::string plugin, const std::string& phase, const std::string& reason, const std::string& remedy = {});

  const std::string& plugin() const noexcept { return plugin_; }

 private:
  std::string plugin_;
};

/// The file of a plugin: `<id>.so` in the first of the directories that has it. Throws PluginError that lists where it
/// looked and the nearest name found there. Thread role: control.
std::string find_library(std::string_view id, const std::vector<std::string>& directories);

/// The ids of all files in the directories that have a plugin's name, sorted, without repeats. Opens nothing.
std::vector<std::string> list_libraries(const std::vector<std::string>& directories);

/// Opens the library at `path` and returns its gate, with everything checked that can be before a plugin is made: both
/// sides were built alike, and the id is the file's name. Libraries are never unloaded; opening one twice is free.
/// Throws PluginError. Thread role: control.
const loft_gate& open_library(const std::string& path);

}  // namespace loft
