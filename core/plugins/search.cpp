#include <algorithm>
#include <filesystem>
#include <utility>

#include "config/config.hpp"
#include "plugins/library.hpp"

namespace loft {
namespace fs = std::filesystem;
namespace {

// `<kind>.<name>` of lower-case letters, digits and underscores; so no path can be smuggled in.
bool is_id(std::string_view id) noexcept {
  const auto dot = id.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot + 1 == id.size()) return false;
  return std::count(id.begin(), id.end(), '.') == 1 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
         });
}

}  // namespace

PluginError::PluginError(std::string plugin, const std::string& phase, const std::string& reason,
                         const std::string& remedy)
    : std::runtime_error("plugin '" + plugin + "': " + phase + ": " + reason + (remedy.empty() ? "" : "; " + remedy)),
      plugin_(std::move(plugin)) {}

std::vector<std::string> list_libraries(const std::vector<std::string>& directories) {
  std::vector<std::string> ids;
  for (const auto& directory : directories) {
    std::error_code error;
    fs::directory_iterator entries(directory, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      const auto& path = entries->path();
      if (path.extension() == ".so" && is_id(path.stem().string())) ids.push_back(path.stem().string());
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::string find_library(std::string_view id, const std::vector<std::string>& directories) {
  if (!is_id(id)) {
    throw PluginError(std::string(id), "load", "this is no plugin id",
                      "write <kind>.<name> in lower case, for example storage.sqlite");
  }
  const auto file = std::string(id) + ".so";
  std::string looked;
  for (const auto& directory : directories) {
    const auto path = fs::absolute(fs::path(directory) / file);
    std::error_code error;
    if (fs::exists(path, error)) return path.lexically_normal().string();
    looked += (looked.empty() ? "" : ", ") + directory;
  }
  const auto near = config::nearest(id, list_libraries(directories));
  throw PluginError(
      std::string(id), "load", "there is no " + file + " in " + (looked.empty() ? "the empty search path" : looked),
      near.empty() ? "install the plugin, or add its directory to the search path" : "did you mean '" + near + "'?");
}

}  // namespace loft
