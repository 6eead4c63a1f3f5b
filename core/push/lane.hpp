// One channel as the workers share it: its window, and its rests.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
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
    Millis broken = 60'000;            ///< after the provider refused our credentials
    Millis first = 1'000;              ///< after it has failed many times in a row; doubling …
    Millis longest = 60'000;           ///< … up to this
    Millis longest_asked = 3'600'000;  ///< or up to this, where the provider says when
    unsigned patience = 8;             ///< so many in a row, nothing good between
    unsigned devices = 3;              ///< of so many, where the provider answers: one token's trouble is not its own
    Millis reminder = 600'000;         ///< between two lines of the log while it lasts
  };

  /// All outlive it.
  ChannelLane(std::string word, std::string plugin, Push& channel, const Rests& rests, const Clock& clock, Logger& log,
              Meters& meters);

  const std::string& word() const noexcept { return word_; }
  const std::string& plugin() const noexcept { return plugin_; }
  Millis longest() const noexcept { return channel_.longest(); }

  /// Whether one more may be handed over. The place is taken until `release`: what a channel has, and what it has
  /// answered and the ledger does not know yet, are together no more than its window. So many may reach a device again
  /// when the host is killed.
  struct Room {
    bool taken = false;
    Millis rests = 0;  ///< not taken: for so long, milliseconds; 0: the window is full
  };
  Room take();
  void release();
  Millis rests() const;  ///< for so long from now, milliseconds; 0: it works
  /// How many `take` would give now, about.
  std::size_t room() const;

  /// One call of the channel at a time.
  void send(const Notification& notification, Function<void(PushVerdict)> done);
  /// To be called once for each verdict. `whom`: the device, or what else tells recipients apart.
  /// Whether a failure is the notification's own: false for those that follow a failure with nothing good between, and
  /// for credentials; these are the provider's.
  bool answered(const PushVerdict& verdict, std::uint64_t whom);
  /// For how long the provider has failed with nothing good between, milliseconds; 0: it works.
  Millis failing() const;

  struct State {
    std::size_t in_flight = 0;  ///< places that are taken
    std::size_t window = 0;
    Millis rests = 0;    ///< milliseconds from now; 0: works
    std::string reason;  ///< why it rests, or is not trusted yet; empty: all is well
    bool broken = false;
  };
  State state() const;

 private:
  // With the lock held.
  std::size_t most() const noexcept;
  void works();
  void refuses_us(const PushVerdict& verdict);
  bool failed(const PushVerdict& verdict, std::uint64_t whom);
  void rest(Millis time, const std::string& reason, bool broken);
  Millis failing_now() const;

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
  unsigned failures_ = 0;                ///< in a row
  std::set<std::uint64_t> failed_for_;   ///< of these, no more than `Rests::devices`
  std::optional<Millis> failing_since_;  ///< steady: the first of them
  Millis pause_ = 0;                     ///< the latest rest
  Millis rests_until_ = 0;               ///< steady
  std::string reason_;                   ///< not empty: one probe at a time until the provider takes something
  bool broken_ = false;
  // What the log has.
  Millis told_ = 0;  ///< steady
  bool told_broken_ = false;
};

}  // namespace loft::push
