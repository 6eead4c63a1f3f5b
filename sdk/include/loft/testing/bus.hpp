// A bus for tests of plugins: real chains, a loop turned by hand, and failures kept instead of logged.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>
#include <typeindex>
#include <utility>
#include <vector>

#include <loft/bus.hpp>
#include <loft/testing/loop.hpp>

namespace loft::testing {

/// Thread role: the test's own thread; `failed`, `after` and `post` any.
class TestBus final : public Bus {
 public:
  struct Failure {
    std::string plugin;
    std::string what;
  };
  struct Follower {
    std::string plugin;
    FollowerSpec spec;
    FollowerFn consume;
  };

  /// `loop` must outlive the bus.
  explicit TestBus(ManualLoop& loop) : loop_(loop) {}

  /// What registers from now on belongs to this plugin; a smaller rank stands earlier in the YAML.
  void begin_setup(std::string plugin, unsigned rank = 0) {
    plugin_ = std::move(plugin);
    rank_ = rank;
  }
  /// From now on registering throws std::logic_error, as it does in the host.
  void freeze() noexcept { frozen_ = true; }

  std::vector<Failure> failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }

  /// Hands entries to the follower of that name, as the host would. Errors: not_found `follower.unknown`.
  Result<void> feed(std::string_view follower, std::span<const Committed> entries) {
    for (auto& row : followers_) {
      if (row.spec.name == follower) return row.consume(entries);
    }
    return Error{Code::not_found, "follower.unknown", "no follower is registered under this name"};
  }
  const std::vector<Follower>& followers() const noexcept { return followers_; }

  void follow(FollowerSpec spec, FollowerFn consume) override {
    check_open();
    followers_.push_back({plugin_, std::move(spec), std::move(consume)});
  }

  void failed(const loft::detail::HandlerTable&, const loft::detail::Handler& handler,
              std::string_view what) noexcept override {
    const std::lock_guard lock(mutex_);
    failures_.push_back({handler.plugin, std::string(what)});
  }

  void after(Millis timeout, Function<void()> late) override { loop_.after(timeout, std::move(late)); }
  unsigned origin() noexcept override { return 0; }
  void post(unsigned, Function<void()> work) override { loop_.post(std::move(work)); }

 protected:
  loft::detail::HandlerTable& table(const std::type_info& type) override {
    auto& slot = tables_[type];
    if (!slot) {
      slot = std::make_unique<loft::detail::HandlerTable>();
      slot->event = type.name();
    }
    return *slot;
  }

  void add(loft::detail::HandlerTable& table, loft::detail::Handler handler) override {
    check_open();
    if (handler.wait != nullptr && handler.timeout <= 0)
      throw std::invalid_argument("a waiting interceptor needs a time-out");
    handler.plugin = plugin_;
    handler.rank = rank_;
    table.has_waiting = table.has_waiting || handler.wait != nullptr;
    const auto place = std::upper_bound(table.handlers.begin(), table.handlers.end(), handler, [](auto& a, auto& b) {
      return std::tie(a.stage, a.rank) < std::tie(b.stage, b.rank);
    });
    table.handlers.insert(place, std::move(handler));
  }

 private:
  void check_open() const {
    if (frozen_) throw std::logic_error("plugin '" + plugin_ + "' registers after setup, when the bus is frozen");
  }

  ManualLoop& loop_;
  std::map<std::type_index, std::unique_ptr<loft::detail::HandlerTable>> tables_;
  std::vector<Follower> followers_;
  mutable std::mutex mutex_;
  std::vector<Failure> failures_;
  std::string plugin_ = "test";
  unsigned rank_ = 0;
  bool frozen_ = false;
};

}  // namespace loft::testing
