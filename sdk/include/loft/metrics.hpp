// Counters and gauges that the internal listener exports as Prometheus text under the prefix `loft_`.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace loft {

/// A number that the host exports. Thread role: any; updates are relaxed atomic adds. Lifetime: the host's.
class Metric {
 public:
  void add(std::int64_t by = 1) noexcept { value_.fetch_add(by, std::memory_order_relaxed); }
  void set(std::int64_t to) noexcept { value_.store(to, std::memory_order_relaxed); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Thread role: control (setup). Look a metric up once and keep the reference.
class Metrics {
 public:
  virtual ~Metrics() = default;

  /// `name` without the prefix, with the unit and `_total` as Prometheus asks (`messages_received_total`).
  /// `labels` in exposition form without braces (`transport="http"`) or empty; never users or conversations.
  /// The same name and labels give the same metric.
  virtual Metric& counter(std::string_view name, std::string_view help, std::string_view labels = {}) = 0;
  virtual Metric& gauge(std::string_view name, std::string_view help, std::string_view labels = {}) = 0;
};

}  // namespace loft
