// The canary. Header-only Asio keeps state per thread in variables that every library has its own copy of, unless they
// are bound together. A host that hands its executor to a library with other copies would dead-lock or lose its order.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "set_fixture.hpp"
#include "zoo/asio_probe.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

bool sees_the_host_running(AsioProbe& probe) {
  boost::asio::io_context context;
  CHECK_FALSE(probe.runs_here(context));
  bool inside = false;
  boost::asio::post(context, [&] { inside = probe.runs_here(context); });
  context.run();
  return inside;
}

}  // namespace

TEST_CASE("a library that shows its symbols shares the Asio of an executable that exports them") {
  SetFixture t;
  t.set.load("zoo.asio_shared");
  auto& probe = t.set.as<AsioProbe>("zoo.asio_shared", "the probe");
  CHECK(sees_the_host_running(probe));
  CHECK(probe.own_runs());
}

TEST_CASE("a plugin made with loft_add_plugin has an Asio of its own, which works") {
  // So a plugin may use another Boost than the host; and nothing of Asio may cross the SDK.
  SetFixture t;
  t.set.load("zoo.asio");
  auto& probe = t.set.as<AsioProbe>("zoo.asio", "the probe");
  CHECK(probe.own_runs());
  CHECK_FALSE(sees_the_host_running(probe));
}
