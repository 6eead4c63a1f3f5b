#include "bench.hpp"

using namespace loft;
using namespace loft::tests;
using Kind = PushVerdict::Kind;

namespace {

/// Takes, and has it answered.
void ask(push::ChannelLane& lane, PushVerdict verdict) {
  REQUIRE(lane.take().taken);
  lane.answered(verdict);
}

}  // namespace

TEST_CASE("a channel that does not answer rests longer each time, up to a limit, and is probed by few") {
  Bench t;
  t.open_lanes();
  auto& lane = *t.lanes.front();
  const PushVerdict silent{Kind::retry, "push.timeout", 0, 0};
  for (unsigned i = 0; i < t.rests.patience; ++i) ask(lane, silent);
  CHECK_FALSE(lane.take().taken);
  CHECK(lane.state().rests == t.rests.first);
  CHECK(lane.state().reason == "push.timeout");
  Millis last = t.rests.first;
  for (int round = 0; round < 10; ++round) {
    t.clock.advance(last);
    std::size_t probes = 0;
    while (lane.take().taken) ++probes;
    CHECK(probes == t.rests.probes);
    for (std::size_t i = 0; i < probes; ++i) lane.answered(silent);
    CHECK(lane.state().rests == std::min(last * 2, t.rests.longest));
    last = std::min(last * 2, t.rests.longest);
  }
  t.clock.advance(last);
  ask(lane, {});
  CHECK(lane.state().reason.empty());
  CHECK(lane.room() == 100);
}

TEST_CASE("a provider that answers with errors is not one that does not answer") {
  Bench t;
  t.open_lanes();
  auto& lane = *t.lanes.front();
  for (int i = 0; i < 100; ++i) ask(lane, {Kind::retry, "InternalServerError", 0, 0});
  CHECK(lane.state().rests == 0);
  CHECK(lane.state().reason.empty());
}
