// What the host does by itself, off the message path: messages that are too old are removed, erasures that were cut
// short are finished. One thread, in small steps with pauses.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <loft/log.hpp>
#include <loft/metrics.hpp>
#include <loft/storage.hpp>

#include "config/settings.hpp"
#include "host/retention_clock.hpp"
#include "messaging/core.hpp"
#include "messaging/erasure.hpp"

namespace loft {

class Upkeep {
 public:
  using Retention = config::Settings::Retention;

  /// Thread role: control. Everything outlives it.
  Upkeep(const Retention& retention, Core& core, Storage& storage, Eraser& eraser, const Clock& clock, Logger& log,
         Metrics& metrics);
  ~Upkeep() { stop(); }

  void start();
  /// Ends after the step at hand.
  void stop();

  /// One round over all conversations: as the thread does it, for tests too. How many messages it removed, by
  /// ConversationKind. Conversations that cannot be read are left as they are, and the log hears of each once. Errors:
  /// the storage's; unavailable `host.stopping` after `stop`.
  using Removed = std::array<std::uint64_t, 4>;
  Result<Removed> round();
  /// Goes on with erasures that were begun, until none is left or one cannot go on now, which the log hears. Returns
  /// how long to rest, in milliseconds: after a failure a second, then twice as long each time, up to a minute.
  Millis finish_erasures();
  /// A round, and what the log hears of it. Returns how long to rest, as `finish_erasures` does; `interval` at most.
  Millis retain();

 private:
  /// How long to wait until what failed is tried again.
  class Patience {
   public:
    Millis next(Millis most);

   private:
    Millis pause_ = 0;
  };

  void run();
  Result<std::vector<StoredConversation>> next_page(ConversationId& after);
  void tell(ConversationId id, const std::string& what);
  Result<std::uint64_t> remove_old(const StoredConversation& stored, Position before);
  bool pause(Millis time);

  const Retention retention_;
  Core& core_;
  Storage& storage_;
  Eraser& eraser_;
  const Clock& clock_;
  RetentionClock time_;
  Logger& log_;
  std::array<Metric*, 4> forgotten_total_{};
  Patience round_patience_, erasure_patience_;
  std::set<ConversationId> told_;  ///< that cannot be read
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace loft
