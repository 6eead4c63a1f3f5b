// What all I/O threads of one engine share.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "net/engine.hpp"

namespace loft::net {

/// The engine's metrics, looked up once.
struct NetMetrics {
  explicit NetMetrics(Metrics& metrics);

  Metric& connections;
  Metric& accepted;
  Metric& bytes_in;
  Metric& bytes_out;
  Metric& sends;
  Metric& wakeups;
  Metric& overflows;
  Metric& protocol_failures;
  Metric& handshake_failures;
  Metric& paused_by_limit;
  Metric& paused_by_system;
  std::array<Metric*, 6> closed;  ///< by CloseReason
};

std::string_view name(CloseReason reason) noexcept;

struct Shared {
  Shared(const EngineOptions& engine_options, const Clock& engine_clock, Logger& engine_log, Metrics& registry)
      : options(engine_options), clock(engine_clock), log(engine_log), metrics(registry) {}

  const EngineOptions options;
  const Clock& clock;
  Logger& log;
  NetMetrics metrics;

  struct Repeated {
    Millis period;
    Function<void(unsigned)> work;
  };
  std::vector<Function<void(unsigned)>> hooks;  ///< constant from `start` on
  std::vector<Repeated> repeated;               ///< constant from `start` on

  /// Connections of all threads. An accept counts itself in before it is sure, so that the limit is never passed.
  std::atomic<std::size_t> connections{0};
  std::atomic<bool> limit_logged{false};

  std::mutex mutex;
  std::condition_variable changed;  ///< the number of connections became 0

  void connection_ended() {
    if (connections.fetch_sub(1) == 1) {
      const std::lock_guard lock(mutex);
      changed.notify_all();
    }
  }
};

}  // namespace loft::net
