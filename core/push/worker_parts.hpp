// What a worker holds. Private to core/push/worker*.cpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "push/worker.hpp"

namespace loft::push {

inline constexpr std::string_view email = "email";
inline constexpr const char* late = "push.late";
inline constexpr const char* channel_off = "push.channel_off";
inline constexpr const char* device_removed = "push.device_removed";
/// A look that failed, or a full window: how long it waits at first.
inline constexpr Millis busy_first = 2'000;

/// What a channel answers through: once, whatever it does. A channel that drops it, or throws, has not answered.
class Worker::Promise {
 public:
  Promise(std::shared_ptr<Mailbox> box, std::uint64_t row, std::size_t index)
      : box_(std::move(box)), row_(row), index_(index) {}
  ~Promise() { keep({PushVerdict::Kind::retry, "push.dropped", 0, 0}); }
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;

  void keep(PushVerdict verdict);

 private:
  std::shared_ptr<Mailbox> box_;
  std::uint64_t row_;
  std::size_t index_;
  std::atomic<bool> kept_{false};
};

/// One notification that is under way.
struct Worker::Try {
  ChannelLane* lane = nullptr;
  Notification notification;
};

struct Worker::Row {
  std::uint64_t number = 0;
  Millis until = 0;  ///< steady: what is handed over later than this may outlast the lease
  OwedPush push;
  Plan plan;
  Standing standing;
  std::string handle;
  std::string mail;             ///< the user's address; empty: none
  std::vector<Device> devices;  ///< all of the user's
  std::vector<Try> tries;       ///< those of this round; their places do not change
  std::size_t under_way = 0;
  bool looked = false;       ///< user and message are known
  bool charged = false;      ///< something failed in this round that is this push's own failure
  std::string waits;         ///< why something was not tried in this round
  bool mailing = false;      ///< the turn of this user's mails is this row's
  Millis mailing_since = 0;  ///< with it: the mail tells of what had come by then
};

struct Worker::Answer {
  std::uint64_t row = 0;
  std::size_t index = 0;  ///< into Row::tries
  PushVerdict verdict;
  std::optional<Error> refused;
  std::unique_ptr<SendPush> allowed;
};

/// Outlives the worker while a channel still has something to say.
struct Worker::Mailbox {
  void put(Answer answer) {
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(answer));
    }
    filled_.notify_one();
  }
  void poke() {
    {
      const std::lock_guard lock(mutex_);
      poked_ = true;
    }
    filled_.notify_one();
  }
  std::vector<Answer> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
  }
  void wait(Millis time) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, std::chrono::milliseconds(time), [this] { return poked_ || !answers_.empty(); });
    poked_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Answer> answers_;
  bool poked_ = false;
};

inline void Worker::Promise::keep(PushVerdict verdict) {
  if (!kept_.exchange(true)) box_->put({row_, index_, std::move(verdict), {}, {}});
}

}  // namespace loft::push
