// Why nothing was owed: the latest decisions of the follower, in memory, for `loft push why`.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <loft/push_ledger.hpp>

namespace loft::push {

/// Thread role: any. Bounded: a new decision takes the place of the oldest.
class Trace {
 public:
  struct Decision {
    PushKey key;
    Millis at = 0;            ///< since 1970
    const char* reason = "";  ///< a literal
  };

  explicit Trace(std::size_t places = 65'536) : places_(places) {}

  void note(PushKey key, Millis at, const char* reason) {
    const std::lock_guard lock(mutex_);
    if (decisions_.size() < places_) {
      decisions_.push_back({key, at, reason});
      return;
    }
    decisions_[next_] = {key, at, reason};
    next_ = (next_ + 1) % places_;
  }

  /// The latest one about it.
  std::optional<Decision> find(PushKey key) const {
    const std::lock_guard lock(mutex_);
    std::optional<Decision> found;
    for (const auto& each : decisions_) {
      if (each.key == key && (!found || each.at >= found->at)) found = each;
    }
    return found;
  }

 private:
  const std::size_t places_;
  mutable std::mutex mutex_;
  std::vector<Decision> decisions_;
  std::size_t next_ = 0;
};

}  // namespace loft::push
