#include "host/storage_alone.hpp"

#include "host/quiet_log.hpp"
#include "host/runtime.hpp"

namespace loft {
namespace {

/// A runtime with no plugins but the storage and what its core cannot be without.
class RuntimeStorage final : public cli::StorageAlone {
 public:
  explicit RuntimeStorage(cli::Loaded& loaded)
      : log_(quiet_log()), runtime_(*loaded.document, only_storage(loaded.settings), *log_) {
    if (const auto problems = runtime_.problems(); !problems.empty()) throw ConfigError(config::format(problems));
    runtime_.setup();
  }
  Storage& storage() override { return runtime_.storage(); }
  Result<std::string> command(std::string_view name) override { return runtime_.run_command(name, "{}"); }
  Result<void> start() override {
    try {
      runtime_.start_storage();
      return {};
    } catch (const std::exception& e) {
      return Error{Code::unavailable, "storage.unavailable", e.what()};
    }
  }

 private:
  static config::Settings only_storage(config::Settings settings) {
    settings.domains.clear();
    settings.plugins.clear();
    settings.contracts.clear();
    settings.listeners.clear();
    settings.internal_enabled = false;
    settings.push = {};
    return settings;
  }

  std::unique_ptr<LogSystem> log_;
  Runtime runtime_;
};

}  // namespace

std::unique_ptr<cli::StorageAlone> open_storage_alone(cli::Loaded& loaded) {
  return std::make_unique<RuntimeStorage>(loaded);
}

}  // namespace loft
