// What a start of storage.mysql accepts, what it refuses, and what it says then.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mysql_server.hpp"

#include <loft/testing/storage/fixture.hpp>

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
