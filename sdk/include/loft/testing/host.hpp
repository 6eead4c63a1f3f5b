// A host for tests of one plugin: real life cycle calls, a bus and a loop turned by hand, everything recorded.
//
//   loft::testing::FakeHost host("domain.acme_poll");
//   MyPlugin plugin;
//   plugin.setup(host);
//   host.freeze();
//   plugin.start();
//
// Destroy the plugin before the host, as the real one does.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include <loft/plugin.hpp>
#include <loft/testing/bus.hpp>
#include <loft/testing/clock.hpp>
#include <loft/testing/log.hpp>
#include <loft/testing/loop.hpp>
#include <loft/testing/metrics.hpp>

namespace loft::testing {

/// Thread role: as loft::Host; what is not of loft::Host belongs to the test's own thread.
class FakeHost final : public Host {
 public:
  /// What `run_blocking` does with work.
  enum class Blocking { at_once, queued, full };

  explicit FakeHost(std::string instance = "test", std::string data_dir = "/nonexistent")
      : instance_(std::move(instance)), data_dir_(std::move(data_dir)) {
    bus_.begin_setup(instance_);
  }

  std::string_view instance() const noexcept override { return instance_; }
  std::string_view data_dir() const noexcept override { return data_dir_; }
  RecordingLogger& log() noexcept override { return log_; }
  ManualClock& clock() const noexcept override { return clock_; }
  TestMetrics& metrics() noexcept override { return metrics_; }
  TestBus& bus() noexcept override { return bus_; }

  /// The services are the test's to give, before the plugin asks. Asking for one that was not given throws
  /// std::logic_error that names it.
  Messaging* messaging_service = nullptr;
  Users* users_service = nullptr;
  Identity* identity_service = nullptr;
  Domains* domains_service = nullptr;
  Inspector* inspector_service = nullptr;
  KeyValues* key_values_service = nullptr;
  Messaging& messaging() override { return given(messaging_service, "messaging"); }
  Users& users() override { return given(users_service, "users"); }
  Identity& identity() override { return given(identity_service, "identity"); }
  Domains& domains() override { return given(domains_service, "domains"); }
  Inspector& inspector() override { return given(inspector_service, "inspector"); }
  KeyValues& key_values() override { return given(key_values_service, "key_values"); }

  /// Work given to `run_blocking` runs inside the call, or waits for `run_queued`, or is turned away.
  Blocking blocking = Blocking::at_once;
  bool run_blocking(Function<void()> work) override {
    if (blocking == Blocking::full) return false;
    if (blocking == Blocking::at_once) {
      work();
    } else {
      const std::lock_guard lock(mutex_);
      queued_.push_back(std::move(work));
    }
    return true;
  }

  /// All threads are the test's own: runs at once.
  void post(const Caller&, Function<void()> work) override { work(); }

  /// The commands that the plugin offers.
  std::map<std::string, CommandHandler, std::less<>> commands;
  void command(std::string name, CommandHandler run) override {
    if (!commands.emplace(name, std::move(run)).second) throw std::invalid_argument("two commands " + name);
  }

  /// Runs the work that waits, in order, on this thread. Returns how many pieces ran.
  std::size_t run_queued() {
    std::deque<Function<void()>> work;
    {
      const std::lock_guard lock(mutex_);
      work.swap(queued_);
    }
    for (auto& piece : work) piece();
    return work.size();
  }

  bool is_loopback_only = true;
  bool loopback_only() const noexcept override { return is_loopback_only; }
  bool trusts_header = true;
  bool trusts_user_header() const noexcept override { return trusts_header; }

  /// The loop that stands for all I/O threads: `run`, `run_until`, `advance`.
  ManualLoop& loop() noexcept { return loop_; }
  /// Ends setup: registering throws from now on.
  void freeze() noexcept { bus_.freeze(); }

 private:
  template <class T>
  static T& given(T* service, const char* name) {
    if (service != nullptr) return *service;
    throw std::logic_error(std::string("FakeHost has no ") + name + "; set FakeHost::" + name +
                           "_service before the plugin asks for it");
  }

  std::string instance_;
  std::string data_dir_;
  mutable ManualClock clock_;
  ManualLoop loop_{clock_};
  RecordingLogger log_;
  TestMetrics metrics_;
  TestBus bus_{loop_};
  std::mutex mutex_;
  std::deque<Function<void()>> queued_;
};

}  // namespace loft::testing
