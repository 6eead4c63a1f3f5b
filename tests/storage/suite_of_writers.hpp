// The contract of storages once more, for a storage with another number of writers than its default.
#pragma once

#include <string>

#include <loft/testing/storage_suite.hpp>

namespace storage_test {

/// Registers all cases of the suite but those that no writer beside the first takes part in: the pushes, and the
/// longest one, which commits on the owner's connection alone.
inline bool register_suite_of_writers(const std::string& name, const loft::testing::storage::Factory& factory) {
  using namespace loft::testing::storage;
  add_case(name, {"S1 what was acknowledged survives SIGKILL", s1_survives_sigkill}, factory);
  for (const auto& row : suite_cases) {
    if (row.run != random_batches_agree_with_the_model) add_case(name, row, factory);
  }
  return true;
}

}  // namespace storage_test
