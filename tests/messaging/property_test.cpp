// All of messaging under random acts, compared with the model after every round.
// LOFT_SEED=<n> runs one seed; a failure names its seed and round.
#include <catch2/catch.hpp>

#include <cstdlib>

#include "play_reads.hpp"

namespace loft::tests {
namespace {
void play(std::uint64_t first, std::uint64_t count, int rounds, bool instant, CoreOptions options,
          std::size_t writers = 1) {
  if (const char* wanted = std::getenv("LOFT_SEED")) first = std::strtoull(wanted, nullptr, 10), count = 1;
  for (auto seed = first; seed < first + count; ++seed) {
    Play game(seed, instant, options, nullptr, writers);
    for (int round = 0; round < rounds; ++round) {
      INFO("LOFT_SEED=" << seed << " round " << round);
      game.round();
    }
    INFO("LOFT_SEED=" << seed << " at the end");
    game.finish();
  }
}

CoreOptions small() {
  CoreOptions options;
  options.recent_bytes = 5'000;  // a dozen messages
  options.cached_users = 3;
  options.cached_views = 2;
  options.cached_conversations = 2;
  return options;
}

TEST_CASE("messaging does what the model says, over an instant storage") { play(1, 30, 150, true, {}); }

TEST_CASE("messaging does what the model says when hardly anything fits into memory") {
  play(1000, 30, 150, true, small());
}

TEST_CASE("messaging does what the model says, with a writer of its own") { play(2000, 8, 150, false, {}); }

TEST_CASE("messaging does what the model says, with a writer and little memory") { play(3000, 8, 150, false, small()); }

TEST_CASE("messaging does what the model says, with three writers and little memory") {
  auto options = small();
  options.lane_entries = 1;
  play(4000, 8, 150, false, options, 3);
}

}  // namespace
}  // namespace loft::tests
