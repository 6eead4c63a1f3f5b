// The metrics of push: by channel, result and reason.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <loft/metrics.hpp>
#include <loft/push_ledger.hpp>

namespace loft::push {

/// Thread role: any. `metrics` must take new ones on any thread, as the host's does.
class Meters {
 public:
  explicit Meters(Metrics& metrics);

  void owed(std::size_t pushes) { owed_.add(static_cast<std::int64_t>(pushes)); }
  Metric& passed_over(std::string_view reason);
  void answered(std::string_view channel, PushVerdict::Kind kind, std::string_view reason);
  void finished(PushState state, std::string_view reason) { ended(state, reason).add(); }
  void put_off(std::string_view reason) { delayed(reason).add(); }
  Metric& in_flight(std::string_view channel);
  Metric& resting(std::string_view channel);
  Metric& queue(PushState state);
  Metric& behind() { return behind_; }

 private:
  /// A provider's words are many: beyond a limit they are `other`.
  std::string label(std::string_view reason);
  Metric& ended(PushState state, std::string_view reason);
  Metric& delayed(std::string_view reason);
  Metric& counter(std::string_view name, std::string_view help, const std::string& labels);

  Metrics& metrics_;
  Metric& owed_;
  Metric& behind_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> reasons_;
};

std::string_view name(PushVerdict::Kind kind) noexcept;
std::string_view name(PushState state) noexcept;

}  // namespace loft::push
