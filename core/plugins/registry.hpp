// All plugins of a host, and their life cycle. Thread role of everything here: control.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/clock.hpp>
#include <loft/log.hpp>
#include <loft/options.hpp>
#include <loft/plugin.hpp>

#include "plugins/library.hpp"

namespace loft {

class BusImpl;

/// One plugin under one name of the YAML. Its address does not change.
class PluginInstance {
 public:
  enum class Phase : std::uint8_t { created, configured, set_up, starting, running, stopped, left_behind };

  const std::string& name() const noexcept { return name_; }  ///< unique in the host
  const std::string& id() const noexcept { return id_; }      ///< of the plugin
  const std::string& version() const noexcept { return version_; }
  const std::string& description() const noexcept { return description_; }
  unsigned rank() const noexcept { return rank_; }  ///< order of loading, which is that of the YAML
  Phase phase() const noexcept { return phase_; }
  Plugin& plugin() noexcept { return *plugin_; }

  /// Declared by the plugin when it was loaded; the host applies the configuration to it before `configure`.
  OptionTable& options() noexcept { return options_; }

  /// The plugin as one of the interfaces; null if it is none.
  template <class T>
  T* as() noexcept {
    return dynamic_cast<T*>(plugin_.get());
  }

 private:
  friend class PluginSet;
  using Destroy = std::function<void(Plugin*)>;

  std::string name_, id_, version_, description_;
  unsigned rank_ = 0;
  Phase phase_ = Phase::created;
  // Destroyed from below: the option table points into the plugin, and the plugin may use its host to the end.
  std::unique_ptr<Host> host_;
  std::unique_ptr<Plugin, Destroy> plugin_;
  OptionTable options_;
};

/// What `Plugin::configure` found wrong. `error.reason` is the option's name.
struct ConfigureProblem {
  PluginInstance* instance = nullptr;
  Error error;
};

class PluginSet {
 public:
  using MakeHost = std::function<std::unique_ptr<Host>(PluginInstance&)>;

  /// `bus`, `log` and `clock` must outlive the set.
  PluginSet(std::vector<std::string> search_path, BusImpl& bus, Logger& log, const Clock& clock);
  /// Stops what runs, then destroys in reverse order.
  ~PluginSet();
  PluginSet(const PluginSet&) = delete;

  /// Finds, opens and creates a plugin, and lets it declare its options. `name` empty: the id. Throws PluginError.
  PluginInstance& load(std::string_view id, std::string_view name = {});
  /// The same with a plugin that is made in the program itself.
  PluginInstance& adopt(std::string_view id, std::string_view name, std::unique_ptr<Plugin> plugin);

  /// All instances in the order of loading.
  const std::vector<std::unique_ptr<PluginInstance>>& instances() const noexcept { return instances_; }
  /// Null: there is none of that name.
  PluginInstance* find(std::string_view name) noexcept;
  /// The plugin of that name as an interface. Throws PluginError when there is none or it is something else; `what`
  /// says in words what was wanted (`a storage`).
  template <class T>
  T& as(std::string_view name, std::string_view what) {
    auto* instance = find(name);
    auto* plugin = instance == nullptr ? nullptr : instance->as<T>();
    if (plugin == nullptr) not_that(name, what);
    return *plugin;
  }

  /// Calls every plugin's `configure` and returns all that is wrong. An exception counts as a problem without an
  /// option.
  std::vector<ConfigureProblem> configure();

  /// Lets the plugins register, in the order of loading, then freezes the bus. Throws PluginError.
  void setup(const MakeHost& make_host);

  /// Starts in the order of loading. When one fails, it and all started before it are stopped in reverse order, with
  /// `grace` each, then PluginError is thrown.
  void start(Millis grace = 10'000);

  /// Stops in reverse order, each within `grace` milliseconds; one that does not return is named in the log and left
  /// behind. Idempotent.
  void stop(Millis grace);

  /// True when a plugin hangs in `stop`. Its code still runs, so what it may use must not be destroyed: end the process
  /// with std::_Exit. (The set itself keeps such instances for ever.)
  bool left_behind() const noexcept;

 private:
  PluginInstance& enter(std::string_view id, std::string_view name, const std::function<void(PluginInstance&)>& make);
  void stop_one(PluginInstance& instance, Millis grace);
  [[noreturn]] void not_that(std::string_view name, std::string_view what);

  std::vector<std::string> search_path_;
  BusImpl& bus_;
  Logger& log_;
  const Clock& clock_;
  std::vector<std::unique_ptr<PluginInstance>> instances_;
};

}  // namespace loft
