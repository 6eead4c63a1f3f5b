// How the file names plugins. Private to core/config.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.hpp"

namespace loft::config {

/// Whether a text can be the name of a plugin or an instance.
bool name_like(std::string_view text);

/// The plugin a word names; a problem at `node` when it is no such word.
PluginRef named(const Node& node, std::string_view kind, const std::string& word, const Node& options);

/// A section `{use: name, …options}`.
PluginRef section(const Node& node, std::string_view kind, const std::string& fallback);

/// A word, or a mapping `{use: word, …options}`.
PluginRef word_or_map(const Node& node, std::string_view kind, const std::string& fallback);

/// As `ref`, but with the name that the mapping gives it: one plugin may be there several times.
PluginRef own_name(PluginRef ref, const Node& node);

}  // namespace loft::config
