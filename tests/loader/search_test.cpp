#include <catch2/catch.hpp>

#include "plugins/library.hpp"
#include "thrown.hpp"

using namespace loft;
using namespace loft::tests;

TEST_CASE("the first directory that has the plugin wins") {
  CHECK(find_library("zoo.healthy", {"/nowhere", ZOO_DIR, "/elsewhere"}) == ZOO_DIR "/zoo.healthy.so");
}

TEST_CASE("a plugin that is not found is reported with the places and the nearest name") {
  check_says(thrown([] {
               find_library("zoo.helthy", {"/nowhere", ZOO_DIR});
             }),
             {"plugin 'zoo.helthy'", "there is no zoo.helthy.so in /nowhere, " ZOO_DIR, "did you mean 'zoo.healthy'?"});
  check_says(thrown([] { find_library("storage.sqlite", {ZOO_DIR}); }), {"install the plugin"});
  check_says(thrown([] { find_library("storage.sqlite", {}); }), {"the empty search path"});
}

TEST_CASE("an id that is none cannot lead out of the search path") {
  for (const auto* id : {"", "zoo", "../zoo.healthy", "zoo.", ".zoo", "zoo.a.b", "Zoo.healthy", "zoo.he/althy"}) {
    CAPTURE(id);
    check_says(thrown([&] { find_library(id, {ZOO_DIR}); }), {"this is no plugin id", "<kind>.<name>"});
  }
}

TEST_CASE("the list names all plugins, sorted, and opens none") {
  const auto ids = list_libraries({ZOO_DIR, "/nowhere", ZOO_DIR});
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  CHECK(std::count(ids.begin(), ids.end(), "zoo.healthy") == 1);
  CHECK(std::count(ids.begin(), ids.end(), "zoo.no_entry") == 1);
}
