// The contract of storages, for storage.postgresql as it is built, on a real server.
#include "postgresql_store.hpp"

#include <loft/testing/storage_suite.hpp>

namespace {

/// Before the first case: a process that a case forks must not start a server of its own.
struct StartServer final : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testRunStarting(const Catch::TestRunInfo&) override { storage_test::postgresql_server(); }
};
CATCH_REGISTER_LISTENER(StartServer)

/// A directory stands for a database of its name.
std::unique_ptr<loft::Storage> open_postgresql(const std::string& directory) {
  static std::map<std::string, std::unique_ptr<storage_test::FakeHost>> hosts;
  auto& host = hosts[directory];
  const auto database = std::filesystem::path(directory).filename().string();
  auto& server = storage_test::postgresql_server();
  if (!host) {
    host = storage_test::host_in(directory);
    if (server.sql("SELECT 1 FROM pg_database WHERE datname = '" + database + "'").empty()) {
      server.create_database(database);
    }
  }
  host->commands.clear();  // of the storage before it
  auto storage = storage_test::make("storage.postgresql", *host, storage_test::coordinates(server, database));
  storage->start();
  return storage;
}

}  // namespace

LOFT_STORAGE_SUITE("postgresql", open_postgresql)
