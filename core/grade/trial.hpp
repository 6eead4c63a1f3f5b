// A plugin on trial: made from its file, with a host of fakes around it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <loft/options.hpp>
#include <loft/plugin.hpp>
#include <loft/testing/host.hpp>
#include <loft/testing/messaging.hpp>

#include "plugins/library.hpp"

namespace loft::grade {

/// Thread role: one thread.
class Trial {
 public:
  /// `data_dir`: for plugins that are started.
  explicit Trial(const loft_gate& gate, std::string data_dir = "/nonexistent")
      : host(gate.id, std::move(data_dir)),
        plugin_(static_cast<Plugin*>(gate.create()), [&gate](Plugin* plugin) { gate.destroy(plugin); }) {
    if (!plugin_) throw std::runtime_error("its `create` made nothing");
    host.messaging_service = &messaging;
    host.users_service = &users;
    host.identity_service = &identity;
    host.domains_service = &domains;
    host.key_values_service = &values;
    plugin_->options(options);
  }

  Plugin& plugin() { return *plugin_; }
  template <class T>
  T* as() {
    return dynamic_cast<T*>(plugin_.get());
  }

  testing::FakeMessaging messaging;
  testing::FakeUsers users;
  testing::FakeIdentity identity;
  testing::FakeDomains domains;
  testing::FakeKeyValues values;
  testing::FakeHost host;
  OptionTable options;

 private:
  std::unique_ptr<Plugin, std::function<void(Plugin*)>> plugin_;  // first to go
};

}  // namespace loft::grade
