#include "push/devices.hpp"

#include "bench.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

class DeviceBench : public Bench {
 public:
  DeviceBench() { settings.devices = 3; }

  void add(const std::string& token, const std::string& client) {
    clock.advance(1'000);
    Device device;
    device.user = user(2);
    device.channel = "apns";
    device.token = token;
    device.client = client;
    REQUIRE(devices.add(device));
  }
  std::vector<std::string> tokens() {
    std::vector<std::string> all;
    const auto stored = ledger.devices(user(2));
    for (const auto& device : *stored) all.push_back(device.token);
    return all;
  }

  push::Devices devices{settings, &ledger, threads, shared.erased, clock, log};
};

using Tokens = std::vector<std::string>;

}  // namespace

TEST_CASE("one device more than push.devices takes the place of the oldest") {
  DeviceBench t;
  for (const auto* name : {"a", "b", "c", "d"}) t.add(name, name);
  CHECK(t.tokens() == Tokens{"b", "c", "d"});
}

TEST_CASE("a device that comes with a new token takes its own place, and no other device's") {
  DeviceBench t;
  for (const auto* name : {"a", "b", "c"}) t.add(name, name);
  t.add("new", "c");
  CHECK(t.tokens() == Tokens{"a", "b", "new"});
  t.settings.devices = 2;
  t.add("newer", "c");
  CHECK(t.tokens() == Tokens{"b", "newer"});
}

TEST_CASE("nobody's device is registered after the erasure") {
  DeviceBench t;
  t.add("a", "phone");
  t.erase(user(2));
  Device late;
  late.user = user(2);
  late.channel = "apns";
  late.token = "b";
  const auto added = t.devices.add(late);
  REQUIRE_FALSE(added);
  CHECK(added.error().reason == "user.unknown");
  CHECK(t.tokens().empty());
}
