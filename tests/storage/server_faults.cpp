// The server stops, dies, hangs, drops connections, refuses to write or is full: never a false acknowledgement, nothing
// acknowledged is missing, nothing is twice, and everything goes on by itself. The same for every storage on a server.
#include <atomic>
#include <chrono>

#include "faults.hpp"
#include "life.hpp"

using namespace storage_test;
using Catch::Contains;

namespace {

void set_read_only(support::PrivateServer& server, bool on) {
  if constexpr (is_postgresql) {
    // As after a failover: the sessions end, and who comes again finds a server that only reads.
    server.sql(std::string("ALTER DATABASE loft SET default_transaction_read_only = ") + (on ? "on" : "off"),
               "postgres");
    server.drop_connections();
  } else {
    server.sql(std::string("SET GLOBAL read_only = ") + (on ? "1" : "0"));
  }
}

}  // namespace

TEST_CASE(LOFT_TEST_ENGINE ": while the server is down calls are unavailable and health says why, then all goes on",
          "[storage]") {
  Troubled t;
  t.sender.check_log();
  t.server.stop();
  for (int i = 0; i < 3; ++i) {
    REQUIRE_FALSE(t.sender.say());
    is_unavailable(t.sender.error());
    is_unavailable(t.store->log(cid(10), 1, 10, 10, false).error());
    CHECK_THAT(t.store->health(), Contains("unavailable: "));
  }
  CHECK(logged(t.store.host, "nothing can be stored cause="));
  t.server.start();
  t.sender.say_at_last();
  t.sender.check_log();
  CHECK(t.store->health().empty());
  CHECK(logged(t.store.host, "the storage works again"));
}

TEST_CASE(LOFT_TEST_ENGINE ": nothing acknowledged is missing or twice when the server is killed during commits",
          "[storage]") {
  Troubled t;
  std::atomic<std::size_t> acknowledged{0};
  constexpr std::size_t rounds = 3, each_round = 20;
  std::thread killer([&] {
    for (std::size_t round = 1; round <= rounds; ++round) {
      while (acknowledged < round * each_round) std::this_thread::yield();
      t.server.kill();
      t.server.start();
    }
  });
  while (acknowledged < (rounds + 1) * each_round) {
    t.sender.say_at_last();
    acknowledged = t.sender.acknowledged();
  }
  killer.join();
  t.sender.say_at_last();
  t.sender.check_log();
}

TEST_CASE(LOFT_TEST_ENGINE ": nothing acknowledged is missing or twice when connections are dropped during commits",
          "[storage]") {
  Troubled t;
  std::atomic<bool> done{false};
  std::thread dropper([&] {
    for (int i = 0; i < 10; ++i) t.server.drop_connections();
    done = true;
  });
  while (!done) t.sender.say_at_last(3);
  dropper.join();
  t.sender.say_at_last();
  t.sender.check_log();
}

TEST_CASE(LOFT_TEST_ENGINE ": health tells of a server that went away, and of its return, without a call",
          "[storage]") {
  Troubled t;
  CHECK(t.store->health().empty());
  t.server.stop();
  while (t.store->health().empty()) std::this_thread::yield();
  CHECK_THAT(t.store->health(), Contains("unavailable: "));
  t.server.start();
  while (!t.store->health().empty()) std::this_thread::yield();
  REQUIRE(t.sender.say());
  t.sender.check_log();
}

TEST_CASE(LOFT_TEST_ENGINE ": connections that are dropped while nobody uses them are replaced without a word",
          "[storage]") {
  Troubled t;
  t.sender.check_log();
  for (int round = 0; round < 3; ++round) {
    t.server.drop_connections();
    const auto log = t.store->log(cid(10), 1, everything, 100, false);
    CHECK(log.ok());
    REQUIRE(t.sender.say());
    CHECK(t.store->health().empty());
  }
  t.sender.check_log();
}

TEST_CASE(LOFT_TEST_ENGINE ": a server that hangs is given up in time, and what it does later is not stored twice",
          "[storage]") {
  Troubled t;
  for (int i = 0; i < 5; ++i) REQUIRE(t.sender.say());
  t.sender.check_log();
  t.server.hang();
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE_FALSE(t.sender.say());
  is_unavailable(t.sender.error());
  is_unavailable(t.store->log(cid(10), 1, 10, 10, false).error());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
  CHECK_THAT(t.store->health(), Contains("unavailable: "));
  t.server.resume();
  t.sender.say_at_last();
  t.sender.check_log();
}

TEST_CASE(LOFT_TEST_ENGINE ": a server that became read-only makes commits unavailable, reads go on", "[storage]") {
  Troubled t;
  set_read_only(t.server, true);
  do {
    REQUIRE_FALSE(t.sender.say());
    is_unavailable(t.sender.error());
  } while (t.store->health().find("read-only") == std::string::npos);
  t.sender.check_log();
  CHECK_THAT(t.store->health(), Contains("read-only"));
  set_read_only(t.server, false);
  t.sender.say_at_last();
  t.sender.check_log();
  CHECK(t.store->health().empty());
}

TEST_CASE(LOFT_TEST_ENGINE ": a full disk makes commits unavailable, reads go on, and room is found by itself",
          "[storage]") {
  // Small enough that InnoDB keeps them inside of its pages: of larger ones it dies on a full disk.
  Troubled t({"--disk", "small"}, {}, 3000);
  t.server.fill();
  while (t.sender.acknowledged() < 20'000 && t.sender.say(10)) continue;
  REQUIRE(t.sender.acknowledged() < 20'000);
  for (int i = 0; i < 3; ++i) {
    REQUIRE_FALSE(t.sender.say(10));
    is_unavailable(t.sender.error());
    CHECK_THAT(t.store->health(), Contains("unavailable: "));
  }
  t.sender.check_log();
  t.server.make_room();
  t.sender.say_at_last(10);
  for (int i = 0; i < 20; ++i) REQUIRE(t.sender.say(10));
  t.sender.check_log();
  CHECK(t.store->health().empty());
}

TEST_CASE(LOFT_TEST_ENGINE ": before the start and after the stop every call is answered unavailable", "[storage]") {
  auto server = new_server();
  FakeHost host("storage.under_test", "/nonexistent");
  const auto storage = make(storage_id, host, hasty(server, server.database()));
  check_unavailable_but_between_start_and_stop(*storage, host);
}
