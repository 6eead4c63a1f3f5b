// What a start of storage.mysql accepts, what it refuses, and what it says then.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mysql_server.hpp"

#include <loft/testing/storage/fixture.hpp>
#include <loft/testing/storage/push_fixture.hpp>
#include <loft/testing/storage/turn_cases.hpp>

using namespace storage_test;
using namespace loft::testing::storage;
using Catch::Contains;

namespace {

std::string refused(OptionValues values, const OptionValues& other = {}) {
  for (const auto& [name, value] : other) values[name] = value;
  try {
    const Running running("/nonexistent", values, "storage.mysql");
  } catch (const std::exception& e) {
    return e.what();
  }
  return "it started";
}

/// Everything that writes, with the last of the storage's writers and the push ledger too.
void check_all_writes(Storage& storage) {
  BatchData batch;
  batch.users = {a_user(1), a_user(2)};
  batch.conversations = {a_group(10)};
  batch.members = {{cid(10), uid(1), Role::owner, 900, 0, 0, false}, {cid(10), uid(2), Role::member, 900, 0, 0, false}};
  batch.marks = {{uid(1), cid(10), "read", "{}"}};
  Seq head = 0;
  for (std::uint64_t id = 100; id < 110; ++id) batch.say(cid(10), head, mid(id), uid(1), "{}", a_key(id));
  const auto done = storage.commit(batch.view());
  INFO(storage.health());
  REQUIRE(done.ok());
  BatchData more;
  for (std::uint64_t id = 110; id < 113; ++id) more.say(cid(10), head, mid(id), uid(2), "{}", a_key(id));
  more.recalls = {{mid(101), 111, uid(1)}};
  ReadyTurn turn;
  REQUIRE(value(storage.commit_in_turn(storage.writers() - 1, more.view(), turn)).empty());
  CHECK(value(storage.forget_client_keys(105, 3)) == 3);
  CHECK(value(storage.forget_messages(cid(10), 4, 10)) == 4);
  CHECK(storage.set_follower("mirror", 112).ok());
  CHECK(value(storage.count_foreign(cid(10), 1, 13, uid(2))) == 6);
  auto& ledger = *storage.push_ledger();
  const std::vector owed{a_push(112, 1)};
  CHECK(value(ledger.owe(owed)) == 1);
  const auto leased = value(ledger.lease(7, noon + 1, noon + 1000, 10));
  REQUIRE(leased.size() == 1);
  const std::vector ends{ended(leased[0], PushState::delivered, noon + 2)};
  CHECK(value(ledger.settle(7, {ends, {}, {}})) == 1);
  CHECK(value(ledger.forget_pushes(noon + 3, 10)) == 1);
  CHECK(storage.health().empty());
}

}  // namespace

TEST_CASE("mysql: a start that cannot connect names host, port, user, database and what helps", "[storage]") {
  const auto options = mysql_options(mariadb().database());
  const auto port = std::to_string(mariadb().port());
  const auto wrong = refused(options, {{"password", std::string("not this one")}});
  CHECK_THAT(wrong, Contains("database loft of MySQL at 127.0.0.1 port " + port + " as user loft cannot be reached"));
  CHECK_THAT(wrong, Contains("correct `user` and `password`"));
  CHECK_THAT(wrong, !Contains("not this one"));
  CHECK_THAT(refused(options, {{"database", std::string("loft_none")}}), Contains("CREATE DATABASE `loft_none`"));
  CHECK_THAT(refused(options, {{"database", std::string("mysql")}}), Contains("GRANT ALL ON `mysql`.*"));
  CHECK_THAT(refused(options, {{"port", std::int64_t{1}}}), Contains("start the server, or correct `host` and `port`"));
  CHECK_THAT(refused(options, {{"host", std::string("/nowhere/socket")}}),
             Contains("at /nowhere/socket as user") && Contains("name its socket"));
  CHECK_THAT(refused(options, {{"host", std::string("no.such.host.invalid")}}), Contains("correct `host`"));
  CHECK_THAT(refused(options, {{"tls", std::string("require")}}), Contains("set `storage.tls` to prefer or off"));
  CHECK_THAT(refused(options, {{"user", std::string("nobody")}}),
             Contains("as user nobody") && Contains("CREATE USER"));
}

TEST_CASE("mysql: an account that may not make tables is told how to let it; any character set will do", "[storage]") {
  const auto name = new_mysql_database();
  auto options = mysql_options(name);
  mariadb().sql("CREATE USER guest@'%' IDENTIFIED BY 'g'; GRANT SELECT ON `" + name + "`.* TO guest@'%'");
  const OptionValues guest{{"user", std::string("guest")}, {"password", std::string("g")}};
  CHECK_THAT(refused(options, guest), Contains("denied") && Contains("GRANT ALL ON `" + name + "`.* TO 'guest'"));
  mariadb().sql("ALTER DATABASE `" + name + "` CHARACTER SET latin1");
  Running running("/nonexistent", options, "storage.mysql");
  BatchData batch;
  batch.users = {a_user(1)};
  batch.users[0].handle = "名字 😀";
  REQUIRE(running->commit(batch.view()).ok());
  CHECK(value(running->user_by_handle("名字 😀"))->handle == "名字 😀");
}

