#include "log/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <functional>
#include <mutex>
#include <stdexcept>

namespace loft {
namespace {

spdlog::level::level_enum native(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      break;
  }
  return spdlog::level::off;
}

// In JSON's way, which the other two formats share: what comes from outside must not be able to begin a new line or to
// steer a terminal.
void escape(std::string& out, std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
}

void quote(std::string& out, std::string_view text) {
  out += '"';
  escape(out, text);
  out += '"';
}

bool is_bare(std::string_view text) noexcept {
  if (text.empty()) return false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

void key_value(std::string& out, std::string_view key, std::string_view value) {
  out += key;
  out += '=';
  if (is_bare(value)) {
    out += value;
  } else {
    quote(out, value);
  }
}

std::string payload(LogFormat format, std::string_view text, std::initializer_list<LogField> fields) {
  std::string out;
  switch (format) {
    case LogFormat::text:
      escape(out, text);
      break;
    case LogFormat::json:
      out += "\"text\":";
      quote(out, text);
      break;
    case LogFormat::logfmt:
      key_value(out, "text", text);
      break;
  }
  for (const auto& field : fields) {
    if (format == LogFormat::json) {
      out += ',';
      quote(out, field.key);
      out += ':';
      quote(out, field.value);
    } else {
      out += ' ';
      key_value(out, field.key, field.value);
    }
  }
  return out;
}

const char* pattern(LogFormat format) noexcept {
  switch (format) {
    case LogFormat::text:
      return "%Y-%m-%dT%H:%M:%S.%eZ %-7l %n: %v";
    case LogFormat::json:
      return R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","logger":"%n",%v})";
    case LogFormat::logfmt:
      break;
  }
  return "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l logger=%n %v";
}

class SpdLogger final : public Logger {
 public:
  SpdLogger(const std::string& name, spdlog::sink_ptr sink, LogFormat format)
      : logger_(name, std::move(sink)), format_(format) {
    logger_.flush_on(spdlog::level::trace);
  }

  bool enabled(LogLevel level) const noexcept override {
    return level != LogLevel::off && logger_.should_log(native(level));
  }

  void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) noexcept override {
    if (!enabled(level)) return;
    try {
      const auto line = payload(format_, text, fields);
      logger_.log(native(level), spdlog::string_view_t(line.data(), line.size()));
    } catch (...) {
      // No memory for a log line is no reason to end.
    }
  }

  spdlog::logger& native_logger() noexcept { return logger_; }

 private:
  spdlog::logger logger_;
  LogFormat format_;
};

class SpdSystem final : public LogSystem {
 public:
  explicit SpdSystem(LogSettings settings) : settings_(std::move(settings)) { sink_->add_sink(make_sink()); }

  Logger& logger(std::string_view name) override {
    const std::lock_guard lock(mutex_);
    const auto found = loggers_.find(name);
    if (found != loggers_.end()) return *found->second;
    std::string clean(name);
    for (auto& c : clean) {
      if (!is_bare({&c, 1})) c = '_';
    }
    auto made = std::make_unique<SpdLogger>(clean, sink_, settings_.format);
    made->native_logger().set_level(native(settings_.levels.of(name)));
    return *loggers_.emplace(std::string(name), std::move(made)).first->second;
  }

  void set_levels(LogLevels levels) override {
    const std::lock_guard lock(mutex_);
    settings_.levels = std::move(levels);
    for (auto& [name, logger] : loggers_) logger->native_logger().set_level(native(settings_.levels.of(name)));
  }

  bool reopen() override {
    const std::lock_guard lock(mutex_);
    try {
      sink_->set_sinks({make_sink()});
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  void flush() noexcept override {
    try {
      sink_->flush();
    } catch (...) {
      // A full disk shows itself at the next write.
    }
  }

 private:
  spdlog::sink_ptr make_sink() const {
    spdlog::sink_ptr sink;
    try {
      if (settings_.file.empty()) {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
      } else {
        sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings_.file);
      }
    } catch (const std::exception& e) {
      throw std::runtime_error("log file '" + settings_.file + "' cannot be opened: " + e.what() +
                               "; create its folder or choose another place");
    }
    sink->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern(settings_.format), spdlog::pattern_time_type::utc));
    return sink;
  }

  std::mutex mutex_;
  LogSettings settings_;
  // The loggers share this one; behind it the file can be exchanged while others write.
  std::shared_ptr<spdlog::sinks::dist_sink_mt> sink_ = std::make_shared<spdlog::sinks::dist_sink_mt>();
  std::map<std::string, std::unique_ptr<SpdLogger>, std::less<>> loggers_;
};

}  // namespace

LogLevel LogLevels::of(std::string_view name) const {
  for (std::string part(name); !part.empty();) {
    if (const auto found = by_name.find(part); found != by_name.end()) return found->second;
    const auto dot = part.rfind('.');
    part.erase(dot == std::string::npos ? 0 : dot);
  }
  return standard;
}

std::unique_ptr<LogSystem> LogSystem::open(LogSettings settings) {
  return std::make_unique<SpdSystem>(std::move(settings));
}

std::optional<LogLevel> log_level(std::string_view word) noexcept {
  constexpr std::string_view words[] = {"trace", "debug", "info", "warn", "error", "off"};
  for (std::size_t i = 0; i < std::size(words); ++i) {
    if (words[i] == word) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

}  // namespace loft
