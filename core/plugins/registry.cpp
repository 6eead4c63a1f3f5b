#include "plugins/registry.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "bus/bus.hpp"

namespace loft {
namespace {

using Phase = PluginInstance::Phase;

// A plugin that uses its whole deadline is not one that hangs.
constexpr Millis slack = 200;

// Runs one step of the life cycle; whatever is thrown becomes an error that names plugin and phase.
template <class F>
void guarded(const PluginInstance& instance, const char* phase, const std::string& remedy, F step) {
  try {
    step();
  } catch (const PluginError&) {
    throw;
  } catch (const std::exception& e) {
    throw PluginError(instance.name(), phase, e.what(), remedy);
  } catch (...) {
    throw PluginError(instance.name(), phase, "it threw something that is no std::exception", remedy);
  }
}

// Instance names appear in logs, metrics and files.
bool is_instance_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

}  // namespace

PluginSet::PluginSet(std::vector<std::string> search_path, BusImpl& bus, Logger& log, const Clock& clock)
    : search_path_(std::move(search_path)), bus_(bus), log_(log), clock_(clock) {}

PluginSet::~PluginSet() {
  stop(10'000);
  while (!instances_.empty()) {
    // One that is left behind still runs: its memory stays.
    if (instances_.back()->phase_ == Phase::left_behind) static_cast<void>(instances_.back().release());
    instances_.pop_back();
  }
}

PluginInstance& PluginSet::enter(std::string_view id, std::string_view name,
                                 const std::function<void(PluginInstance&)>& make) {
  auto made = std::make_unique<PluginInstance>();
  made->id_ = id;
  made->name_ = name.empty() ? id : name;
  made->rank_ = static_cast<unsigned>(instances_.size());
  if (!is_instance_name(made->name_)) {
    throw PluginError(made->name_, "load", "this is no name for an instance", "use letters, digits, '_', '-' and '.'");
  }
  if (const auto* other = find(made->name_)) {
    throw PluginError(made->name_, "load", "an instance of this name ('" + other->id() + "') is there already",
                      "give each instance of a plugin a name of its own");
  }
  guarded(*made, "create", "", [&] { make(*made); });
  if (!made->plugin_) throw PluginError(made->name_, "create", "the plugin made nothing", "is memory short?");
  guarded(*made, "options", "", [&] { made->plugin_->options(made->options_); });
  instances_.push_back(std::move(made));
  return *instances_.back();
}

PluginInstance& PluginSet::load(std::string_view id, std::string_view name) {
  return enter(id, name, [&](PluginInstance& instance) {
    const auto& gate = open_library(find_library(id, search_path_));
    instance.version_ = gate.version;
    instance.description_ = gate.description;
    instance.plugin_ = {static_cast<Plugin*>(gate.create()), [&gate](Plugin* plugin) { gate.destroy(plugin); }};
  });
}

PluginInstance& PluginSet::adopt(std::string_view id, std::string_view name, std::unique_ptr<Plugin> plugin) {
  return enter(id, name, [&](PluginInstance& instance) {
    instance.plugin_ = {plugin.release(), [](Plugin* p) { delete p; }};
  });
}

PluginInstance* PluginSet::find(std::string_view name) noexcept {
  const auto found = std::find_if(instances_.begin(), instances_.end(), [&](auto& i) { return i->name() == name; });
  return found == instances_.end() ? nullptr : found->get();
}

void PluginSet::not_that(std::string_view name, std::string_view what) {
  const auto* instance = find(name);
  if (instance == nullptr) {
    throw PluginError(std::string(name), "load", "it is wanted as " + std::string(what) + ", but it is not loaded",
                      "name it in the configuration");
  }
  throw PluginError(std::string(name), "load",
                    "it is wanted as " + std::string(what) + ", but '" + instance->id() + "' is none",
                    "name a plugin of that kind");
}

std::vector<ConfigureProblem> PluginSet::configure() {
  std::vector<ConfigureProblem> problems;
  for (auto& instance : instances_) {
    try {
      if (auto result = instance->plugin_->configure(); !result) {
        problems.push_back({instance.get(), std::move(result.error())});
      } else {
        instance->phase_ = Phase::configured;
      }
    } catch (const std::exception& e) {
      problems.push_back(
          {instance.get(), Error{Code::internal, "", "plugin '" + instance->name() + "': configure: " + e.what()}});
    } catch (...) {
      problems.push_back({instance.get(), Error{Code::internal, "",
                                                "plugin '" + instance->name() +
                                                    "': configure: it threw something that is no std::exception"}});
    }
  }
  return problems;
}

void PluginSet::setup(const MakeHost& make_host) {
  for (auto& instance : instances_) {
    bus_.begin_setup(instance->name(), instance->rank());
    guarded(*instance, "setup", "", [&] {
      instance->host_ = make_host(*instance);
      instance->plugin_->setup(*instance->host_);
    });
    instance->phase_ = Phase::set_up;
  }
  bus_.end_setup();
  bus_.freeze();
}

void PluginSet::start(Millis grace) {
  for (auto& instance : instances_) {
    bus_.begin_setup(instance->name(), instance->rank());  // so that one that registers too late is named
    instance->phase_ = Phase::starting;
    try {
      guarded(*instance, "start", "", [&] { instance->plugin_->start(); });
    } catch (const PluginError&) {
      bus_.end_setup();
      stop(grace);
      throw;
    }
    instance->phase_ = Phase::running;
  }
  bus_.end_setup();
}

void PluginSet::stop_one(PluginInstance& instance, Millis grace) {
  std::promise<void> promise;
  auto stopped = promise.get_future();
  // On a thread of its own, so that one that hangs can be left behind.
  std::thread helper(
      [&plugin = *instance.plugin_, deadline = clock_.steady() + grace, done = std::move(promise)]() mutable {
        plugin.stop(deadline);
        done.set_value();
      });
  if (stopped.wait_for(std::chrono::milliseconds(grace + slack)) == std::future_status::ready) {
    helper.join();
    instance.phase_ = Phase::stopped;
    return;
  }
  helper.detach();
  instance.phase_ = Phase::left_behind;
  log_.error("a plugin did not stop in time and is left behind; report this to its author",
             {{"plugin", instance.name()}, {"phase", "stop"}, {"deadline_ms", grace}});
}

void PluginSet::stop(Millis grace) {
  for (auto at = instances_.rbegin(); at != instances_.rend(); ++at) {
    if ((*at)->phase_ == Phase::running || (*at)->phase_ == Phase::starting) stop_one(**at, grace);
  }
}

bool PluginSet::left_behind() const noexcept {
  return std::any_of(instances_.begin(), instances_.end(), [](auto& i) { return i->phase() == Phase::left_behind; });
}

}  // namespace loft
