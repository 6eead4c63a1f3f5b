// Databases of tests, on one private PostgreSQL server for each process of tests.
#pragma once

#include <private_server.hpp>

#include "plugin_under_test.hpp"

namespace storage_test {

/// Behind a pooler where the environment names a mode of one.
inline support::PrivateServer& postgresql_server() {
  const char* pooler = std::getenv("LOFT_TEST_POOLER");
  static support::PrivateServer server(
      "postgresql", pooler == nullptr ? std::vector<std::string>{} : std::vector<std::string>{"--pooler", pooler});
  return server;
}

/// What names a database of that server.
inline OptionValues coordinates(const support::PrivateServer& server, const std::string& database) {
  return {{"host", server.socket()},
          {"port", std::int64_t{server.port()}},
          {"user", server.user()},
          {"password", server.password()},
          {"database", database}};
}

/// A new, empty database, and the values that name it.
inline std::string new_database(support::PrivateServer& server = postgresql_server()) {
  static int number = 0;
  const auto name = "store_" + std::to_string(++number);
  server.create_database(name);
  return name;
}

/// `first` with what `second` says otherwise.
inline OptionValues with(OptionValues first, const OptionValues& second) {
  for (const auto& [name, value] : second) first[name] = value;
  return first;
}

/// What a start of storage.postgresql that must fail says.
inline std::string postgresql_refusal(const OptionValues& values) {
  try {
    const Running running("/nonexistent", values, "storage.postgresql");
  } catch (const std::exception& e) {
    return e.what();
  }
  return "it started";
}

}  // namespace storage_test