TEST_CASE("mysql: once the tables are there, an account that may change rows is enough", "[storage]") {
  const auto name = new_mysql_database();
  const auto options = mysql_options(name);
  REQUIRE(refused(options) == "it started");
  mariadb().sql("CREATE USER modest@'%' IDENTIFIED BY 'm'; GRANT SELECT, INSERT, UPDATE, DELETE ON `" + name +
                "`.* TO modest@'%'");
  CHECK(refused(options, {{"user", std::string("modest")}, {"password", std::string("m")}}) == "it started");
}

TEST_CASE("mysql: options that make no sense are told before anybody connects", "[storage]") {
  const auto options = mysql_options(mariadb().database());
  CHECK_THAT(refused(options, {{"host", std::string()}}), Contains("`host` of storage.mysql is empty"));
  CHECK_THAT(refused(options, {{"tls", std::string("verify")}}), Contains("`tls_ca` of storage.mysql is empty"));
  CHECK_THAT(refused(options, {{"user", std::string("a\0b", 3)}}), Contains("zero character"));
  CHECK_THAT(refused(options, {{"host", std::string("one,two")}}), Contains("`host` of storage.mysql names several"));
  CHECK_THAT(refused(options, {{"host", std::string("one:3307")}}), Contains("say the port in `port`"));
  CHECK_THAT(refused(options, {{"tls", std::string("require")}, {"tls_ca", std::string("/a/ca.pem")}}),
             Contains("`tls_ca` of storage.mysql") && Contains("set `tls: verify`"));
}

TEST_CASE("mysql: a socket and the folder of it are hosts", "[storage]") {
  auto options = mysql_options(new_mysql_database());
  options["host"] = mariadb().socket();
  CHECK(refused(options) == "it started");
  options["host"] = mariadb().socket().substr(0, mariadb().socket().rfind('/'));
  CHECK(refused(options) == "it started");
}

TEST_CASE("mysql: a second host is refused while the first one runs, and told who has the database", "[storage]") {
  const auto options = mysql_options(new_mysql_database());
  Running first("/nonexistent", options, "storage.mysql");
  const auto why = refused(options);
  CHECK_THAT(why, Contains("is in use by another host (connection ") && Contains("of loft from 127.0.0.1"));
  CHECK_THAT(why, Contains("stop the other one, or use another `database`"));
  Running beside("/nonexistent", mysql_options(new_mysql_database()), "storage.mysql");
  first.stop();
  CHECK(refused(options) == "it started");
}

TEST_CASE("mysql: where letters of both cases are one, a second host is refused however it writes the name",
          "[storage]") {
  support::PrivateServer server("mariadb", {"--set", "lower_case_table_names=1"});
  Running first("/nonexistent", mysql_options("loft", server), "storage.mysql");
  CHECK_THAT(refused(mysql_options("LOFT", server)), Contains("is in use by another host"));
  first.stop();
  CHECK(refused(mysql_options("LOFT", server)) == "it started");
}

TEST_CASE("mysql: an address that does not answer is told as a time-out of the connection", "[storage]") {
  // What listens and has no room for one more connection leaves it unanswered, as an address does where nobody is.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET, address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  std::vector<int> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(waiting.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  const auto options = mysql_options("loft");
  const OptionValues nowhere{{"port", std::int64_t{ntohs(address.sin_port)}}, {"connect_timeout", std::int64_t{1000}}};
  CHECK_THAT(refused(options, nowhere), Contains("did not answer within 1000 ms, which `connect_timeout` of the") &&
                                            !Contains("progress") && !Contains("(11"));
  for (const int one : waiting) ::close(one);
  ::close(listener);
}

TEST_CASE("mysql: a database of another program, of a newer Loft or with an edited schema is refused", "[storage]") {
  const auto foreign = new_mysql_database();
  RawMysql(foreign).run("CREATE TABLE theirs (id BIGINT PRIMARY KEY)");
  CHECK_THAT(refused(mysql_options(foreign)), Contains("tables of another program") && Contains("`database`"));

  const auto name = new_mysql_database();
  CHECK(refused(mysql_options(name)) == "it started");
  RawMysql raw(name);
  const auto checksum = raw.run("SELECT checksum FROM schema_migration WHERE number = 1");
  raw.run("UPDATE schema_migration SET checksum = 'edited' WHERE number = 1");
  CHECK_THAT(refused(mysql_options(name)), Contains("another text of schema migration 1"));
  raw.run("UPDATE schema_migration SET checksum = '" + checksum + "' WHERE number = 1");
  raw.run("INSERT INTO schema_migration VALUES (77, 'future', 'x', 0)");
  CHECK_THAT(refused(mysql_options(name)), Contains("has schema number 77"));
}

