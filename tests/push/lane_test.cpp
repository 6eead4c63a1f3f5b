#include "bench.hpp"

using namespace loft;
using namespace loft::tests;
using Kind = PushVerdict::Kind;

namespace {

/// Takes, and has it answered. Whether a failure was the notification's own.
bool ask(push::ChannelLane& lane, PushVerdict verdict, std::uint64_t device = 1) {
  REQUIRE(lane.take().taken);
  const bool own = lane.answered(verdict, device);
  lane.release();
  return own;
}

const PushVerdict silent{Kind::retry, "push.timeout", 0, 0};
const PushVerdict failing{Kind::retry, "InternalServerError", 0, 0};

std::size_t lines_of(Bench& t, LogLevel level) {
  const auto lines = t.log.lines();
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.level == level; }));
}

}  // namespace

TEST_CASE("a provider that does not answer, or answers that it cannot now, rests longer each time, up to a limit") {
  Bench t;
  t.open_lanes();
  auto& lane = *t.lanes.front();
  const auto verdict = GENERATE(silent, failing);
  for (unsigned i = 0; i < t.rests.patience; ++i) ask(lane, verdict, i);
  CHECK_FALSE(lane.take().taken);
  CHECK(lane.state().rests == t.rests.first);
  CHECK(lane.state().reason == verdict.reason);
  Millis last = t.rests.first;
  for (int round = 0; round < 10; ++round) {
    t.clock.advance(last);
    REQUIRE(lane.take().taken);
    CHECK_FALSE(lane.take().taken);  // one probe at a time
    lane.answered(verdict, 1);
    lane.release();
    CHECK(lane.state().rests == std::min(last * 2, t.rests.longest));
    last = std::min(last * 2, t.rests.longest);
  }
  t.clock.advance(last);
  ask(lane, {});
  CHECK(lane.state().reason.empty());
  CHECK(lane.room() == 100);
  CHECK(lane.failing() == 0);
}

TEST_CASE("a provider that fails for some only is not rested, and neither is one for a single device's sake") {
  Bench t;
  t.open_lanes();
  auto& lane = *t.lanes.front();
  for (std::uint64_t i = 0; i < 100; ++i) ask(lane, i % 4 == 0 ? PushVerdict() : failing, i);
  ask(lane, {});
  CHECK(lane.state().reason.empty());
  for (std::uint64_t i = 0; i < 100; ++i) ask(lane, {Kind::retry, "TooManyRequests", 60'000, 0}, i % 2);
  CHECK(lane.state().reason.empty());
}

TEST_CASE("a failure after a success is the push's own, those that follow it are the provider's") {
  Bench t;
  t.open_lanes();
  auto& lane = *t.lanes.front();
  CHECK(ask(lane, failing));
  CHECK_FALSE(ask(lane, failing));
  CHECK_FALSE(ask(lane, silent, 2));
  ask(lane, {});
  CHECK(ask(lane, failing));
  ask(lane, {Kind::refused, "push.bad_address", 0, 0});  // nobody asked the provider
  CHECK_FALSE(ask(lane, failing));
  ask(lane, {Kind::dead_token, "Unregistered", 0, 0});
  CHECK(ask(lane, failing));
}

TEST_CASE("a provider that says to all when to come again is not asked before, but within a limit") {
  Bench t;
  t.open_lanes();
  auto& lane = *t.lanes.front();
  const Millis asked = GENERATE(90'000, 86'400'000);
  for (unsigned i = 0; i < t.rests.patience; ++i) ask(lane, {Kind::retry, "QUOTA_EXCEEDED", asked, 0}, i);
  CHECK(lane.state().rests == std::min(asked, t.rests.longest_asked));
}

TEST_CASE("of a rest the log has its beginning, its end, and a line every ten minutes") {
  Bench t;
  t.open_lanes();
  auto& lane = *t.lanes.front();
  const bool refused = GENERATE(true, false);
  const PushVerdict verdict = refused ? PushVerdict{Kind::broken, "InvalidProviderToken", 0, 0} : failing;
  const auto level = refused ? LogLevel::error : LogLevel::warn;
  for (unsigned i = 0; i < t.rests.patience; ++i) {
    if (lane.rests() == 0) ask(lane, verdict, i);
  }
  CHECK(lines_of(t, level) == 1);
  const auto begun = t.clock.steady();
  while (t.clock.steady() - begun < 3 * t.rests.reminder + 60'000) {
    t.clock.advance(lane.state().rests);
    ask(lane, verdict);
  }
  CHECK(lines_of(t, level) == 4);
  t.clock.advance(lane.state().rests);
  ask(lane, {});
  CHECK(lines_of(t, LogLevel::info) == 1);
  CHECK(lines_of(t, level) == 4);
}
