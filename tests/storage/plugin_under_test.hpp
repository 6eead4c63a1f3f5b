// Loads a built storage plugin through its gate and runs it in the smallest possible host.
#pragma once

#include <dlfcn.h>

#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <loft/storage.hpp>

namespace storage_test {

using namespace loft;

/// Remembers what was logged.
class Log final : public Logger {
 public:
  bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel, std::string_view text, std::initializer_list<LogField> fields) noexcept override {
    const std::lock_guard lock(mutex_);
    text_.append(text);
    for (const auto& field : fields) text_.append(" ").append(field.key).append("=").append(field.value);
    text_ += '\n';
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  bool has(std::string_view words) const { return text().find(words) != std::string::npos; }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class SteadyClock final : public Clock {
 public:
  Millis now() const noexcept override { return since<std::chrono::system_clock>(); }
  Millis steady() const noexcept override { return since<std::chrono::steady_clock>(); }

 private:
  template <class C>
  static Millis since() noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(C::now().time_since_epoch()).count();
  }
};

/// A storage needs a directory, a log and a clock; everything else is a mistake here.
class SmallHost final : public Host {
 public:
  explicit SmallHost(std::string directory) : directory_(std::move(directory)) {}

  std::string_view instance() const noexcept override { return "storage.under_test"; }
  std::string_view data_dir() const noexcept override { return directory_; }
  Log& log() noexcept override { return log_; }
  const Clock& clock() const noexcept override { return clock_; }
  Metrics& metrics() noexcept override { std::terminate(); }
  Bus& bus() noexcept override { std::terminate(); }
  Messaging& messaging() noexcept override { std::terminate(); }
  Users& users() noexcept override { std::terminate(); }
  Identity& identity() noexcept override { std::terminate(); }
  Domains& domains() noexcept override { std::terminate(); }
  Inspector& inspector() noexcept override { std::terminate(); }
  bool run_blocking(Function<void()>) override { return false; }
  bool loopback_only() const noexcept override { return true; }
  bool trusts_user_header() const noexcept override { return true; }

 private:
  std::string directory_;
  Log log_;
  SteadyClock clock_;
};

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
  }
  if (const auto right = storage->configure(); !right) throw std::runtime_error(right.error().detail);
  storage->setup(host);
  return storage;
}

/// A storage with its host, running until the end of this object.
struct Running {
  explicit Running(const std::string& directory, const OptionValues& values = {},
                   const std::string& id = "storage.sqlite")
      : host(directory), storage(make(id, host, values)) {
    storage->start();
  }
  ~Running() { stop(); }
  void stop() {
    if (storage) storage->stop(host.clock().steady() + 5000);
    storage.reset();
  }
  Storage* operator->() const { return storage.get(); }

  SmallHost host;
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
