// What befalls a server of PostgreSQL only, besides server_faults.cpp.
#include "faults.hpp"
#include "postgresql_store.hpp"

using namespace storage_test;
using Catch::Contains;

namespace {

/// Somebody else's transaction, run as administrator: it waits, with the locks of `first`, until our storage waits for
/// one of them, and then does `second`. It never gives way itself.
std::string rival(const std::string& first, const std::string& second) {
  return "SET deadlock_timeout = '1h'; BEGIN; " + first +
         "; DO $$ BEGIN LOOP EXIT WHEN EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted); END LOOP; END $$; " + second +
         "; COMMIT";
}

/// A trigger by which the server refuses the next `times` messages with a SQLSTATE. The count outlives rollbacks.
void fail_messages(support::PrivateServer& server, const std::string& sqlstate, int times) {
  server.sql(
      "CREATE SEQUENCE IF NOT EXISTS public.trouble; ALTER SEQUENCE trouble RESTART; "
      "GRANT USAGE ON SEQUENCE trouble TO loft; "
      "CREATE OR REPLACE FUNCTION make_trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "IF nextval('trouble') <= " +
      std::to_string(times) + " THEN RAISE EXCEPTION 'trouble' USING ERRCODE = '" + sqlstate +
      "'; END IF; RETURN NEW; END $$; "
      "CREATE OR REPLACE TRIGGER trouble BEFORE INSERT ON message EXECUTE FUNCTION make_trouble()");
}

}  // namespace

TEST_CASE("postgresql: serialization failures and deadlocks are repeated, in order and without a gap", "[storage]") {
  Troubled t;
  for (const auto* state : {"40001", "40P01"}) {
    fail_messages(t.server, state, 3);
    REQUIRE(t.sender.say());
    REQUIRE(t.sender.say(5));
  }
  CHECK(t.store->health().empty());
  // One that does not end is given up, and nothing of it was stored.
  fail_messages(t.server, "40001", 1'000'000);
  REQUIRE_FALSE(t.sender.say());
  is_unavailable(t.sender.error());
  CHECK_THAT(t.store->health(), Contains("trouble"));
  t.sender.check_log();
  t.server.sql("DROP TRIGGER trouble ON message");
  REQUIRE(t.sender.say());
  t.sender.check_log();
}

TEST_CASE("postgresql: the victim of a real deadlock and of a real serialization failure tries again", "[storage]") {
  Troubled t({"--set", "deadlock_timeout=20ms"}, {{"statement_timeout", std::int64_t{10'000}}});
  const auto beside = [&](const std::string& first, const std::string& second, const auto& act) {
    std::atomic<bool> done{false};
    std::thread other([&] {
      t.server.sql(rival(first, second), t.server.database());
      done = true;
    });
    while (!done) act();
    other.join();
  };
  // The writer holds the conversation and wants the progress; somebody else holds that and comes for the conversation.
  beside("UPDATE progress SET applied_upto = applied_upto", "UPDATE conversation SET head = head WHERE id = 10",
         [&] { REQUIRE(t.sender.say()); });
  CHECK(t.server.sql("SELECT pg_sleep(0); SELECT deadlocks FROM pg_stat_database WHERE datname = 'loft'") != "");
  t.sender.check_log();
  // Whatever the server's default is, a row that somebody else has just changed is no reason to refuse.
  t.server.sql("ALTER ROLE loft SET default_transaction_isolation = 'serializable'");
  t.server.drop_connections();
  while (!t.store->set_follower("mirror", 1)) continue;
  Position position = 1;
  beside("UPDATE follower SET position = position", "SELECT 1", [&] {
    REQUIRE(t.store->set_follower("mirror", ++position));
    REQUIRE(t.sender.say());
  });
  CHECK(value(t.store->follower("mirror")) == position);
  t.sender.check_log();
}

TEST_CASE("postgresql: a statement that waits too long is given up by the server", "[storage]") {
  Troubled t({}, {{"statement_timeout", std::int64_t{200}}});
  std::thread locker([&] {
    t.server.sql("BEGIN; LOCK TABLE message IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT",
                 t.server.database());
  });
  while (t.sender.say()) continue;  // until the lock is there
  is_unavailable(t.sender.error());
  CHECK_THAT(t.store->health(), Contains("statement timeout"));
  locker.join();
  t.sender.say_at_last();
  t.sender.check_log();
}
