// Unclean stops, damage, and disks that are full.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "life.hpp"
#include "plugin_under_test.hpp"
#include "raw.hpp"

#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;
using Catch::Contains;

namespace {

/// A copy of a running store's files is what a crash would have left.
void crash_copy(const TemporaryDirectory& from, const TemporaryDirectory& to) {
  for (const auto* suffix : {"", "-wal"}) {
    const auto name = std::string("/loft.db") + suffix;
    std::filesystem::copy_file(from.path() + name, to.path() + name);
  }
}

void say(Storage& storage, Seq& head, std::uint64_t id, const std::string& text = "{}", std::size_t count = 1) {
  BatchData batch;
  if (head == 0) batch.conversations = {a_group(10)};
  for (std::size_t i = 0; i < count; ++i) batch.say(cid(10), head, mid(id + i), uid(1), text, a_key(id + i));
  const auto done = storage.commit(batch.view());
  REQUIRE(done.ok());
  REQUIRE(done->empty());
}

std::string settled_health(Storage& storage) {
  auto health = storage.health();
  while (health == "checking") {
    std::this_thread::yield();
    health = storage.health();
  }
  return health;
}

/// Lowers the size a file of this process may have; writes beyond fail as they do on a full disk.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit now{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

}  // namespace

TEST_CASE("sqlite: an ordered stop needs no check and leaves one file", "[storage]") {
  const TemporaryDirectory directory;
  Seq head = 0;
  {
    Running first(directory.path());
    say(*first.storage, head, 100);
  }
  CHECK_FALSE(std::filesystem::exists(directory.path() + "/loft.db-wal"));
  Running second(directory.path());
  CHECK(logged(second.host, "clean=true"));
  CHECK(second->health().empty());
}

TEST_CASE("sqlite: after a crash the log is recovered and the database checked in the background", "[storage]") {
  const TemporaryDirectory running, crashed;
  Seq head = 0;
  Running first(running.path());
  say(*first.storage, head, 100, "{}", 50);
  crash_copy(running, crashed);

  Running second(crashed.path());
  CHECK(value(second->log(cid(10), 1, everything, 100, false)).size() == 50);
  CHECK(settled_health(*second.storage).empty());
  second.stop();
  CHECK(logged(second.host, "clean=false"));
  CHECK(logged(second.host, "found nothing wrong"));
  Running third(crashed.path());
  CHECK(logged(third.host, "clean=true"));
}

TEST_CASE("sqlite: a head that contradicts the log is refused with the conversation, not mended", "[storage]") {
  const TemporaryDirectory directory;
  Seq head = 0;
  {
    Running first(directory.path());
    say(*first.storage, head, 100, "{}", 5);
  }
  const auto path = directory.path() + "/loft.db";
  Raw(path).run(
      "UPDATE conversation SET head = 4, last_id = 103 WHERE id = 10; UPDATE meta SET value = 'no' WHERE name = "
      "'closed'");
  const auto text = refusal(directory.path());
  CHECK_THAT(text,
             Contains("conversation 10") && Contains(path) && Contains("seq 4, id 103") && Contains("seq 5, id 104"));
  CHECK(Raw(path).run("SELECT head FROM conversation") == "4");
}

TEST_CASE("sqlite: damage is found by the check and shown in health and log", "[storage]") {
  const TemporaryDirectory directory;
  Seq head = 0;
  {
    Running first(directory.path());
    say(*first.storage, head, 100, std::string(900, 'x'), 500);
  }
  const auto path = directory.path() + "/loft.db";
  std::string page;
  {
    Raw raw(path);
    raw.run("UPDATE meta SET value = 'no' WHERE name = 'closed'; PRAGMA wal_checkpoint(TRUNCATE)");
    page = raw.run("SELECT rootpage FROM sqlite_schema WHERE name = 'client_message_key'");
  }
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((std::stol(page) - 1) * 4096);
    file << std::string(4096, '\xA5');
  }
  Running second(directory.path());
  CHECK_THAT(settled_health(*second.storage), Contains("damaged: ") && Contains("client_message"));
  CHECK(logged(second.host, "the database is damaged"));
  second.stop();
  CHECK(Raw(path).run("SELECT value FROM meta WHERE name = 'closed'") == "no");
}

TEST_CASE("sqlite: a full disk answers unavailable, stores nothing by halves, and recovers", "[storage]") {
  const TemporaryDirectory directory;
  Seq head = 0;
  Running running(directory.path());
  say(*running.storage, head, 100);
  BatchData large;
  Seq next = head;
  for (std::uint64_t i = 0; i < 20; ++i)
    large.say(cid(10), next, mid(200 + i), uid(1), std::string(50'000, 'x'), a_key(200 + i), "Acme:Big");
  {
    const SmallDisk disk(std::filesystem::file_size(directory.path() + "/loft.db-wal") + 100'000);
    for (int i = 0; i < 3; ++i) {
      const auto done = running->commit(large.view());
      REQUIRE_FALSE(done.ok());
      CHECK(done.error().code == Code::unavailable);
      CHECK(done.error().reason == "storage.unavailable");
      CHECK_THAT(running->health(), Contains("unavailable"));
      CHECK(value(running->log(cid(10), 1, everything, 100, false)).size() == 1);
    }
  }
  CHECK(logged(running.host, "nothing can be stored cause="));
  const auto done = running->commit(large.view());
  REQUIRE(done.ok());
  CHECK(done->empty());
  CHECK(running->health().empty());
  CHECK(logged(running.host, "works again"));
  CHECK(value(running->log(cid(10), 1, everything, 100, false)).size() == 21);
  running.stop();
  CHECK(Raw(directory.path() + "/loft.db").run("PRAGMA integrity_check") == "ok");
}

TEST_CASE("sqlite: when all readers are taken a read is answered busy after the timeout", "[storage]") {
  const TemporaryDirectory directory;
  Running running(directory.path(), {{"readers", std::int64_t{1}}, {"busy_timeout", std::int64_t{1}}});
  Seq head = 0;
  say(*running.storage, head, 100, std::string(2000, 'x'), 3000);
  std::atomic<bool> done{false};
  std::atomic<unsigned> busy{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!done) {
        const auto log = running->log(cid(10), 1, everything, 10'000, false);
        if (!log && log.error().reason == "storage.busy" && log.error().code == Code::unavailable) {
          ++busy;
          done = true;
        } else if (!log || log->size() != 3000) {
          ++wrong;
          done = true;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(busy > 0);
  CHECK(wrong == 0);
}

TEST_CASE("sqlite: before the start and after the stop every call is answered unavailable", "[storage]") {
  const TemporaryDirectory directory;
  FakeHost host("storage.under_test", directory.path());
  const auto storage = make("storage.sqlite", host);
  check_unavailable_but_between_start_and_stop(*storage, host);
}
