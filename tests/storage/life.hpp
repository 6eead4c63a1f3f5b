// What every storage answers when it does not run.
#pragma once

#include "plugin_under_test.hpp"

#include <loft/testing/storage/fixture.hpp>

namespace storage_test {

/// For one that is set up and not started.
inline void check_unavailable_but_between_start_and_stop(Storage& storage, FakeHost& host) {
  const auto all_unavailable = [&] {
    loft::testing::storage::BatchData batch;
    CHECK(storage.commit(batch.view()).error().code == Code::unavailable);
    CHECK(storage.last_position().error().code == Code::unavailable);
    CHECK(storage.set_follower("x", 1).error().code == Code::unavailable);
  };
  all_unavailable();
  storage.start();
  CHECK(storage.last_position().ok());
  storage.stop(host.clock().steady() + 1000);
  all_unavailable();
}

}  // namespace storage_test
