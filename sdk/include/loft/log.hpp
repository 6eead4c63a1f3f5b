// Logging through the host: no plugin links a logging library.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace loft {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };

/// One `key=value` of a log line. Never put message content, tokens or secrets into one.
struct LogField {
  LogField(std::string_view key, std::string_view value) : key(key), value(value) {}
  LogField(std::string_view key, const char* value) : key(key), value(value) {}
  LogField(std::string_view key, const std::string& value) : key(key), value(value) {}
  LogField(std::string_view key, bool value) : key(key), value(value ? "true" : "false") {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view key, T value) : key(key), value(std::to_string(value)) {}

  std::string_view key;
  std::string value;
};

/// A named logger. Thread role: any. Lifetime: from `setup` until the plugin's destruction. Does not throw.
class Logger {
 public:
  virtual ~Logger() = default;

  virtual bool enabled(LogLevel level) const noexcept = 0;
  virtual void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) noexcept = 0;

  using Fields = std::initializer_list<LogField>;
  void debug(std::string_view text, Fields fields = {}) noexcept { write(LogLevel::debug, text, fields); }
  void info(std::string_view text, Fields fields = {}) noexcept { write(LogLevel::info, text, fields); }
  void warn(std::string_view text, Fields fields = {}) noexcept { write(LogLevel::warn, text, fields); }
  void error(std::string_view text, Fields fields = {}) noexcept { write(LogLevel::error, text, fields); }
};

}  // namespace loft
