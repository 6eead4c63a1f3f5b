// The plugin's own test: its source, the SDK's host for tests, and the contract that every storage has to keep.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#include <loft/testing/host.hpp>
#include <loft/testing/storage_suite.hpp>

#include "memory.hpp"

namespace {

std::unique_ptr<loft::Storage> open_memory(const std::string& directory) {
  auto storage = std::make_unique<acme::Memory>();
  loft::testing::FakeHost host("storage.acme_memory", directory);  // it takes the folder's name, and nothing else
  if (const auto right = storage->configure(); !right) throw std::runtime_error(right.error().detail);
  storage->setup(host);
  storage->start();
  return storage;
}

}  // namespace

LOFT_STORAGE_SUITE("acme_memory", open_memory, {.survives_kill = false})
