// The durable part of push without a disk, for tests of what stands on it. It keeps all promises of PushLedger but
// durability, and is what the suite holds storages against.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include <loft/push_ledger.hpp>

namespace loft::testing {

class MemoryPushLedger final : public PushLedger {
 public:
  /// Makes calls fail for as long as it is set, as a storage does that cannot be reached.
  void fail(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
  }
  /// Called before each call is worked on, with its name, outside of the lock: a test can wait there, or look.
  void on_call(std::function<void(std::string_view)> hook) {
    const std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }

  Result<std::size_t> owe(std::span<const OwedPush> pushes) override {
    return worked("owe", [&] {
      std::size_t added = 0;
      for (const auto& push : pushes) added += queue_.try_emplace(order(push), Row{kept(push), {}, 0}).second ? 1 : 0;
      return added;
    });
  }

  Result<std::vector<OwedPush>> lease(std::uint64_t holder, Millis now, Millis until, std::size_t limit) override {
    return worked("lease", [&] {
      std::vector<Row*> free;
      for (auto& [key, row] : queue_) {
        if (row.push.state == PushState::owed && row.push.due <= now && (!row.holder || row.until <= now)) {
          free.push_back(&row);
        }
      }
      std::stable_sort(free.begin(), free.end(), [](auto* a, auto* b) { return a->push.due < b->push.due; });
      free.resize(std::min(free.size(), limit));
      std::vector<OwedPush> taken;
      for (auto* row : free) {
        row->holder = holder;
        row->until = until;
        taken.push_back(row->push);
      }
      return taken;
    });
  }

  Result<std::size_t> settle(std::uint64_t holder, const Settlement& settlement) override {
    return worked("settle", [&] {
      std::size_t stored = 0;
      for (const auto& push : settlement.pushes) {
        const auto found = queue_.find(order(push));
        if (found == queue_.end() || found->second.holder != holder) continue;
        found->second = Row{kept(push), {}, 0};
        ++stored;
      }
      for (auto attempt : settlement.attempts) {
        attempt.id = ++last_attempt_;
        log_.push_back(std::move(attempt));
      }
      for (const auto& news : settlement.devices) apply(news);
      return stored;
    });
  }

  Result<std::optional<Millis>> next_due() override {
    return worked("next_due", [&] {
      std::optional<Millis> earliest;
      for (const auto& [key, row] : queue_) {
        if (row.push.state != PushState::owed) continue;
        const auto ready = row.holder ? std::max(row.push.due, row.until) : row.push.due;
        earliest = earliest ? std::min(*earliest, ready) : ready;
      }
      return earliest;
    });
  }

  Result<bool> revive(PushKey key, Millis due, Millis expires, std::string_view plan = {}) override {
    return worked("revive", [&] {
      const auto found = queue_.find({key.message, key.user});
      if (found == queue_.end()) return false;
      auto& push = found->second.push;
      if (push.state != PushState::dead && push.state != PushState::silenced) return false;
      push.state = PushState::owed;
      push.attempts = 0;
      push.due = due;
      push.expires = expires;
      push.finished = 0;
      push.reason.clear();
      push.plan = plan;
      found->second.holder.reset();
      return true;
    });
  }

  Result<std::size_t> forget_pushes(Millis before, std::size_t limit) override {
    return worked("forget_pushes", [&] {
      std::size_t left = limit;
      const auto gone = std::erase_if(queue_, [&](const auto& row) {
        const auto& push = row.second.push;
        if (left == 0 || push.state == PushState::owed || push.finished >= before) return false;
        --left;
        return true;
      });
      left = limit;
      return gone + std::erase_if(log_, [&](const PushAttempt& attempt) {
               if (left == 0 || attempt.time >= before) return false;
               --left;
               return true;
             });
    });
  }

  Result<std::optional<OwedPush>> push(PushKey key) override {
    return worked("push", [&] {
      const auto found = queue_.find({key.message, key.user});
      return found == queue_.end() ? std::nullopt : std::optional(found->second.push);
    });
  }
  Result<std::vector<OwedPush>> pushes(std::optional<PushState> state, PushKey after, std::size_t limit) override {
    return worked("pushes", [&] {
      std::vector<OwedPush> list;
      for (auto row = queue_.upper_bound({after.message, after.user}); row != queue_.end() && list.size() < limit;
           ++row) {
        if (!state || row->second.push.state == *state) list.push_back(row->second.push);
      }
      return list;
    });
  }
  Result<std::vector<OwedPush>> pushes_of(UserId user, MessageId after, std::size_t limit) override {
    return worked("pushes_of", [&] {
      std::vector<OwedPush> list;
      for (const auto& [key, row] : queue_) {
        if (key.second == user && key.first > after && list.size() < limit) list.push_back(row.push);
      }
      return list;
    });
  }
  Result<PushCounts> push_counts(std::uint64_t most) override {
    return worked("push_counts", [&] {
      PushCounts counts;
      for (const auto& [key, row] : queue_) {
        auto* const count = row.push.state == PushState::owed   ? &counts.owed
                            : row.push.state == PushState::dead ? &counts.dead
                                                                : nullptr;
        if (count != nullptr && *count < most) ++*count;
      }
      return counts;
    });
  }

