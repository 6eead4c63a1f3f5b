// The real bus on a loop turned by hand.
#pragma once

#include "bus/bus.hpp"

#include <loft/testing/log.hpp>
#include <loft/testing/loop.hpp>
#include <loft/testing/metrics.hpp>

namespace loft::tests {

struct Rename : Proposal {
  std::string name;
};

struct Renamed : Fact {
  int number = 0;
};

struct BusFixture {
  testing::ManualClock clock;
  testing::ManualLoop loop{clock};
  testing::RecordingLogger log;
  testing::TestMetrics metrics;
  std::atomic<unsigned> posted_to{~0u};
  BusImpl impl{{[] { return 7u; },
                [this](unsigned thread, Function<void()> work) {
                  posted_to.store(thread);
                  loop.post(std::move(work));
                },
                [this](Millis in, Function<void()> work) { loop.after(in, std::move(work)); }},
               clock,
               log,
               metrics};
  Bus& bus = impl;
};

}  // namespace loft::tests
