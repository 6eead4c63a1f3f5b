// When SQLite's push ledger waits for the disk, and who waits with it: seen from the calls that bring files there.
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "plugin_under_test.hpp"

#include <loft/testing/storage/fixture.hpp>
#include <loft/testing/storage/push_fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;

namespace {

/// The disk, as far as write-ahead logs are concerned.
struct Disk {
  std::mutex mutex;
  std::condition_variable changed;
  int synced = 0;        ///< how often a log was brought there
  bool is_held = false;  ///< somebody waits in `hold_this_thread`
  bool is_free = false;  ///< nobody waits there any more
  std::string remains;   ///< where a copy of the files goes each time: what would be left after a loss of power
  static thread_local bool hold_this_thread;
};
thread_local bool Disk::hold_this_thread = false;

Disk& disk() {
  static Disk one;
  return one;
}

int bring(int descriptor, long call) {
  std::array<char, 4096> name{};
  const auto link = "/proc/self/fd/" + std::to_string(descriptor);
  const auto size = ::readlink(link.c_str(), name.data(), name.size() - 1);
  const std::string path(name.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const auto result = static_cast<int>(::syscall(call, descriptor));
  if (!path.ends_with("-wal")) return result;
  auto& d = disk();
  std::unique_lock lock(d.mutex);
  ++d.synced;
  if (!d.remains.empty()) {
    const auto database = path.substr(0, path.size() - 4);
    for (const auto& file : {database, path}) {
      const auto to = d.remains + file.substr(file.rfind('/'));
      std::filesystem::copy_file(file, to, std::filesystem::copy_options::overwrite_existing);
    }
  }
  if (Disk::hold_this_thread) {
    d.is_held = true;
    d.changed.notify_all();
    d.changed.wait_for(lock, std::chrono::seconds(30), [&] { return d.is_free; });
    d.is_held = false;
  }
  return result;
}

int synced() {
  const std::lock_guard lock(disk().mutex);
  return disk().synced;
}

bool say(Storage& storage, Seq& head) {
  BatchData batch;
  if (head == 0) batch.conversations = {a_group(10)};
  const auto id = 1000 + head;
  batch.say(cid(10), head, mid(id), uid(1), "{}", a_key(id));
  const auto done = storage.commit(batch.view());
  return done && done->empty();
}

}  // namespace

// In place of the C library's, for SQLite as well.
extern "C" int fdatasync(int descriptor) { return bring(descriptor, SYS_fdatasync); }
extern "C" int fsync(int descriptor) { return bring(descriptor, SYS_fsync); }

TEST_CASE("sqlite: what is owed, leased and settled waits for no disk; a device that is registered does", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  Seq head = 0;
  REQUIRE(say(*running.storage, head));
  auto& ledger = *running->push_ledger();
  const auto before = synced();
  CHECK(before > 0);
  for (std::uint64_t n = 1; n <= 20; ++n) {
    const OwedPush push = a_push(n, 1), done = ended(push, PushState::delivered, noon);
    const auto attempt = an_attempt(n, "user1");
    REQUIRE(value(ledger.owe(std::span(&push, 1))) == 1);
    REQUIRE(value(ledger.lease(7, noon, noon + 100, 1)).size() == 1);
    REQUIRE(value(ledger.settle(7, {std::span(&done, 1), std::span(&attempt, 1), {}})) == 1);
  }
  CHECK(synced() == before);
  REQUIRE(value(ledger.register_device(a_device(1, "a"))) != 0);
  CHECK(synced() == before + 1);
  REQUIRE(value(ledger.remove_device(uid(1), "apns", "a")));
  CHECK(synced() == before + 2);
  REQUIRE(value(ledger.erase_pushes(uid(1), "user1")) == 40);
  CHECK(synced() == before + 3);
  // What the host asks for all the time, so that nothing stays behind for long.
  REQUIRE(value(ledger.forget_pushes(noon, 1)) == 0);
  CHECK(synced() == before + 4);
}

TEST_CASE("sqlite: a commit of messages does not wait for the disk of the push ledger", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  Seq head = 0;
  REQUIRE(say(*running.storage, head));
  auto& d = disk();
  d.is_free = false;
  std::thread registers([&] {
    Disk::hold_this_thread = true;
    static_cast<void>(running->push_ledger()->register_device(a_device(1, "a")));
  });
  {
    std::unique_lock lock(d.mutex);
    CHECK(d.changed.wait_for(lock, std::chrono::seconds(30), [&] { return d.is_held; }));
  }
  CHECK(say(*running.storage, head));
  {
    const std::lock_guard lock(d.mutex);
    CHECK(d.is_held);  // still
    d.is_free = true;
  }
  d.changed.notify_all();
  registers.join();
  CHECK(value(running->push_ledger()->devices(uid(1))).size() == 1);
}

TEST_CASE("sqlite: when the power is lost nothing is owed any less than the follower's position says", "[storage]") {
  const TemporaryDirectory directory, remains;
  Running running(directory.path());
  Seq head = 0;
  REQUIRE(say(*running.storage, head));
  const auto set_remains = [&](std::string where) {
    const std::lock_guard lock(disk().mutex);
    disk().remains = std::move(where);
  };
  set_remains(remains.path());
  auto& ledger = *running->push_ledger();
  const OwedPush first = a_push(1, 1), second = a_push(2, 1);
  REQUIRE(value(ledger.owe(std::span(&first, 1))) == 1);
  REQUIRE(running->set_follower("push", 1).ok());
  // Behind the last one that somebody waited for: this may be lost, and its position with it.
  REQUIRE(value(ledger.owe(std::span(&second, 1))) == 1);
  REQUIRE(value(ledger.lease(7, noon, noon + 100, 1)).size() == 1);
  set_remains("");
  const Running after(remains.path());
  CHECK(value(after->follower("push")) == Position{1});
  CHECK(keys_of(value(after->push_ledger()->pushes(std::nullopt, {}, 9))) == keys_of({first}));
  CHECK(value(after->push_ledger()->lease(8, noon, noon + 100, 9)).size() == 1);
}
