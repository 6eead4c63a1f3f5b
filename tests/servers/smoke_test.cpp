// What C++ tests see of a private server.
#include "private_server.hpp"

#include <catch2/catch.hpp>

TEST_CASE("a C++ test has a database server of its own, stops it and starts it on the same data") {
  const std::string engine = GENERATE("postgresql", "mariadb");
  support::PrivateServer server(engine, {"--tls"});
  CHECK(server.user() == "loft");
  CHECK(server.port() > 0);
  CHECK(::access(server.ca().c_str(), R_OK) == 0);
  server.sql("CREATE TABLE kept (n BIGINT PRIMARY KEY); INSERT INTO kept VALUES (7)");
  server.kill();
  CHECK_THROWS(server.sql("SELECT n FROM kept"));
  server.start();
  server.drop_connections();
  CHECK(server.sql("SELECT n FROM kept") == "7\n");
  server.create_database("loft_two");
  CHECK(server.sql("SELECT 1", "loft_two") == "1\n");
  CHECK_THROWS_WITH(server.sql("SELECT 1", "loft_three"), Catch::Contains("loft_three"));
}
