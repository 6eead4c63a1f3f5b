// Loads a built storage plugin through its gate and runs it in the SDK's host for tests.
#pragma once

#include <dlfcn.h>

#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>

#include <loft/storage.hpp>
#include <loft/testing/host.hpp>

namespace storage_test {

using namespace loft;

using testing::FakeHost;

/// A host for a storage in that directory.
inline std::unique_ptr<FakeHost> host_in(const std::string& directory) {
  return std::make_unique<FakeHost>("storage.under_test", directory);
}

/// Whether some line of the log, written as `text key=value …`, has these words.
inline bool logged(FakeHost& host, std::string_view words) {
  for (const auto& line : host.log().lines()) {
    auto text = line.text;
    for (const auto& [key, value] : line.fields) text.append(" ").append(key).append("=").append(value);
    if (text.find(words) != std::string::npos) return true;
  }
  return false;
}

using OptionValues = std::map<std::string, std::variant<std::string, std::int64_t>>;

/// The gate of a built plugin. Libraries are never unloaded.
inline const loft_gate& gate_of(const std::string& id) {
  const auto file = std::string(LOFT_PLUGIN_DIR) + "/" + id + ".so";
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  const auto entry = reinterpret_cast<loft_gate_function>(::dlsym(library, "loft_plugin_gate"));
  if (entry == nullptr) throw std::runtime_error(file + " has no gate");
  const auto* gate = entry();
  if (gate->abi != LOFT_ABI || std::strcmp(gate->fingerprint, LOFT_FINGERPRINT) != 0) {
    throw std::runtime_error(file + " was built for another SDK: " + gate->fingerprint);
  }
  return *gate;
}

/// Made, configured and set up, but not started.
inline std::unique_ptr<Storage> make(const std::string& id, Host& host, const OptionValues& values = {}) {
  auto* plugin = static_cast<Plugin*>(gate_of(id).create());
  std::unique_ptr<Storage> storage(dynamic_cast<Storage*>(plugin));
  if (!storage) throw std::runtime_error(id + " is not a storage");
  OptionTable table;
  storage->options(table);
  for (auto& row : table.rows()) {
    const auto found = values.find(row.name);
    if (found == values.end()) continue;
    if (row.set_text) row.set_text(std::get<std::string>(found->second));
    if (row.set_integer) row.set_integer(std::get<std::int64_t>(found->second));
    if (row.set_boolean) row.set_boolean(std::get<std::int64_t>(found->second) != 0);
  }
  if (const auto right = storage->configure(); !right) throw std::runtime_error(right.error().detail);
  storage->setup(host);
  return storage;
}

/// A storage with its host, running until the end of this object.
struct Running {
  explicit Running(const std::string& directory, const OptionValues& values = {},
                   const std::string& id = "storage.sqlite")
      : host("storage.under_test", directory), storage(make(id, host, values)) {
    storage->start();
  }
  ~Running() { stop(); }
  void stop() {
    if (storage) storage->stop(host.clock().steady() + 5000);
    storage.reset();
  }
  Storage* operator->() const { return storage.get(); }

  FakeHost host;
  std::unique_ptr<Storage> storage;
};

/// What a start that must fail says.
inline std::string refusal(const std::string& directory, const OptionValues& values = {}) {
  try {
    const Running running(directory, values);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "it started";
}

}  // namespace storage_test
