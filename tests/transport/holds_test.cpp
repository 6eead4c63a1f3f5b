#include "common/holds.hpp"

#include <catch2/catch.hpp>

using loft::transport::Holds;

TEST_CASE("reads rest from the first hold to the last release") {
  Holds holds;
  CHECK(holds.hold(true));
  CHECK_FALSE(holds.hold(true));
  CHECK(holds.paused());
  CHECK_FALSE(holds.release());
  CHECK(holds.any());
  CHECK(holds.release());
  CHECK_FALSE(holds.paused());
  CHECK_FALSE(holds.release());
}

TEST_CASE("what is held and released while parsing changes nothing; what stays held pauses reads behind it") {
  Holds holds;
  holds.begin_parsing();
  CHECK_FALSE(holds.hold(true));
  CHECK_FALSE(holds.release());
  CHECK_FALSE(holds.end_parsing(true));
  holds.begin_parsing();
  CHECK_FALSE(holds.hold(true));
  CHECK(holds.end_parsing(true));
  CHECK(holds.release());
}

TEST_CASE("a connection that reads no messages any more is not paused, and one that closes goes on reading") {
  Holds holds;
  CHECK_FALSE(holds.hold(false));
  CHECK_FALSE(holds.release());
  CHECK(holds.hold(true));
  CHECK(holds.resume());
  CHECK_FALSE(holds.resume());
  CHECK_FALSE(holds.release());
}
