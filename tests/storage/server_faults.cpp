// The server stops, dies, hangs, drops connections, refuses to write or is full: never a false acknowledgement, nothing
// acknowledged is missing, nothing is twice, and everything goes on by itself. The same for every storage on a server.
#include <unistd.h>

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

/// The account that the storage logs in with may not connect any more, or may again; sessions of it are cut.
void lock_out(support::PrivateServer& server, bool on) {
  if constexpr (is_postgresql) {
    server.sql(std::string("ALTER ROLE loft CONNECTION LIMIT ") + (on ? "0" : "-1"));
  } else {
    server.sql(std::string("ALTER USER loft@'%' ACCOUNT ") + (on ? "LOCK" : "UNLOCK"));
  }
  if (on) server.drop_connections();
}

/// Options that name the same database for another account, which may do everything.
OptionValues other_account(support::PrivateServer& server) {
  server.sql(is_postgresql ? "CREATE ROLE other LOGIN PASSWORD 'o' SUPERUSER"
                           : "CREATE USER other@'%' IDENTIFIED BY 'o'; GRANT ALL ON `loft%`.* TO other@'%'");
  auto values = hasty(server, server.database());
  values["user"] = "other", values["password"] = "o";
  return values;
}

/// What a start says that must fail.
std::string start_of(const OptionValues& values) {
  try {
    const Running running("/nonexistent", values, storage_id);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "it started";
}

/// What looking says that must fail.
std::vector<std::string> looks_of(const OptionValues& values) {
  FakeHost host("storage.under_test", "/nonexistent");
  const auto resting = make(storage_id, host, values);
  const auto schema = resting->schema();
  const auto described = host.commands.at("storage.describe")("");
  return {schema ? "it looked" : schema.error().detail, described ? "it looked" : described.error().detail};
}

}  // namespace

TEST_CASE(LOFT_TEST_ENGINE
          ": a host writes nothing any more when another one had the database meanwhile, even when that has gone",
          "[storage]") {
  Troubled t;
  const auto values = other_account(t.server);
  auto& ledger = *t.store->push_ledger();
  const std::vector owed{a_push(1, 1)}, more{a_push(2, 1)};
  REQUIRE(value(ledger.owe(owed)) == 1);
  lock_out(t.server, true);
  REQUIRE_FALSE(t.sender.say());
  {
    Running other("/nonexistent", values, storage_id);
    lock_out(t.server, false);
    for (int i = 0; i < 2; ++i) {
      REQUIRE_FALSE(t.sender.say());
      is_unavailable(t.sender.error());
    }
    Seq head = 0;
    BatchData batch;
    batch.conversations = {a_group(11)};
    batch.say(cid(11), head, mid(5), uid(1), "{}", a_key(5));
    REQUIRE(other->commit(batch.view()).ok());
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (t.store->health().find("another host has used database loft of ") == std::string::npos) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    REQUIRE_FALSE(t.sender.say());
    is_unavailable(t.sender.error());
  }
  CHECK_THAT(t.store->health(), Contains("pid " + std::to_string(::getpid())) && Contains("restart it"));
  CHECK(logged(t.store.host, "nothing can be stored cause=another host has used database loft"));
  for (int i = 0; i < 3; ++i) REQUIRE_FALSE(t.sender.say());
  CHECK_FALSE(t.store->set_follower("mirror", 1).ok());
  const auto refused = ledger.owe(more);
  REQUIRE_FALSE(refused);
  is_unavailable(refused.error());
  // Reading does no harm, and the database is free for who starts next.
  t.sender.check_log();
  CHECK(value(t.store->log(cid(11), 1, 10, 10, false)).size() == 1);
  CHECK_FALSE(t.store->health().empty());
  Running again("/nonexistent", values, storage_id);
  CHECK(value(again->log(cid(10), 1, everything, 10, false)).size() == t.sender.acknowledged());
  CHECK(value(again->push_ledger()->pushes(std::nullopt, {}, 10)).size() == 1);
  // Who has the store is of the place, not of what is moved.
  CHECK(value(again->all_key_values({}, 10)).empty());
}

TEST_CASE(LOFT_TEST_ENGINE ": a host writes nothing any more when the database under it is an older state of itself",
          "[storage]") {
  Troubled t;
  for (int i = 0; i < 3; ++i) REQUIRE(t.sender.say());
  // What a restored dump of this very start looks like to the host: everything is there but the newest.
  t.server.sql("UPDATE progress SET position = position - 1, applied_upto = applied_upto - 1", t.server.database());
  t.server.drop_connections();
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (t.store->health().find("has lost what was stored in it") == std::string::npos) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    REQUIRE_FALSE(t.sender.say());
    is_unavailable(t.sender.error());
  }
  CHECK_THAT(t.store->health(), Contains("restored from a copy") && Contains("restart it"));
  REQUIRE_FALSE(t.sender.say());
}

TEST_CASE(LOFT_TEST_ENGINE ": a start that may not write says which rights are missing", "[storage]") {
  auto server = new_server();
  auto values = hasty(server, server.database());
  REQUIRE(start_of(values) == "it started");
  server.sql(is_postgresql
                 ? "CREATE ROLE looker LOGIN PASSWORD 'l'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker"
                 : "CREATE USER looker@'%' IDENTIFIED BY 'l'; GRANT SELECT ON `loft%`.* TO looker@'%'",
             is_postgresql ? server.database() : "");
  values["user"] = "looker", values["password"] = "l";
  CHECK_THAT(start_of(values), Contains("database loft of ") && Contains("cannot be written: ") && Contains("GRANT "));
}

TEST_CASE(LOFT_TEST_ENGINE
          ": starts and looks give up a server that hangs, and say which one, how long and by what option",
          "[storage]") {
  auto server = new_server();
  const auto values = hasty(server, server.database());
  REQUIRE(start_of(values) == "it started");
  server.hang();
  auto all_said = looks_of(values);
  all_said.push_back(start_of(values));
  for (const auto& said : all_said) {
    CHECK_THAT(said, Contains("database loft of ") && Contains(" at 127.0.0.1 port " + std::to_string(server.port())) &&
                         Contains("did not answer within " + std::string(is_postgresql ? "2000" : "1000") + " ms") &&
                         Contains("`connect_timeout` of the storage"));
  }
  server.resume();
  CHECK(start_of(values) == "it started");
}

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
  auto& ledger = *t.store->push_ledger();
  t.sender.check_log();
  for (int round = 0; round < 3; ++round) {
    t.server.drop_connections();
    const auto log = t.store->log(cid(10), 1, everything, 100, false);
    CHECK(log.ok());
    REQUIRE(t.sender.say());
    const std::vector owed{a_push(static_cast<std::uint64_t>(round) + 1, 1)};
    CHECK(value(ledger.owe(owed)) == 1);
    CHECK(t.store->health().empty());
    t.server.drop_connections();
    CHECK(value(ledger.push_counts(1000)).owed == static_cast<std::uint64_t>(round) + 1);
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
