// Logging: spdlog behind loft::Logger. Header of std and SDK types only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <loft/log.hpp>

namespace loft {

enum class LogFormat : std::uint8_t { text, json, logfmt };

struct LogLevels {
  LogLevel standard = LogLevel::info;
  /// By logger name. `storage` also covers `storage.sqlite`; the longest name that fits counts.
  std::map<std::string, LogLevel> by_name;

  LogLevel of(std::string_view name) const;
};

struct LogSettings {
  LogFormat format = LogFormat::text;
  std::string file;  ///< appended to; empty: standard error
  LogLevels levels;
};

/// Thread role: any. Lines are whole: one write each; values with control characters are escaped.
class LogSystem {
 public:
  /// Throws std::runtime_error with file and cause when the file cannot be opened.
  static std::unique_ptr<LogSystem> open(LogSettings settings);
  virtual ~LogSystem() = default;

  /// The logger of that name, the same object every time; lives as long as the system.
  virtual Logger& logger(std::string_view name) = 0;

  /// For SIGHUP: takes effect at once on all loggers. `reopen` also begins the file anew by name, after a rotation; if
  /// that fails, the old one stays in use and false is returned.
  virtual void set_levels(LogLevels levels) = 0;
  virtual bool reopen() = 0;

  virtual void flush() noexcept = 0;
};

/// Why the file of that name could not be opened for appending, for `loft check`; empty: it could be, or there is none.
/// Makes nothing.
std::string log_file_problem(const std::string& file);

/// `trace`, `debug`, `info`, `warn`, `error`, `off`; nullopt for other words.
std::optional<LogLevel> log_level(std::string_view word) noexcept;

}  // namespace loft
