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
#include "push/world.hpp"

namespace loft::push {

/// Users to whom a mail is under way, from any worker: a second one waits for the first. Thread role: any.
class MailTurns {
 public:
  bool take(UserId user) {
    const std::lock_guard lock(mutex_);
    return users_.insert(user).second;
  }
  void release(UserId user) {
    const std::lock_guard lock(mutex_);
    users_.erase(user);
  }

 private:
  std::mutex mutex_;
  std::set<UserId> users_;
};

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
    MailTurns& mails;
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

  void collect();
  void take(Answer& answer);
  Millis lease();
  void look_at(Row& row, const std::vector<Device>& devices);
  const char* needless(const Standing& standing) const;
  void try_devices(Row& row);
  /// Whether one is under way now.
  bool try_one(Row& row, ChannelLane& lane, const Device& device);
  bool try_mail(Row& row);
  void hand_over(Row& row, Try& one);
  void judge(Row& row, Try& one, PushVerdict verdict);
  void refused(Row& row, Try& one, const Error& error);
  void end_mail(Row& row, const Try& one);
  void conclude(Row& row);
  void end(Row& row, PushState state, std::string reason);
  void put_off(Row& row, Millis due, std::string reason);
  void tell_dead(Row& row, const Outcome& outcome, const Device& device);
  bool settle();
  ChannelLane* lane(std::string_view word);
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
  std::vector<PushAttempt> attempts_;
  std::vector<DeviceNews> news_;
  Millis unsettled_until_ = 0;  ///< steady: the ledger failed, and is not asked before
};

}  // namespace loft::push
