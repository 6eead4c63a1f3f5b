// The model once more, over the storage that is shipped.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

#include "../storage/plugin_under_test.hpp"
#include "play_reads.hpp"

namespace loft::tests {
namespace {

/// A directory of its own, gone with it.
struct Directory {
  std::string path = (std::filesystem::temp_directory_path() / "loft_messaging_XXXXXX").string();
  Directory() {
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no directory: " + path);
  }
  ~Directory() { std::filesystem::remove_all(path); }
};

void play(std::uint64_t first, std::uint64_t count, CoreOptions options) {
  if (const char* wanted = std::getenv("LOFT_SEED")) first = std::strtoull(wanted, nullptr, 10), count = 1;
  for (auto seed = first; seed < first + count; ++seed) {
    const Directory directory;
    storage_test::Running storage(directory.path);
    Play game(seed, false, options, storage.storage.get());
    for (int round = 0; round < 120; ++round) {
      INFO("LOFT_SEED=" << seed << " round " << round);
      game.round();
    }
    INFO("LOFT_SEED=" << seed << " at the end");
    game.finish();
  }
}

TEST_CASE("messaging does what the model says over storage.sqlite") { play(4000, 4, {}); }

TEST_CASE("messaging does what the model says over storage.sqlite with hardly any memory") {
  CoreOptions options;
  options.recent_bytes = 5'000;
  options.cached_users = 3;
  options.cached_views = options.cached_conversations = 2;
  play(5000, 4, options);
}

}  // namespace
}  // namespace loft::tests
