#include "plugins/library.hpp"

#include <sys/stat.h>

#include <boost/dll/shared_library.hpp>
#include <cstring>
#include <filesystem>

namespace loft {
namespace fs = std::filesystem;
namespace {

constexpr const char* gate_symbol = "loft_plugin_gate";

const std::string rebuild = "rebuild the plugin against the SDK of this host (find_package(loft), ABI " LOFT_TEXT(
    LOFT_ABI) ") with the host's compiler";

// Before the library is opened, because opening runs its constructors.
void check_file(const std::string& id, const fs::path& path) {
  struct ::stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    throw PluginError(id, "load", path.string() + ": " + std::strerror(errno),
                      "install the plugin or correct its path");
  }
  if (!S_ISREG(info.st_mode)) {
    throw PluginError(id, "load", path.string() + " is not a file", "name the library itself");
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    throw PluginError(id, "load", path.string() + " may be written by every user of this machine",
                      "take that away: chmod o-w " + path.string());
  }
}

// Boost.DLL wraps the loader's own words; only those help.
std::string loader_words(std::string text) {
  constexpr std::string_view before = "dlerror system message: ";
  if (const auto at = text.find(before); at != std::string::npos) {
    text.erase(0, at + before.size());
    if (const auto end = text.rfind("): "); end != std::string::npos) text.erase(end);
  }
  return text;
}

using GateFunction = const loft_gate*();

GateFunction* find_gate(const std::string& id, const fs::path& path) {
  // Loaded libraries stay: code of a plugin may be on some stack, in some table or in a destructor at exit, for ever.
  auto* library = new boost::dll::shared_library;
  static auto& loaded = *new std::vector<boost::dll::shared_library*>;
  loaded.push_back(library);
  try {
    library->load(path, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  } catch (const std::exception& e) {
    throw PluginError(id, "load", path.string() + " cannot be opened as a library: " + loader_words(e.what()),
                      "build it with loft_add_plugin for this machine, and install the libraries it needs");
  }
  if (!library->has(gate_symbol)) {
    throw PluginError(id, "load", path.string() + " has no entry '" + gate_symbol + "'",
                      "end one source file of the plugin with LOFT_PLUGIN(Class, \"" + id + "\", …)");
  }
  return &library->get<GateFunction>(gate_symbol);
}

// `size`, `abi` and `fingerprint` first: nothing behind them means anything before they match.
void check_gate(const std::string& id, const loft_gate* gate) {
  if (gate == nullptr) throw PluginError(id, "load", "its entry returns nothing", rebuild);
  if (gate->size < sizeof(loft_gate)) {
    throw PluginError(
        id, "load",
        "its gate has " + std::to_string(gate->size) + " bytes, this host reads " + std::to_string(sizeof(loft_gate)),
        rebuild);
  }
  if (gate->abi != LOFT_ABI) {
    throw PluginError(
        id, "load",
        "it was built for ABI " + std::to_string(gate->abi) + ", this host has ABI " + std::to_string(LOFT_ABI),
        rebuild);
  }
  const std::string theirs = gate->fingerprint == nullptr ? "(none)" : gate->fingerprint;
  if (theirs != LOFT_FINGERPRINT) {
    throw PluginError(
        id, "load", "it was built by another toolchain: plugin [" + theirs + "], host [" LOFT_FINGERPRINT "]", rebuild);
  }
  if (gate->id == nullptr || gate->version == nullptr || gate->description == nullptr || gate->create == nullptr ||
      gate->destroy == nullptr) {
    throw PluginError(id, "load", "its gate is not filled in", "make it with LOFT_PLUGIN");
  }
  if (id != gate->id) {
    throw PluginError(id, "load", "the file is named " + id + ".so, but the plugin in it is '" + gate->id + "'",
                      "name the file " + std::string(gate->id) + ".so, or correct the id in LOFT_PLUGIN");
  }
}

}  // namespace

const loft_gate& open_library(const std::string& path) {
  const auto absolute = fs::absolute(path).lexically_normal();
  const auto id = absolute.stem().string();
  check_file(id, absolute);
  const auto* gate = find_gate(id, absolute)();
  check_gate(id, gate);
  return *gate;
}

}  // namespace loft