  Result<std::vector<PushAttempt>> attempts_of(MessageId message, std::string_view user, std::uint64_t after,
                                               std::size_t limit) override {
    return worked("attempts_of", [&] {
      std::vector<PushAttempt> list;
      for (const auto& attempt : log_) {
        const bool is_it = attempt.message == message && attempt.user == user && attempt.id > after;
        if (is_it && list.size() < limit) list.push_back(attempt);
      }
      return list;
    });
  }
  /// All of them.
  Result<std::vector<PushAttempt>> attempts(MessageId message, std::string_view user) {
    return attempts_of(message, user, 0, std::numeric_limits<std::size_t>::max());
  }
  Result<std::vector<PushAttempt>> attempts(std::uint64_t after, std::size_t limit) override {
    return worked("attempts", [&] {
      std::vector<PushAttempt> list;
      for (const auto& attempt : log_) {
        if (attempt.id > after && list.size() < limit) list.push_back(attempt);
      }
      return list;
    });
  }
  Result<std::size_t> erase_pushes(UserId user, std::string_view handle) override {
    return worked("erase_pushes", [&] {
      return std::erase_if(queue_, [&](const auto& row) { return row.first.second == user; }) +
             std::erase_if(devices_, [&](const auto& row) { return row.second.user == user; }) +
             std::erase_if(log_, [&](const PushAttempt& attempt) { return attempt.user == handle; });
    });
  }

  Result<std::uint64_t> register_device(const Device& device) override {
    return worked("register_device", [&] {
      const auto old = find(device.channel, device.token);
      auto stored = device;
      stored.id = old == devices_.end() ? ++last_device_ : old->first;
      stored.last_success = 0;
      stored.failed = 0;
      stored.failure.clear();
      const auto id = stored.id;
      devices_[id] = std::move(stored);
      return id;
    });
  }
  Result<bool> remove_device(UserId user, std::string_view channel, std::string_view token) override {
    return worked("remove_device", [&] {
      const auto found = find(channel, token);
      if (found == devices_.end() || (user != UserId::none && found->second.user != user)) return false;
      devices_.erase(found);
      return true;
    });
  }
  Result<std::vector<Device>> devices(UserId user) override { return devices(std::span(&user, 1)); }
  Result<std::vector<Device>> devices(std::span<const UserId> users) override {
    return worked("devices", [&] {
      std::vector<Device> list;
      for (const auto& [id, device] : devices_) {
        if (std::find(users.begin(), users.end(), device.user) != users.end()) list.push_back(device);
      }
      return list;
    });
  }
  Result<std::vector<Device>> devices(std::uint64_t after, std::size_t limit) override {
    return worked("devices", [&] {
      std::vector<Device> list;
      for (auto row = devices_.upper_bound(after); row != devices_.end() && list.size() < limit; ++row) {
        list.push_back(row->second);
      }
      return list;
    });
  }

  Result<void> restore(std::span<const OwedPush> pushes, std::span<const PushAttempt> attempts,
                       std::span<const Device> devices) override {
    const auto done = worked("restore", [&] {
      for (const auto& push : pushes) queue_[order(push)] = Row{kept(push), {}, 0};
      for (const auto& attempt : attempts) {
        std::erase_if(log_, [&](const PushAttempt& old) { return old.id == attempt.id; });
        log_.push_back(attempt);
        last_attempt_ = std::max(last_attempt_, attempt.id);
      }
      std::sort(log_.begin(), log_.end(), [](auto& a, auto& b) { return a.id < b.id; });
      for (const auto& device : devices) {
        devices_[device.id] = device;
        last_device_ = std::max(last_device_, device.id);
      }
      return true;
    });
    if (!done) return done.error();
    return {};
  }

 private:
  using Order = std::pair<MessageId, UserId>;
  struct Row {
    OwedPush push;
    std::optional<std::uint64_t> holder;  ///< nullopt: nobody
    Millis until = 0;
  };

  static Order order(const OwedPush& push) { return {push.message, push.user}; }
  static OwedPush kept(OwedPush push) {
    if (push.state == PushState::owed) push.finished = 0;
    return push;
  }

  template <class F>
  auto worked(std::string_view call, F work) -> Result<decltype(work())> {
    std::function<void(std::string_view)> hook;
    {
      const std::lock_guard lock(mutex_);
      hook = hook_;
    }
    if (hook) hook(call);
    const std::lock_guard lock(mutex_);
    if (error_) return *error_;
    return work();
  }

  std::map<std::uint64_t, Device>::iterator find(std::string_view channel, std::string_view token) {
    return std::find_if(devices_.begin(), devices_.end(),
                        [&](const auto& row) { return row.second.channel == channel && row.second.token == token; });
  }

  void apply(const DeviceNews& news) {
    const auto found = devices_.find(news.device);
    if (found == devices_.end()) return;
    auto& device = found->second;
    switch (news.kind) {
      case DeviceNews::Kind::success:
        device.last_success = news.at;
        device.failed = 0;
        device.failure.clear();
        break;
      case DeviceNews::Kind::failure:
        device.failed = news.at;
        device.failure = news.reason;
        break;
      case DeviceNews::Kind::dead:
        if (news.since == 0 || device.registered < news.since) devices_.erase(found);
        break;
    }
  }

  std::mutex mutex_;
  std::optional<Error> error_;
  std::function<void(std::string_view)> hook_;
  std::map<Order, Row> queue_;
  std::vector<PushAttempt> log_;  ///< ascending ids
  std::map<std::uint64_t, Device> devices_;
  std::uint64_t last_attempt_ = 0;
  std::uint64_t last_device_ = 0;
};

}  // namespace loft::testing
