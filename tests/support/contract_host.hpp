// A host made of fakes, for tests of contracts that keep no state of their own. No test framework here: fuzzers use it
// too.
#pragma once

#include <exception>
#include <string>

#include <loft/testing/bus.hpp>
#include <loft/testing/clock.hpp>
#include <loft/testing/messaging.hpp>

namespace loft::tests {

/// Stands still.
class FixedClock final : public Clock {
 public:
  explicit FixedClock(Millis now) : now_(now) {}
  Millis now() const noexcept override { return now_; }
  Millis steady() const noexcept override { return 0; }

 private:
  Millis now_;
};

class QuietLogger final : public Logger {
 public:
  bool enabled(LogLevel) const noexcept override { return false; }
  void write(LogLevel, std::string_view, Fields) noexcept override {}
};

/// What it has no fake for ends the program.
class ContractHost final : public Host {
 public:
  /// `now`: since 1970. `is_loopback`: every listener is local, and headers are believed.
  ContractHost(std::string instance, Millis now, bool is_loopback)
      : time(now), loopback(is_loopback), instance_(std::move(instance)) {}

  testing::FakeUsers directory;
  testing::FakeMessaging service;
  testing::FakeIdentity tokens;
  testing::FakeDomains previews;
  FixedClock time;
  QuietLogger logger;
  bool loopback;

  std::string_view instance() const noexcept override { return instance_; }
  std::string_view data_dir() const noexcept override { return "/nonexistent"; }
  Logger& log() noexcept override { return logger; }
  const Clock& clock() const noexcept override { return time; }
  Metrics& metrics() noexcept override { std::terminate(); }
  testing::TestBus& bus() noexcept override { return bus_; }
  Messaging& messaging() noexcept override { return service; }
  Users& users() noexcept override { return directory; }
  Identity& identity() noexcept override { return tokens; }
  Domains& domains() noexcept override { return previews; }
  Inspector& inspector() noexcept override { std::terminate(); }
  KeyValues& key_values() noexcept override { std::terminate(); }
  bool run_blocking(Function<void()>) override { return false; }
  bool loopback_only() const noexcept override { return loopback; }
  bool trusts_user_header() const noexcept override { return loopback; }

 private:
  std::string instance_;
  testing::ManualClock clock_;
  testing::ManualLoop loop_{clock_};
  testing::TestBus bus_{loop_};
};

}  // namespace loft::tests