TEST_CASE("mysql: a first start that was cut short is taken up by the next one", "[storage]") {
  const auto name = new_mysql_database();
  CHECK(refused(mysql_options(name)) == "it started");
  {
    // As the second statement of several had left it.
    RawMysql raw(name);
    raw.run("DELETE FROM schema_migration");
    raw.run("DROP VIEW offline_message_index");
    raw.run("DROP TABLE \"change\"");
  }
  Running again("/nonexistent", mysql_options(name), "storage.mysql");
  CHECK(logged(again.host, "migrations_applied=2"));
  CHECK(value(again->last_position()) == 0);
  CHECK(value(again->changes(cid(1), 0, 10)).empty());
}

TEST_CASE("mysql: a server that could not take a message of 16 MiB, or none at all, is refused", "[storage]") {
  const auto options = mysql_options(new_mysql_database());
  mariadb().sql("SET GLOBAL max_allowed_packet = 16777216");
  CHECK_THAT(refused(options), Contains("max_allowed_packet = 64M"));
  mariadb().sql("SET GLOBAL max_allowed_packet = 67108864; SET GLOBAL read_only = 1");
  CHECK_THAT(refused(options), Contains("is read-only"));
  mariadb().sql("SET GLOBAL read_only = 0; SET GLOBAL innodb_flush_log_at_trx_commit = 2");
  {
    Running risky("/nonexistent", options, "storage.mysql");
    CHECK(logged(risky.host, "innodb_flush_log_at_trx_commit other than 1"));
  }
  mariadb().sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
  CHECK(refused(options) == "it started");
}

TEST_CASE("mysql: what a server sets for every session changes neither texts nor what is read", "[storage]") {
  for (const std::string set : {"SET NAMES latin1", "SET NAMES utf8", "SET sql_select_limit = 1"}) {
    INFO(set);
    // Of a server of its own, for accounts that are not the operator's.
    support::PrivateServer server("mariadb", {"--set", "character-set-client-handshake=0"});
    server.create_database("loft_texts");
    server.sql("SET GLOBAL init_connect = '" + set + "'");
    const auto options = mysql_options("loft_texts", server);
    const std::string handle = "gr\u00FC\u00DFe\U0001F600";
    {
      Running running("/nonexistent", options, "storage.mysql");
      BatchData batch;
      batch.users = {a_user(3), a_user(4)};
      batch.users[0].handle = handle;
      REQUIRE(value(running->commit(batch.view())).empty());
    }
    // As somebody reads it who is not misled.
    Running again("/nonexistent", options, "storage.mysql");
    const auto found = value(again->user_by_handle(handle));
    REQUIRE(found);
    CHECK(found->handle == handle);
    CHECK(value(again->users(UserId::none, 10)).size() == 2);
    CHECK(
        server.sql("SELECT HEX(handle) FROM loft_texts.user WHERE handle LIKE 'gr%'").find("6772C3BCC39F65F09F9880") !=
        std::string::npos);
  }
}

TEST_CASE("mysql: with a binary log of statements there is one writer, which a start says, and everything is written",
          "[storage]") {
  support::PrivateServer server("mariadb", {"--set", "log-bin=changes", "--set", "server-id=1"});
  const struct {
    const char* format;
    std::size_t writers;
  } formats[] = {{"STATEMENT", 1}, {"MIXED", 3}, {"ROW", 3}};
  for (const auto& [format, writers] : formats) {
    INFO(format);
    server.sql("SET GLOBAL binlog_format = '" + std::string(format) + "'");
    server.create_database("loft_" + std::string(format));
    auto options = mysql_options("loft_" + std::string(format), server);
    options["writers"] = std::int64_t{3};
    Running running("/nonexistent", options, "storage.mysql");
    CHECK(running->writers() == writers);
    CHECK(logged(running.host, "binlog_format is STATEMENT") == (writers == 1));
    CHECK(logged(running.host, "set binlog_format = ROW or MIXED") == (writers == 1));
    check_all_writes(*running.storage);
    // On connections that are new too.
    server.drop_connections();
    BatchData batch;
    batch.users = {a_user(3)};
    CHECK(value(running->commit(batch.view())).empty());
  }
}

TEST_CASE("mysql: with TLS the server's certificate is checked when that is asked for", "[storage]") {
  support::PrivateServer server("mariadb", {"--tls"});
  const auto options = mysql_options(server.database(), server);
  const OptionValues verify{{"tls", std::string("verify")}, {"tls_ca", server.ca()}};
  server.sql("ALTER USER 'loft'@'%' REQUIRE SSL");
  CHECK(refused(options, verify) == "it started");
  CHECK(refused(options, {{"tls", std::string("require")}}) == "it started");
  CHECK(refused(options, {{"tls", std::string("prefer")}}) == "it started");
  CHECK_THAT(refused(options, {{"tls", std::string("off")}}), Contains("set `storage.tls` to require or verify"));
  // Signed by nobody we know.
  const OptionValues stranger{{"tls", std::string("verify")},
                              {"tls_ca", std::string("/etc/ssl/certs/ca-certificates.crt")}};
  CHECK_THAT(refused(options, stranger), Contains("certificate") && Contains("set `storage.tls_ca`"));
}
