// The contract of storages, for storage.postgresql as it is built, on a real server: with its default of writers, one
// and many.
#include "postgresql_store.hpp"
#include "suite_of_writers.hpp"

namespace {

/// Before the first case: a process that a case forks must not start a server of its own.
struct StartServer final : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testRunStarting(const Catch::TestRunInfo&) override { storage_test::postgresql_server(); }
};
CATCH_REGISTER_LISTENER(StartServer)

/// A directory stands for a database of its name. `more`: options beside what names it.
std::unique_ptr<loft::Storage> open_postgresql(const std::string& directory, const storage_test::OptionValues& more) {
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
  auto storage = storage_test::make("storage.postgresql", *host,
                                    storage_test::with(storage_test::coordinates(server, database), more));
  storage->start();
  return storage;
}

loft::testing::storage::Factory opening(const storage_test::OptionValues& more) {
  return [more](const std::string& directory) { return open_postgresql(directory, more); };
}

}  // namespace

LOFT_STORAGE_SUITE("postgresql", opening({}))
[[maybe_unused]] static const bool one_writer =
    storage_test::register_suite_of_writers("postgresql with one writer", opening({{"writers", std::int64_t{1}}}));
[[maybe_unused]] static const bool four_writers =
    storage_test::register_suite_of_writers("postgresql with four writers", opening({{"writers", std::int64_t{4}}}));
