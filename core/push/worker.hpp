// A worker: leases what is due, looks at it again, hands it to the channels, and settles what came of it.
//
// A row is in one worker's hands from its lease to its settlement. What a crash leaves behind is leased again when the
// lease ends, with all that earlier settlements know: only what was under way may be sent twice.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <vector>

#include <loft/bus.hpp>
#include <loft/push_ledger.hpp>

#include "messaging/threads.hpp"
#include "push/lane.hpp"
#include "push/meters.hpp"
#include "push/notice.hpp"
#include "push/plan.hpp"
#include "push/shared.hpp"
#include "push/world.hpp"

namespace loft::push {

/// The ways to ask and tell plugins.
struct Events {
  explicit Events(Bus& bus) : send(bus), succeeded(bus), dead(bus) {}
  Proposer<SendPush> send;
  Publisher<PushSucceeded> succeeded;
  Publisher<PushDead> dead;
};

/// Thread role: one thread at a time, but for `poke` and what its channels answer.
class Worker {
 public:
  struct Parts {
    const Settings& settings;
    PushLedger& ledger;
    World& world;
    std::vector<std::unique_ptr<ChannelLane>>& lanes;
    Shared& shared;
    Events& events;
    Threads& threads;
    const Clock& clock;
    Logger& log;
    Meters& meters;
  };

  /// `holder`: unique among all that lease; `seed`: of the jitter.
  Worker(const Parts& parts, std::uint64_t holder, std::uint64_t seed);
  ~Worker();

  /// Does what there is to do now. Returns how long nothing will be, in milliseconds, unless it is poked.
  Millis step();
  /// Sleeps until it is poked or an answer came; at most `time`.
  void wait(Millis time);
  void poke();

  /// Takes up nothing more.
  void finish() { finishing_ = true; }
  /// Pushes that it holds.
  std::size_t held() const { return rows_.size() + settled_.size(); }

 private:
  struct Try;
  struct Row;
  struct Answer;
  struct Mailbox;
  class Promise;

  struct Attempt {
    PushAttempt row;
    UserId user = UserId::none;
  };

  void collect();
  void take(Answer& answer);
  Millis lease();
  bool take_up(OwedPush&& push, const Result<std::vector<Device>>& devices, Millis until);
  bool settle();
  void leave_erased(const Erased::Hold& hold);
  void let_go(std::size_t stored);

  // The second look, and what is tried.
  void look_at(Row& row);
  void expire(Row& row);
  void leave_unreachable(Row& row);
  bool must_wait(Row& row);
  const char* needless(const Standing& standing) const;
  void try_devices(Row& row);
  bool try_one(Row& row, ChannelLane& lane, const Device& device);
  void defer(Row& row, Outcome& outcome, Millis rests);
  void hand_over(Row& row, Try& one);

  // What came of it.
  bool reroute(Row& row, Try& one, const std::string& word);
  void refused(Row& row, Try& one, const Error& error);
  void judge(Row& row, Try& one, PushVerdict verdict);
  void judge_mail(Row& row, const Outcome& outcome);
  void end_mail(Row& row, const Try& one);
  void tell_dead(Row& row, const Outcome& outcome, const Device& device);

  // Its end, or its next time.
  void conclude(Row& row);
  static void cover(Row& row);
  void spend(Row& row);
  bool wants_mail(const Row& row) const;
  bool try_mail(Row& row);
  void stop(Row& row, const char* reason);
  void end(Row& row, PushState state, std::string reason);
  void put_off(Row& row, Millis due, std::string reason);
  void store_later(Row& row, OwedPush&& push);

  ChannelLane* lane(std::string_view word) const;
  Millis back_off(std::uint32_t attempts);
  Millis jitter(Millis most);

  const Parts p_;
  const std::uint64_t holder_;
  std::mt19937_64 random_;
  std::shared_ptr<Mailbox> mailbox_;
  std::atomic<bool> finishing_{false};
  std::map<std::uint64_t, std::unique_ptr<Row>> rows_;  ///< under way, by a number of their own
  std::uint64_t next_row_ = 1;
  // To be settled.
  std::vector<OwedPush> settled_;
  std::vector<Attempt> attempts_;
  std::vector<DeviceNews> news_;
  std::vector<ChannelLane*> answered_;  ///< one for each attempt: its place, which is free when that is stored
  std::set<std::string> wrong_ways_;    ///< words of channels that a plugin named in vain, told once
  Millis unsettled_until_ = 0;          ///< steady: the ledger failed, and is not asked before
};

}  // namespace loft::push
