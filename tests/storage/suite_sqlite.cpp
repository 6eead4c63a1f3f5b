// The contract of storages, for storage.sqlite as it is built.
#include "plugin_under_test.hpp"

#include <loft/testing/storage_suite.hpp>

namespace {

std::unique_ptr<loft::Storage> open_sqlite(const std::string& directory) {
  static std::map<std::string, std::unique_ptr<storage_test::FakeHost>> hosts;
  auto& host = hosts[directory];
  if (!host) host = storage_test::host_in(directory);
  host->commands.clear();  // of the storage before it
  auto storage = storage_test::make("storage.sqlite", *host);
  storage->start();
  return storage;
}

}  // namespace

LOFT_STORAGE_SUITE("sqlite", open_sqlite)
