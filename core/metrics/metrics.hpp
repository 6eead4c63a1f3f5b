// The host's registry of counters and gauges, and its Prometheus text.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <loft/metrics.hpp>

namespace loft {

/// Thread role: any. Metrics live as long as the registry and never move.
class MetricsImpl final : public Metrics {
 public:
  /// Throw std::invalid_argument for a name or labels that the exposition format does not take, and for a name that is
  /// in use as the other type. The help text of the first call stays.
  Metric& counter(std::string_view name, std::string_view help, std::string_view labels = {}) override;
  Metric& gauge(std::string_view name, std::string_view help, std::string_view labels = {}) override;

  /// All metrics in the Prometheus text format 0.0.4, sorted by name, then labels.
  std::string text() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Family {
    bool is_counter = false;
    std::string help;
    std::map<std::string, std::unique_ptr<Metric>> members;  ///< by labels, normalised
  };

  Metric& find(std::string_view name, std::string_view help, std::string_view labels, bool is_counter);

  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
};

}  // namespace loft
