// A plugin without a host around it.
#pragma once

#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <loft/storage.hpp>
#include <loft/testing/host.hpp>

namespace loft::load {

struct PluginFile {
  static constexpr const char* words = "--plugin FILE.so [--set option=value]… [--data DIRECTORY]";

  std::string file, data = ".";
  std::map<std::string, std::string> options;

  /// For Arguments.
  bool take(const std::string& word, const std::string& value) {
    if (word == "--plugin") file = value;
    if (word == "--data") data = value;
    const auto cut = value.find('=');
    if (word == "--set" && cut != std::string::npos) options[value.substr(0, cut)] = value.substr(cut + 1);
    return word == "--plugin" || word == "--data" || (word == "--set" && cut != std::string::npos);
  }

  /// The library stays open. Throws std::runtime_error.
  template <class Kind = Storage>
  std::unique_ptr<Kind> start(Host& host) const {
    if (file.empty()) throw std::runtime_error("--plugin is missing");
    void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    const auto entry = reinterpret_cast<loft_gate_function>(::dlsym(library, "loft_plugin_gate"));
    if (entry == nullptr) throw std::runtime_error(file + " has no gate");
    std::unique_ptr<Kind> plugin(dynamic_cast<Kind*>(static_cast<loft::Plugin*>(entry()->create())));
    if (!plugin) throw std::runtime_error(file + " is a plugin of another kind");
    OptionTable table;
    plugin->options(table);
    auto left = options;
    for (auto& row : table.rows()) {
      const auto found = left.find(row.name);
      if (found == left.end()) continue;
      if (row.set_text) row.set_text(found->second);
      if (row.set_integer) row.set_integer(std::stoll(found->second));
      if (row.set_boolean) row.set_boolean(found->second == "true");
      left.erase(found);
    }
    if (!left.empty()) throw std::runtime_error(file + " has no option " + left.begin()->first);
    if (const auto right = plugin->configure(); !right) throw std::runtime_error(right.error().detail);
    plugin->setup(host);
    plugin->start();
    return plugin;
  }
};

inline void commit(Storage& storage, const Batch& batch) {
  const auto done = storage.commit(batch);
  if (!done) throw std::runtime_error("commit: " + done.error().reason);
  if (!done->empty()) throw std::runtime_error("the storage is not empty");
}

}  // namespace loft::load
