// Metrics that a test can look up.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <loft/metrics.hpp>

namespace loft::testing {

/// Thread role: control for making metrics, any for using them.
class TestMetrics final : public Metrics {
 public:
  Metric& counter(std::string_view name, std::string_view, std::string_view labels = {}) override {
    return metric(name, labels);
  }
  Metric& gauge(std::string_view name, std::string_view, std::string_view labels = {}) override {
    return metric(name, labels);
  }

  /// The value of a metric by the name and labels it was made with; 0 where there is none.
  std::int64_t value(std::string_view name, std::string_view labels = {}) const {
    const auto found = metrics_.find(key(name, labels));
    return found == metrics_.end() ? 0 : found->second->value();
  }

 private:
  static std::string key(std::string_view name, std::string_view labels) {
    return std::string(name) + '{' + std::string(labels) + '}';
  }

  Metric& metric(std::string_view name, std::string_view labels) {
    auto& slot = metrics_[key(name, labels)];
    if (!slot) slot = std::make_unique<Metric>();
    return *slot;
  }

  std::map<std::string, std::unique_ptr<Metric>> metrics_;
};

}  // namespace loft::testing
