// The contract of storages, for storage.mysql as it is built, on a real MariaDB: with arrays of parameters as MariaDB
// takes them, and with the statements that MySQL gets.
// NOLINTNEXTLINE(readability-identifier-naming): the name is Catch's.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include "mysql_server.hpp"

#include <loft/testing/storage_suite.hpp>

namespace {

using namespace storage_test;

/// Before the first case: a process that a case forks must not start a server of its own.
struct StartMariadb final : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testRunStarting(const Catch::TestRunInfo&) override { mariadb(); }
};
CATCH_REGISTER_LISTENER(StartMariadb)

std::unique_ptr<loft::Storage> open_mysql(const std::string& directory, bool bulk) {
  static std::map<std::string, std::unique_ptr<FakeHost>> hosts;
  auto& host = hosts[directory];
  if (!host) host = host_in(directory);
  auto options = mysql_options(database_for(directory));
  options["bulk"] = std::int64_t{bulk};
  host->commands.clear();  // of the storage before it
  auto storage = make("storage.mysql", *host, options);
  storage->start();
  return storage;
}

std::unique_ptr<loft::Storage> open_with_arrays(const std::string& directory) { return open_mysql(directory, true); }
std::unique_ptr<loft::Storage> open_without_arrays(const std::string& directory) {
  return open_mysql(directory, false);
}

}  // namespace

LOFT_STORAGE_SUITE("mysql", open_with_arrays)
LOFT_STORAGE_SUITE("mysql without arrays", open_without_arrays)
