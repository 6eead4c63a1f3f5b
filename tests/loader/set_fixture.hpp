// A plugin set with the real bus and hosts that record.
#pragma once

#include "bus/bus.hpp"
#include "bus_host.hpp"
#include "plugins/registry.hpp"
#include "thrown.hpp"

#include <loft/testing/host.hpp>

namespace loft::tests {

/// Notes each line with the instance it came from.
class NamedLogger final : public Logger {
 public:
  NamedLogger(std::string name, testing::RecordingLogger& to) : name_(std::move(name)), to_(to) {}
  bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) noexcept override {
    to_.write(level, name_ + ": " + std::string(text), fields);
  }

 private:
  std::string name_;
  testing::RecordingLogger& to_;
};

struct SetFixture {
  testing::FakeHost fake;
  testing::RecordingLogger& log = fake.log();
  BusImpl bus{{[] { return 0u; }, [this](unsigned, Function<void()> work) { fake.loop().post(std::move(work)); },
               [this](Millis in, Function<void()> work) { fake.loop().after(in, std::move(work)); }},
              fake.clock(),
              fake.log(),
              fake.metrics()};
  std::vector<std::unique_ptr<NamedLogger>> loggers;
  PluginSet set{{ZOO_DIR}, bus, fake.log(), fake.clock()};

  void setup() {
    set.setup([this](PluginInstance& instance) {
      loggers.push_back(std::make_unique<NamedLogger>(instance.name(), log));
      return std::make_unique<BusHost>(instance.name(), bus, *loggers.back(), fake);
    });
  }

  std::vector<std::string> said() const {
    std::vector<std::string> out;
    for (const auto& line : fake_log().lines()) out.push_back(line.text);
    return out;
  }

 private:
  const testing::RecordingLogger& fake_log() const { return log; }
};

}  // namespace loft::tests
