// The host's bus: the tables behind sdk/include/loft/bus.hpp. It knows no threads; what it needs of them is given to
// it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <typeindex>
#include <unordered_map>
#include <vector>

#include <loft/bus.hpp>
#include <loft/clock.hpp>
#include <loft/log.hpp>
#include <loft/metrics.hpp>

namespace loft {

/// How the bus reaches the threads that propose. All three are called from any thread, also after the loops have ended
/// (the work is then destroyed without being run).
struct BusThreads {
  std::function<unsigned()> origin;                      ///< names the calling thread
  std::function<void(unsigned, Function<void()>)> post;  ///< runs work on the thread of that name
  std::function<void(Millis, Function<void()>)> after;   ///< runs work later on the calling thread
};

struct RegisteredFollower {
  std::string plugin;
  FollowerSpec spec;
  FollowerFn consume;
};

/// One line of `loft plugins chain`.
struct ChainEntry {
  std::string event;
  std::string plugin;
  bool is_proposal = false;
  Stage stage = Stage::check;  ///< proposals only
  Millis timeout = 0;          ///< above 0: the waiting form
};

class BusImpl final : public Bus {
 public:
  BusImpl(BusThreads threads, const Clock& clock, Logger& log, Metrics& metrics);

  /// What registers from now on belongs to this plugin; `rank` is its place in the YAML. Also called around `start`, so
  /// that a plugin that registers too late is named. Thread role: control.
  void begin_setup(std::string plugin, unsigned rank);
  void end_setup();

  /// The tables do not change any more. Thread role: control.
  void freeze();
  bool frozen() const noexcept { return frozen_; }

  /// Sorted by event, then in the order of running. Thread role: control.
  std::vector<ChainEntry> chain() const;
  /// Thread role: control. Stable after `freeze`.
  std::vector<RegisteredFollower>& followers() noexcept { return followers_; }

  /// Throws std::logic_error after `freeze`, std::invalid_argument for a name that is empty or taken, or no batch.
  void follow(FollowerSpec spec, FollowerFn consume) override;

  void failed(const detail::HandlerTable& table, const detail::Handler& handler,
              std::string_view what) noexcept override;
  void after(Millis timeout, Function<void()> late) override { threads_.after(timeout, std::move(late)); }
  unsigned origin() noexcept override { return threads_.origin(); }
  void post(unsigned thread, Function<void()> work) override { threads_.post(thread, std::move(work)); }

  static constexpr Millis quiet = 60'000;  ///< a failing handler is logged once in this time

 protected:
  detail::HandlerTable& table(const std::type_info& type) override;
  void add(detail::HandlerTable& table, detail::Handler handler) override;

 private:
  struct Failures {
    Metric* count = nullptr;
    std::atomic<Millis> quiet_until{-1};
  };

  [[noreturn]] void too_late(std::string_view what) const;

  BusThreads threads_;
  const Clock& clock_;
  Logger& log_;
  Metrics& metrics_;
  std::map<std::type_index, std::unique_ptr<detail::HandlerTable>> tables_;
  std::vector<RegisteredFollower> followers_;
  std::unordered_map<const detail::Handler*, Failures> failures_;  ///< filled by `freeze`, when addresses are final
  std::string plugin_;
  unsigned rank_ = 0;
  bool frozen_ = false;
};

}  // namespace loft
