// What a start refuses and what it says then; a second host; the schema.
#include "postgresql_store.hpp"

#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;
using Catch::Contains;

namespace {

OptionValues fresh() { return coordinates(postgresql_server(), new_database()); }
std::string database_of(const OptionValues& values) { return std::get<std::string>(values.at("database")); }

}  // namespace

TEST_CASE("postgresql: a start that fails names the server, the database, the role and the remedy", "[storage]") {
  const auto values = fresh();
  const auto says = [&](const OptionValues& wrong) { return postgresql_refusal(with(values, wrong)); };
  const auto port = std::to_string(postgresql_server().port());
  CHECK_THAT(says({{"password", "wrong"}}),
             Contains("database " + database_of(values)) && Contains("port " + port) && Contains("as user loft") &&
                 Contains("password authentication failed") && Contains("correct `password`"));
  CHECK_THAT(says({{"database", "no such one"}}), Contains("CREATE DATABASE \"no such one\" OWNER \"loft\""));
  CHECK_THAT(says({{"port", std::int64_t{1}}}), Contains("port 1 ") && Contains("start the server"));
  CHECK_THAT(says({{"host", "127.0.0.1"}, {"port", std::int64_t{1}}}),
             Contains("127.0.0.1") && Contains("start the server, or correct `host` and `port`"));
  CHECK_THAT(says({{"host", "no-such-name.invalid"}}), Contains("correct `host`"));
  CHECK_THAT(says({{"host", "/nowhere/postgresql"}}),
             Contains("at /nowhere/postgresql port") && Contains("name the folder of its socket in `host`"));
  CHECK_THAT(says({{"user", "no such one"}}), Contains("as user no such one") && Contains("correct `password`"));
  CHECK_THAT(says({{"host", "127.0.0.1"}, {"tls", "require"}}), Contains("set `storage.tls` to prefer or off"));
  CHECK_THAT(says({{"tls", "verify"}}), Contains("option `tls_ca`"));
  CHECK_THAT(says({{"host", ""}}), Contains("option `host`") && Contains("is empty"));
  CHECK_THAT(says({{"host", "one,two"}}), Contains("option `host` of storage.postgresql names several servers"));
  CHECK_THAT(says({{"host", "one:5433"}}), Contains("say the port in `port`"));
  for (const auto* mode : {"off", "prefer", "require"}) {
    CHECK_THAT(says({{"tls", mode}, {"tls_ca", "/a/ca.pem"}}),
               Contains("option `tls_ca` of storage.postgresql is given") && Contains("set `tls: verify`"));
  }
  for (const auto* text : {"wrong", "no such"}) CHECK_THAT(says({{"password", text}}), !Contains("secret"));
}

TEST_CASE("postgresql: a database that is not UTF8 or not Loft's is refused", "[storage]") {
  auto& server = postgresql_server();
  const auto values = fresh();
  server.sql("CREATE TABLE accounts (id BIGINT)", database_of(values));
  CHECK_THAT(postgresql_refusal(values), Contains("holds tables of another program") && Contains("option `database`"));
  server.sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0 OWNER loft");
  CHECK_THAT(postgresql_refusal(with(values, {{"database", "latin"}})), Contains("LATIN1") && Contains("UTF8"));
}

TEST_CASE("postgresql: a role that may not make tables is told how to let it", "[storage]") {
  auto& server = postgresql_server();
  const auto values = fresh();
  server.sql("CREATE ROLE guest LOGIN PASSWORD 'g'");
  const auto text = postgresql_refusal(with(values, {{"user", "guest"}, {"password", "g"}}));
  CHECK_THAT(text, Contains("permission denied") && Contains("GRANT CREATE, USAGE ON SCHEMA public TO \"guest\""));
}

TEST_CASE("postgresql: once the tables are there, a role that may change rows is enough", "[storage]") {
  auto& server = postgresql_server();
  const auto values = fresh();
  REQUIRE(postgresql_refusal(values) == "it started");
  server.sql(
      "CREATE ROLE modest LOGIN PASSWORD 'm'; GRANT USAGE ON SCHEMA public TO modest; "
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO modest",
      database_of(values));
  CHECK(postgresql_refusal(with(values, {{"user", "modest"}, {"password", "m"}})) == "it started");
}

TEST_CASE("postgresql: a second host is refused and told of the first, until that one stops", "[storage]") {
  const auto values = fresh();
  Running first("/nonexistent", values, "storage.postgresql");
  CHECK_THAT(postgresql_refusal(values), Contains("is in use by another host (loft on ") &&
                                             Contains("pid " + std::to_string(::getpid())) &&
                                             Contains("one host owns a store"));
  CHECK(first->last_position().ok());
  first.stop();
  CHECK(postgresql_refusal(values) == "it started");
}

