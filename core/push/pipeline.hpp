// Push as a whole: the follower, the workers, the devices, what an operator asks.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <loft/personal_data.hpp>

#include "bus/bus.hpp"
#include "push/core_world.hpp"
#include "push/devices.hpp"
#include "push/operator.hpp"
#include "push/owing.hpp"
#include "push/wishes.hpp"
#include "push/worker.hpp"

namespace loft::push {

/// Thread role: control. Everything it is given outlives it, the channels but for their stop.
class Pipeline {
 public:
  Pipeline(const Settings& settings, Core& core, Storage& storage, const Domains& domains, BusImpl& bus,
           Threads& threads, const Clock& clock, Logger& log, Metrics& metrics);
  ~Pipeline();

  /// Registers the follower and the interceptors, before the bus is frozen.
  void register_on(BusImpl& bus);
  /// The channels, in the order in which they are asked; mail last. During setup.
  void add(const std::string& word, const std::string& plugin, Push& channel);

  void start();
  /// Waits for what is under way, but not beyond `deadline` (steady milliseconds); the rest is owed still, and may be
  /// sent again. Idempotent.
  void stop(Millis deadline);

  /// For readiness: `ok`, or what is wrong with which channel.
  std::string health() const;
  bool enabled() const noexcept { return settings_.enabled; }
  /// Whether the storage can keep what is owed.
  bool has_ledger() const noexcept { return ledger_ != nullptr; }
  /// The commands of the control socket, `push.<word>`; usable from the storage's start on.
  std::vector<std::pair<std::string, CommandHandler>> commands();

 private:
  void run(Worker& worker);
  void keep_house();
  bool pause(Millis time);
  Verdict forget(EraseUser& event);
  Verdict tell(ExportUser& event);
  void tell_counts();

  const Settings& settings_;
  PushLedger* const ledger_;
  const Clock& clock_;
  Logger& log_;
  Threads& threads_;
  Meters meters_;
  Shared shared_;
  CoreWorld world_;
  const std::unique_ptr<KeyValues> values_;
  LostDevices lost_;
  Wishes wishes_;
  Trace trace_;
  Devices devices_;
  Events events_;
  ChannelLane::Rests rests_;
  std::vector<std::unique_ptr<ChannelLane>> lanes_;
  std::unique_ptr<Owing> owing_;
  Operator operator_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> running_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  Millis deadline_ = 0;  ///< steady, once it stops
};

}  // namespace loft::push
