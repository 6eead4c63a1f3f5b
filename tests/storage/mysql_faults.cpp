// What befalls a server of MariaDB only, besides server_faults.cpp.
#include <common/migration.hpp>

#include "faults.hpp"
#include "mysql_server.hpp"

using namespace storage_test;
using Catch::Contains;

namespace {

/// In a transaction that has changed far more rows than our writer: the server takes the other one for its victim.
void become_heavy(RawMysql& rival) {
  rival.run("CREATE TABLE IF NOT EXISTS heavy (n BIGINT PRIMARY KEY)");
  rival.run("BEGIN");
  rival.run("INSERT INTO heavy SELECT seq FROM seq_1_to_2000");
}

/// Ends without one after a minute: then the case has failed already.
void wait_for_a_waiter() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  // Not innodb_trx: who reads that more often than ten times a second reads what it was at first.
  while (mariadb().sql("SELECT variable_value FROM information_schema.global_status "
                       "WHERE variable_name = 'innodb_row_lock_current_waits'") == "0\n" &&
         std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
}

/// Every connection is a new one, also the writer's: how long the server keeps the old one's lock is its own affair.
void connect_anew(Storage& storage) {
  mariadb().drop_connections();
  while (!storage.forget_client_keys(1, 1)) std::this_thread::yield();
}

}  // namespace

TEST_CASE("mysql: a host whose lock somebody else took meanwhile does not write beside it", "[storage]") {
  const auto name = new_mysql_database();
  Running store("/nonexistent", hasty(mariadb(), name), "storage.mysql");
  Sender sender(*store.storage);
  REQUIRE(sender.say());
  const auto lock = "'loft." + loft::storage::checksum(name) + "'";
  {
    RawMysql thief(name);
    const auto holder = thief.run("SELECT IS_USED_LOCK(" + lock + ")");
    thief.run("KILL " + holder);
    REQUIRE(thief.run("SELECT GET_LOCK(" + lock + ", 60)") == "1");
    REQUIRE_FALSE(sender.say());
    is_unavailable(sender.error());
    CHECK_THAT(store->health(), Contains("in use by another host"));
    CHECK(thief.run("SELECT count(*) FROM message") == "1");
  }
  sender.say_at_last();
  sender.check_log();
}

TEST_CASE("mysql: tables that may not grow make commits unavailable, and go on when others have left them room",
          "[storage]") {
  // All tables in one file that has an end.
  Troubled t({"--set", "innodb-file-per-table=0", "--set", "innodb-data-file-path=ibdata1:12M:autoextend:max:32M"}, {},
             3000);
  t.server.sql("CREATE TABLE filler (n BIGINT PRIMARY KEY, words VARCHAR(4000))");
  t.server.sql("INSERT INTO filler SELECT seq, REPEAT('x', 4000) FROM seq_1_to_1500");
  while (t.sender.acknowledged() < 20'000 && t.sender.say(10)) continue;
  REQUIRE(t.sender.acknowledged() < 20'000);
  is_unavailable(t.sender.error());
  CHECK_THAT(t.store->health(), Contains("full"));
  t.sender.check_log();
  t.server.sql("DROP TABLE filler");
  t.sender.say_at_last(10);
  for (int i = 0; i < 10; ++i) REQUIRE(t.sender.say(10));
  t.sender.check_log();
  CHECK(t.store->health().empty());
}

TEST_CASE("mysql: a lock that somebody else holds for long is waited for and given up, then all goes on", "[storage]") {
  const auto name = new_mysql_database();
  Running store("/nonexistent", hasty(mariadb(), name), "storage.mysql");
  Sender sender(*store.storage);
  REQUIRE(sender.say());
  RawMysql other(name);
  other.run("BEGIN");
  other.run("SELECT * FROM conversation WHERE id = 10 FOR UPDATE");
  REQUIRE_FALSE(sender.say());
  is_unavailable(sender.error());
  other.run("ROLLBACK");
  REQUIRE(sender.say());
  sender.check_log();
}

TEST_CASE("mysql: the victim of a deadlock tries again", "[storage]") {
  const auto name = new_mysql_database();
  Running store("/nonexistent", mysql_options(name), "storage.mysql");
  Sender sender(*store.storage);
  REQUIRE(sender.say());
  for (int round = 0; round < 3; ++round) {
    // The writer holds the conversation and wants the progress; somebody else holds that and comes for the
    // conversation.
    RawMysql other(name);
    become_heavy(other);
    other.run("UPDATE progress SET applied_upto = applied_upto WHERE id = 1");
    std::thread rival([&] {
      wait_for_a_waiter();
      CHECK_NOTHROW(other.run("SELECT * FROM conversation WHERE id = 10 FOR UPDATE"));
      other.run("ROLLBACK");
    });
    CHECK(sender.say());
    rival.join();
  }
  sender.check_log();
  CHECK(store->health().empty());
}

TEST_CASE("mysql: a row that changed since the transaction began is no reason to refuse", "[storage]") {
  // With this setting, which newer servers have by default, error 1020 says so.
  const auto name = new_mysql_database();
  mariadb().sql("SET GLOBAL innodb_snapshot_isolation = 1");
  Running store("/nonexistent", mysql_options(name), "storage.mysql");
  Sender sender(*store.storage);
  REQUIRE(sender.say());
  for (int round = 0; round < 3; ++round) {
    // A new connection looks domains up, inside of the transaction: from then on it has a state that can be old.
    connect_anew(*store.storage);
    RawMysql other(name);
    other.run("BEGIN");
    other.run("UPDATE progress SET applied_upto = applied_upto + 1 WHERE id = 1");
    std::thread rival([&] {
      wait_for_a_waiter();
      other.run("COMMIT");
    });
    CHECK(sender.say());
    rival.join();
  }
  mariadb().sql("SET GLOBAL innodb_snapshot_isolation = 0");
  sender.check_log();
  CHECK(store->health().empty());
}

TEST_CASE("mysql: the writer's session is used before the server takes it for that of a host that has vanished",
          "[storage]") {
  const auto name = new_mysql_database();
  Running store("/nonexistent", mysql_options(name), "storage.mysql");
  Sender sender(*store.storage);
  REQUIRE(sender.say());
  const auto lock = "'loft." + loft::storage::checksum(name) + "'";
  RawMysql watch(name);
  const auto session = watch.run("SELECT IS_USED_LOCK(" + lock + ")");
  const auto idle = [&] {
    const auto seconds =
        watch.run("SELECT time FROM information_schema.processlist WHERE command = 'Sleep' AND id = " + session);
    return seconds.empty() ? 0 : std::stoi(seconds);
  };
  // It is ended after 60; nobody but the storage itself uses it here.
  int longest = 0;
  for (int now = idle(); now >= longest; now = idle()) {
    longest = now;
    REQUIRE(longest < 55);
    watch.run("DO SLEEP(0.1)");  // who asks all the time slows down what is waited for
  }
  CHECK(watch.run("SELECT IS_USED_LOCK(" + lock + ")") == session);
  REQUIRE(sender.say());
  CHECK(watch.run("SELECT IS_USED_LOCK(" + lock + ")") == session);
}
