// Files that are moved, deleted or replaced: what was acknowledged is not lost, and nothing is acknowledged into a file
// that no start would find.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "plugin_under_test.hpp"
#include "raw.hpp"

#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;
using Catch::Contains;

namespace {

namespace fs = std::filesystem;

Result<Conflict> say(Storage& storage, Seq& head, std::uint64_t id) {
  BatchData batch;
  if (head == 0) batch.conversations = {a_group(10)};
  batch.say(cid(10), head, mid(id), uid(1), "{}", a_key(id));
  auto done = storage.commit(batch.view());
  if (!done) --head;
  return done;
}

/// As the watch finds it, which looks once a second.
std::string health_when(Storage& storage, bool is_well) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  auto health = storage.health();
  while (health.empty() != is_well && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    health = storage.health();
  }
  return health;
}

}  // namespace

TEST_CASE("sqlite: a log without its database is refused and left alone", "[storage]") {
  const TemporaryDirectory directory, crashed;
  const auto path = crashed.path() + "/loft.db", log = path + "-wal";
  {
    Running running(directory.path());
    Seq head = 0;
    REQUIRE(say(*running.storage, head, 1000));
    for (const auto* suffix : {"", "-wal"}) {
      fs::copy_file(directory.path() + "/loft.db" + suffix, path + suffix);
    }
  }
  const auto bytes = fs::file_size(log);
  REQUIRE(bytes > 0);
  fs::rename(path, crashed.path() + "/aside.db");
  const auto is_refused = [&] {
    CHECK_THAT(refusal(crashed.path()), Contains(path + " is missing or empty") && Contains(log) &&
                                            Contains("put the database") && Contains("restore a backup"));
  };
  is_refused();
  CHECK_FALSE(fs::exists(path));
  std::ofstream(path).close();  // as something made an empty one
  is_refused();
  CHECK(fs::file_size(log) == bytes);

  fs::rename(crashed.path() + "/aside.db", path);
  Running running(crashed.path());
  const auto found = running->conversation(cid(10));
  REQUIRE(found.ok());
  REQUIRE(found->has_value());
  CHECK((*found)->head == 1);
}

TEST_CASE("sqlite: nothing is acknowledged while a file of the store is not in its place", "[storage]") {
  const TemporaryDirectory directory;
  Running running(directory.path());
  auto& storage = *running.storage;
  Seq head = 0;
  REQUIRE(say(storage, head, 1000));
  std::uint64_t id = 1001;
  for (const auto* suffix : {"", "-wal", "-shm"}) {
    const auto path = directory.path() + "/loft.db" + suffix, away = directory.path() + "/away";
    INFO(path);
    fs::rename(path, away);
    const auto refused = say(storage, head, id);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().reason == "storage.unavailable");
    CHECK_THAT(storage.health(), Contains("unavailable: " + path + " was moved or deleted") &&
                                     Contains("put the same file back") && Contains("restore a backup"));
    CHECK_FALSE(storage.set_follower("f", 1).ok());
    CHECK_FALSE(storage.forget_client_keys(Position{1}, 1).ok());
    CHECK_FALSE(storage.health().empty());
    CHECK_FALSE(fs::exists(path));  // no reader has made an empty one

    fs::copy_file(away, path);
    CHECK_FALSE(say(storage, head, id).ok());
    CHECK_THAT(storage.health(), Contains(path + " was replaced by another file"));
    fs::rename(away, path);
    REQUIRE(say(storage, head, id++));
    CHECK(storage.health().empty());
  }
  running.stop();
  Running again(directory.path());
  CHECK((*again->conversation(cid(10)))->head == head);
}

TEST_CASE("sqlite: a host that nobody writes to notices that its database was moved, and that it is back",
          "[storage]") {
  const TemporaryDirectory directory;
  Running running(directory.path());
  const auto path = directory.path() + "/loft.db", away = directory.path() + "/away";
  fs::rename(path, away);
  CHECK_THAT(health_when(*running.storage, false), Contains(path + " was moved or deleted"));
  CHECK_FALSE(running->last_position().ok());  // a reader that is not open yet
  CHECK_FALSE(fs::exists(path));
  fs::rename(away, path);
  REQUIRE(running->last_position().ok());
  CHECK(health_when(*running.storage, true).empty());
}