TEST_CASE("postgresql: a newer and an edited schema are refused by name", "[storage]") {
  auto& server = postgresql_server();
  const auto values = fresh();
  const auto sql = [&](const std::string& text) { return server.sql(text, database_of(values)); };
  REQUIRE(postgresql_refusal(values) == "it started");
  const auto sum = sql("SELECT checksum FROM schema_migration WHERE number = 1");
  sql("UPDATE schema_migration SET checksum = 'edited' WHERE number = 1");
  CHECK_THAT(postgresql_refusal(values), Contains("another text of schema migration 1"));
  sql("UPDATE schema_migration SET checksum = '" + sum.substr(0, 16) + "' WHERE number = 1");
  REQUIRE(postgresql_refusal(values) == "it started");
  sql("INSERT INTO schema_migration VALUES (99, 'future', 'x', 0)");
  CHECK_THAT(postgresql_refusal(values), Contains("schema number 99") && Contains("start the newer version"));
}

TEST_CASE("postgresql: behind a pooler a start is refused unless a session of its is a session of the server",
          "[storage]") {
  support::PrivateServer shared("postgresql", {"--pooler", "transaction"});
  auto values = with(coordinates(shared, shared.database()), {{"host", shared.host()}});
  CHECK_THAT(postgresql_refusal(values), Contains("is behind a pooler") && Contains("pool_mode = session"));
  CHECK(shared.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0\n");

  support::PrivateServer apart("postgresql", {"--pooler", "session"});
  values = with(coordinates(apart, apart.database()), {{"host", apart.host()}});
  for (int i = 0; i < 2; ++i) {
    Running running("/nonexistent", values, "storage.postgresql");
    CHECK_THAT(postgresql_refusal(values), Contains("is in use by another host (loft on "));
    CHECK(running->last_position().ok());
  }
}

TEST_CASE("postgresql: TLS with the server's certificate checked", "[storage]") {
  support::PrivateServer server("postgresql", {"--tls"});
  const auto values = with(coordinates(server, server.database()), {{"host", "localhost"}, {"tls", "verify"}});
  CHECK_THAT(postgresql_refusal(with(values, {{"tls_ca", "/nonexistent/ca.pem"}})), Contains("set `storage.tls_ca`"));
  Running running("/nonexistent", with(values, {{"tls_ca", server.ca()}}), "storage.postgresql");
  BatchData batch;
  batch.users = {a_user(1)};
  REQUIRE(running->commit(batch.view()).ok());
  CHECK(server.sql("SELECT bool_and(ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a ON a.pid = s.pid "
                   "WHERE a.application_name LIKE 'loft on%'") == "t\n");
}

TEST_CASE("postgresql: the views show contract 000's columns with the values that SQLite shows", "[storage]") {
  const auto values = fresh();
  Running running("/nonexistent", values, "storage.postgresql");
  BatchData batch;
  batch.users = {a_user(1), a_user(2), a_user(3)};
  batch.conversations = {a_direct(10, 1, 2), a_group(11)};
  const auto joined = [](std::uint64_t conversation, std::uint64_t user) {
    Member member;
    member.conversation = cid(conversation);
    member.user = uid(user);
    return member;
  };
  batch.members = {joined(10, 1), joined(10, 2), joined(11, 1), joined(11, 3)};
  Seq direct = 0, group = 0;
  const std::uint64_t second = 1000ull << 12;  // ids are milliseconds since 2025, shifted
  batch.say(cid(10), direct, mid(second), uid(1), "{}");
  batch.say(cid(10), direct, mid(2 * second), uid(1), "{}");
  batch.say(cid(11), group, mid(3 * second), uid(1), "{}");
  batch.marks = {{uid(2), cid(10), "read", R"({"newest":1,"reached":1,"set":[[1,1,1750000000000]]})"},
                 {uid(2), cid(10), "other", std::string("\xff\0{", 3)}};
  REQUIRE(running->commit(batch.view()).ok());
  const auto sql = [&](const std::string& text) { return postgresql_server().sql(text, database_of(values)); };
  CHECK(sql("SELECT user_id, message_id, conversation_id, created_at, synced, synced_at FROM offline_message_index "
            "ORDER BY id, user_id") ==
        "user2|4096000|user1_user2|2025-01-01 00:00:01|1|2025-06-15 15:06:40\n"
        "user2|8192000|user1_user2|2025-01-01 00:00:02|0|\n"
        "user3|12288000|group_11|2025-01-01 00:00:03|0|\n");
  CHECK(sql("SELECT user_id, conversation_id, name, low, high, at FROM mark_run") == "2|10|read|1|1|1750000000000\n");
}
