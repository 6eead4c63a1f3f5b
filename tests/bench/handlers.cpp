// One observer and one interceptor per instance, on the other side of a library's boundary.
#include <loft/plugin.hpp>

#include "bench_events.hpp"

namespace {

class Handlers final : public loft::Plugin {
 public:
  void setup(loft::Host& host) override {
    host.bus().observe<loft::bench::Tick>([](const loft::bench::Tick& tick) { ++*tick.sum; });
    host.bus().intercept<loft::bench::Ask>(loft::Stage::policy, [](loft::bench::Ask& ask) {
      ++*ask.sum;
      return loft::Verdict::pass();
    });
  }
};

}  // namespace

LOFT_PLUGIN(Handlers, "bench.handlers", "1", "Handlers that count")
