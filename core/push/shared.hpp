// What the workers, the follower and the devices of one host share, besides the ledger and the channels.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <loft/push_ledger.hpp>

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

/// The pushes in this host's hands, from the lease to the settlement that is stored. A lease may run out while the
/// ledger cannot be reached, or a channel takes its time: then who leases it next is given what is known. Thread role:
/// any.
class Hands {
 public:
  /// After a lease. The plan that is known but not stored, mostly empty; nullopt: a worker is at it still, this one or
  /// another, and what comes of it is not to be lost.
  std::optional<std::string> take(PushKey key, std::uint64_t holder) {
    const std::lock_guard lock(mutex_);
    auto [found, fresh] = held_.try_emplace(order(key));
    auto& held = found->second;
    if (!fresh && held.working) return std::nullopt;
    held.holder = holder;
    held.working = true;
    return std::move(held.plan);
  }
  /// The holder is done with it, and has to store this.
  void know(const OwedPush& push, std::uint64_t holder) {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(order({push.message, push.user}));
    if (found != held_.end() && found->second.holder == holder)
      found->second = {holder, false, push.plan, push.expires};
  }
  /// What the holder knew is stored, or of no use any more.
  void drop(PushKey key, std::uint64_t holder) {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(order(key));
    if (found != held_.end() && found->second.holder == holder) held_.erase(found);
  }
  /// The holder is gone.
  void leave(std::uint64_t holder) {
    const std::lock_guard lock(mutex_);
    std::erase_if(held_, [&](const auto& each) { return each.second.holder == holder; });
  }
  /// Forgets what nobody needs: it has expired, and nobody is at it.
  void sweep(Millis now) {
    const std::lock_guard lock(mutex_);
    std::erase_if(held_, [&](const auto& each) { return !each.second.working && each.second.expires < now; });
  }

 private:
  struct Held {
    std::uint64_t holder = 0;
    bool working = false;
    std::string plan;
    Millis expires = 0;
  };
  static std::pair<MessageId, UserId> order(PushKey key) { return {key.message, key.user}; }

  std::mutex mutex_;
  std::map<std::pair<MessageId, UserId>, Held> held_;
};

/// Users who were erased since this host began. Nothing about them may be stored by what was under way. Of those who
/// were erased before, the world says that there is no such user. Thread role: any that may wait.
class Erased {
 public:
  /// While it lives, nobody is added.
  class Hold {
   public:
    explicit Hold(Erased& erased) : erased_(erased) {
      std::unique_lock lock(erased_.mutex_);
      erased_.changed_.wait(lock, [&] { return erased_.adding_ == 0; });
      ++erased_.holds_;
    }
    ~Hold() {
      {
        const std::lock_guard lock(erased_.mutex_);
        --erased_.holds_;
      }
      erased_.changed_.notify_all();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    bool any() const {
      const std::lock_guard lock(erased_.mutex_);
      return !erased_.users_.empty();
    }
    bool has(UserId user) const {
      const std::lock_guard lock(erased_.mutex_);
      return erased_.users_.contains(user);
    }

   private:
    Erased& erased_;
  };

  /// Returns when whoever holds has let go; from then on all know it. Not to be called by who holds.
  void add(UserId user) {
    std::unique_lock lock(mutex_);
    ++adding_;
    changed_.wait(lock, [&] { return holds_ == 0; });
    users_.insert(user);
    --adding_;
    lock.unlock();
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<UserId> users_;
  std::size_t holds_ = 0;
  std::size_t adding_ = 0;
};

struct Shared {
  MailTurns mails;
  Hands hands;
  Erased erased;
};

}  // namespace loft::push
