// What a publish and a propose cost, with 0, 1 and 4 handlers that live in a library: nanoseconds, the median of runs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "bench_events.hpp"
#include "bus/bus.hpp"
#include "bus_host.hpp"
#include "plugins/registry.hpp"

namespace {

using namespace loft;

std::uint64_t rounds = 5'000'000;
constexpr int runs = 7;

template <class F>
double median_ns(F step) {
  std::vector<double> results;
  for (int run = 0; run < runs; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      step();
      asm volatile("" ::: "memory");  // each round reads the table anew, as separate messages would
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    results.push_back(took.count() / static_cast<double>(rounds));
  }
  std::sort(results.begin(), results.end());
  return results[runs / 2];
}

void measure(int handlers) {
  testing::FakeHost fake;
  BusImpl bus({[] { return 0u; }, [](unsigned, Function<void()>) {}, [](Millis, Function<void()>) {}}, fake.clock(),
              fake.log(), fake.metrics());
  PluginSet set({BENCH_DIR}, bus, fake.log(), fake.clock());
  for (int i = 0; i < handlers; ++i) set.load("bench.handlers", "handlers-" + std::to_string(i));
  const Publisher<bench::Tick> publish(bus);
  const Proposer<bench::Ask> propose(bus);
  set.setup([&](PluginInstance& instance) {
    return std::make_unique<tests::BusHost>(instance.name(), bus, fake.log(), fake);
  });

  std::uint64_t sum = 0;
  std::uint64_t passed = 0;
  bench::Tick tick{{}, &sum};
  bench::Ask ask{{}, &sum};
  const auto publish_ns = median_ns([&] { publish(tick); });
  const auto propose_ns = median_ns([&] { passed += propose.now(ask).passed() ? 1 : 0; });
  const auto calls = rounds * runs;
  if (sum != 2 * calls * static_cast<std::uint64_t>(handlers) || passed != calls) {
    std::puts("the handlers were not called as often as they should");
    std::exit(1);
  }
  std::printf("%8d %14.2f %14.2f\n", handlers, publish_ns, propose_ns);
}

}  // namespace

// bus_bench [CALLS]: fewer calls per run measure nothing, but show that all handlers are called.
int main(int count, char** words) {
  if (count > 1) rounds = std::strtoull(words[1], nullptr, 10);
  if (rounds == 0) {
    std::fputs("bus_bench: CALLS must be a whole number from 1\n", stderr);
    return 64;
  }
  std::printf("median of %d runs of %llu calls each\n", runs, static_cast<unsigned long long>(rounds));
  std::printf("%8s %14s %14s\n", "handlers", "ns/publish", "ns/propose");
  for (const int handlers : {0, 1, 4}) measure(handlers);
}
