// A host for one plugin of a test: the real bus, everything else of a FakeHost.
#pragma once

#include <string>

#include <loft/testing/host.hpp>

namespace loft::tests {

/// Everything it is given must outlive it.
class BusHost final : public Host {
 public:
  BusHost(std::string_view instance, Bus& bus, Logger& log, testing::FakeHost& fake)
      : instance_(instance), bus_(bus), log_(log), fake_(fake) {}

  std::string_view instance() const noexcept override { return instance_; }
  std::string_view data_dir() const noexcept override { return fake_.data_dir(); }
  Logger& log() noexcept override { return log_; }
  const Clock& clock() const noexcept override { return fake_.clock(); }
  Metrics& metrics() noexcept override { return fake_.metrics(); }
  Bus& bus() noexcept override { return bus_; }
  Messaging& messaging() override { return fake_.messaging(); }
  Users& users() override { return fake_.users(); }
  Identity& identity() override { return fake_.identity(); }
  Domains& domains() override { return fake_.domains(); }
  Inspector& inspector() override { return fake_.inspector(); }
  KeyValues& key_values() override { return fake_.key_values(); }
  bool run_blocking(Function<void()> work) override { return fake_.run_blocking(std::move(work)); }
  bool loopback_only() const noexcept override { return true; }
  bool trusts_user_header() const noexcept override { return true; }

 private:
  std::string instance_;
  Bus& bus_;
  Logger& log_;
  testing::FakeHost& fake_;
};

}  // namespace loft::tests
