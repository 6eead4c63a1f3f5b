// A logger that keeps what it was told.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <loft/log.hpp>

namespace loft::testing {

struct LogLine {
  LogLevel level = LogLevel::info;
  std::string text;
  std::map<std::string, std::string> fields;
};

/// Thread role: any.
class RecordingLogger final : public Logger {
 public:
  bool enabled(LogLevel) const noexcept override { return true; }

  void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) noexcept override {
    LogLine line{level, std::string(text), {}};
    for (const auto& field : fields) line.fields[std::string(field.key)] = field.value;
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }

  std::vector<LogLine> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  /// True when some line's text contains `part`.
  bool contains(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const LogLine& line) { return line.text.find(part) != std::string::npos; });
  }

 private:
  mutable std::mutex mutex_;
  std::vector<LogLine> lines_;
};

}  // namespace loft::testing
