// The contract of storages, for storage.mysql as it is built, on a real MariaDB: with arrays of parameters as MariaDB
// takes them, with the statements that MySQL gets, and with one writer and many.
// NOLINTNEXTLINE(readability-identifier-naming): the name is Catch's.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include "mysql_server.hpp"
#include "suite_of_writers.hpp"

namespace {

using namespace storage_test;

/// Before the first case: a process that a case forks must not start a server of its own.
struct StartMariadb final : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testRunStarting(const Catch::TestRunInfo&) override { mariadb(); }
};
CATCH_REGISTER_LISTENER(StartMariadb)

std::unique_ptr<loft::Storage> open_mysql(const std::string& directory, const OptionValues& more) {
  static std::map<std::string, std::unique_ptr<FakeHost>> hosts;
  auto& host = hosts[directory];
  if (!host) host = host_in(directory);
  auto options = mysql_options(database_for(directory));
  for (const auto& [name, value] : more) options[name] = value;
  host->commands.clear();  // of the storage before it
  auto storage = make("storage.mysql", *host, options);
  storage->start();
  return storage;
}

/// Opens with these options beside what names the database.
loft::testing::storage::Factory opening(const OptionValues& more) {
  return [more](const std::string& directory) { return open_mysql(directory, more); };
}

}  // namespace

LOFT_STORAGE_SUITE("mysql", opening({}))
LOFT_STORAGE_SUITE("mysql without arrays", opening({{"bulk", std::int64_t{0}}}))
[[maybe_unused]] static const bool one_writer =
    register_suite_of_writers("mysql with one writer", opening({{"writers", std::int64_t{1}}}));
[[maybe_unused]] static const bool four_writers =
    register_suite_of_writers("mysql with four writers", opening({{"writers", std::int64_t{4}}}));
