// Counts what operator new hands out while messages would flow.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <new>

#include "bus_fixture.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size != 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size != 0 ? size : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace loft;
using namespace loft::tests;

TEST_CASE("facts and proposals without waiting interceptors do not allocate") {
  BusFixture t;
  int told = 0;
  for (int i = 0; i < 4; ++i) {
    t.bus.observe<Renamed>([&](const Renamed& event) { told += event.number; });
    t.bus.intercept<Rename>(Stage::rewrite, [](Rename& event) {
      event.name += 'x';
      return Verdict::pass();
    });
  }
  t.impl.freeze();
  const Publisher<Renamed> publish(t.bus);
  const Proposer<Rename> propose(t.bus);
  Rename event;
  int passed = 0;

  const auto before = allocations;
  publish(Renamed{{}, 1});
  passed += propose.now(event).passed() ? 1 : 0;
  propose.propose(std::move(event), [&](Rename&, Verdict verdict) { passed += verdict.passed() ? 1 : 0; });
  const auto after = allocations;

  CHECK(after == before);
  CHECK(told == 4);
  CHECK(passed == 2);
  auto probe = std::make_unique<int>(1);
  CHECK(allocations > after);
}
