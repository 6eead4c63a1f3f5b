// Registering devices and removing them.
#pragma once

#include <loft/log.hpp>
#include <loft/push_devices.hpp>
#include <loft/push_ledger.hpp>

#include "bus/bus.hpp"
#include "messaging/threads.hpp"
#include "push/notice.hpp"
#include "push/shared.hpp"

namespace loft::push {

class Devices {
 public:
  /// `ledger` may be null: then everything is refused. All outlive it.
  Devices(const Settings& settings, PushLedger* ledger, Threads& threads, Erased& erased, const Clock& clock,
          Logger& log)
      : settings_(settings), ledger_(ledger), threads_(threads), erased_(erased), clock_(clock), log_(log) {}

  /// `back` is told of each device that is registered or taken away by its owner: whose, and what its client calls it.
  /// During setup.
  void on_back(Function<void(UserId, const std::string& client)> back) { back_ = std::move(back); }

  /// Becomes the last of the chains of RegisterDevice and UnregisterDevice. During setup.
  void intercept(Bus& bus);

  /// Both wait. Thread role: any that may. Errors as loft/push_devices.hpp says. `add` returns the id; an older device
  /// of the same user that calls itself the same goes, and so does the oldest of more than `push.devices`.
  Result<std::uint64_t> add(Device device);
  Result<std::size_t> remove(UserId user, std::string_view channel, std::string_view token, std::string_view client);

 private:
  Result<void> make_room(const Device& added, std::uint64_t id);

  const Settings& settings_;
  PushLedger* const ledger_;
  Threads& threads_;
  Erased& erased_;
  const Clock& clock_;
  Logger& log_;
  Function<void(UserId, const std::string& client)> back_;
};

Error no_ledger();

}  // namespace loft::push
