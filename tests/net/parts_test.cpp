// The parts that need no socket, and the errors of listening.
#include <catch2/catch.hpp>

#include <memory>
#include <vector>

#include "fixture.hpp"
#include "net/byte_queue.hpp"
#include "net/timer_wheel.hpp"

using namespace net_test;

TEST_CASE("a byte queue keeps the order over any sequence of appends and uses, and gives memory back") {
  loft::net::ByteQueue queue;
  std::string model;
  unsigned random = 1;
  for (int step = 0; step < 20'000; ++step) {
    random = random * 1664525u + 1013904223u;
    const std::size_t count = (random >> 16) % 700;
    if ((random & 0x300) != 0 && model.size() < 20'000) {
      const std::string piece(count, static_cast<char>('a' + step % 26));
      queue.append(piece);
      model += piece;
    } else {
      const std::size_t used = std::min<std::size_t>(count * 8, model.size());
      queue.consume(used);
      model.erase(0, used);
    }
    REQUIRE(queue.view() == model);
    REQUIRE(queue.empty() == model.empty());
  }
}

TEST_CASE("a timer never fires early, fires once it is due, and survives jumps of many rounds") {
  struct Node : loft::net::WheelNode {
    Millis at = 0;
    int fired = 0;
  };
  Millis now = 1'000'003;
  loft::net::TimerWheel wheel(now);
  std::vector<std::unique_ptr<Node>> nodes;
  unsigned random = 7;
  for (int index = 0; index < 2000; ++index) {
    random = random * 1664525u + 1013904223u;
    auto& node = *nodes.emplace_back(std::make_unique<Node>());
    const Millis in = (random >> 8) % 600'000;
    node.at = now + in;
    wheel.arm(node, now, in);
  }
  const Millis steps[] = {1, 249, 250, 251, 1000, 90'000, 200'000, 400'000};
  for (const Millis step : steps) {
    now += step;
    wheel.advance(now, [&](loft::net::WheelNode& node) { ++static_cast<Node&>(node).fired; });
    for (const auto& node : nodes) REQUIRE(node->fired == (node->at <= now ? 1 : 0));
  }
  CHECK(wheel.size() == 0);
}

TEST_CASE("a timer's callee may remove and arm others") {
  Millis now = 5000;
  loft::net::TimerWheel wheel(now);
  loft::net::WheelNode first, second, third;
  wheel.arm(first, now, 10);
  wheel.arm(second, now, 10);
  std::vector<loft::net::WheelNode*> fired;
  wheel.advance(now + 300, [&](loft::net::WheelNode& node) {
    fired.push_back(&node);
    wheel.disarm(second);
    if (fired.size() == 1) wheel.arm(third, now + 300, 0);
  });
  CHECK(fired == std::vector<loft::net::WheelNode*>{&first});
  wheel.advance(now + 600, [&](loft::net::WheelNode& node) { fired.push_back(&node); });
  CHECK(fired == std::vector<loft::net::WheelNode*>{&first, &third});
}

TEST_CASE("an address or port that cannot be listened on is explained") {
  loft::net::EngineOptions options;
  options.threads = GENERATE(1u, 2u);
  Host host(options), second(options);
  host.start();
  using Catch::Matchers::Contains;
  const auto refusal = [&](const std::string& address, std::uint16_t port) {
    auto bound = second.engine->listen({"front", address, port, "", ""}, second.transport, second.endpoint);
    REQUIRE_FALSE(bound);
    CHECK(bound.error().reason == "listen.failed");
    return bound.error().detail;
  };
  CHECK_THAT(refusal("127.0.0.1", host.port),
             Contains("front") && Contains("127.0.0.1 port " + std::to_string(host.port)) && Contains("in use"));
  CHECK_THAT(refusal("localhost", 0), Contains("'localhost'") && Contains("127.0.0.1"));
  CHECK_THAT(refusal("192.0.2.1", 0), Contains("no interface"));
}
