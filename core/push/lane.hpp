// One channel as the workers share it: its window, and its rests.
#pragma once

#include <mutex>
#include <random>
#include <string>

#include <loft/clock.hpp>
#include <loft/log.hpp>
#include <loft/push.hpp>

#include "push/meters.hpp"

namespace loft::push {

/// Thread role: any.
class ChannelLane {
 public:
  struct Rests {
    Millis broken = 60'000;   ///< after the provider refused our credentials
    Millis first = 1'000;     ///< after it has not answered many times in a row; doubling …
    Millis longest = 60'000;  ///< … up to this
    unsigned patience = 16;   ///< so many in a row
    std::size_t probes = 4;   ///< under way at once until the provider answers again
  };

  /// All outlive it.
  ChannelLane(std::string word, std::string plugin, Push& channel, const Rests& rests, const Clock& clock, Logger& log,
       Meters& meters);

  const std::string& word() const noexcept { return word_; }
  const std::string& plugin() const noexcept { return plugin_; }
  Millis longest() const noexcept { return channel_.longest(); }

  /// Whether one more may be handed over; it must be, or `release` be called.
  struct Room {
    bool taken = false;
    Millis rests = 0;  ///< not taken: for so long, milliseconds; 0: the window is full
  };
  Room take();
  void release();
  /// How many `take` would give now, about.
  std::size_t room() const;

  /// One call of the channel at a time.
  void send(const Notification& notification, Function<void(PushVerdict)> done);
  /// To be called once for each verdict; releases as well.
  void answered(const PushVerdict& verdict);

  struct State {
    std::size_t in_flight = 0;
    std::size_t window = 0;
    Millis rests = 0;    ///< milliseconds from now; 0: works
    std::string reason;  ///< why it rests, or is not trusted yet; empty: all is well
    bool broken = false;
  };
  State state() const;

 private:
  std::size_t most() const noexcept;  ///< with the lock held
  void rest(Millis time, const std::string& reason, bool broken);

  const std::string word_;
  const std::string plugin_;
  Push& channel_;
  const Rests rests_;
  const Clock& clock_;
  Logger& log_;
  Meters& meters_;
  Metric& in_flight_gauge_;
  Metric& resting_gauge_;
  mutable std::mutex mutex_;
  std::mutex sending_;
  std::size_t in_flight_ = 0;
  unsigned unanswered_ = 0;  ///< in a row
  Millis pause_ = 0;         ///< the latest rest
  Millis rests_until_ = 0;   ///< steady
  std::string reason_;       ///< not empty: only probes until the provider answers
  bool broken_ = false;
};

}  // namespace loft::push
