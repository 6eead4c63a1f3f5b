// Where threads meet.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <thread>

#include "fixture.hpp"

using namespace net_test;

namespace {

loft::net::EngineOptions with_threads(unsigned threads) {
  loft::net::EngineOptions options;
  options.threads = threads;
  return options;
}

}  // namespace

TEST_CASE("posts of one poster run in order, on the thread they name") {
  Host host(with_threads(2));
  host.start();
  CHECK(loft::net::Engine::current_thread() == loft::net::no_thread);
  constexpr int count = 20'000;
  struct Log {
    std::vector<int> first, second;
    bool right_thread = true;
  } log[2];
  std::atomic<int> left{4 * count};
  const auto poster = [&](bool first) {
    for (int index = 0; index < count; ++index)
      for (unsigned thread = 0; thread < 2; ++thread)
        host.engine->post(thread, [&, first, index, thread] {
          (first ? log[thread].first : log[thread].second).push_back(index);
          log[thread].right_thread = log[thread].right_thread && loft::net::Engine::current_thread() == thread;
          --left;
        });
  };
  std::thread one(poster, true);
  std::thread two(poster, false);
  one.join();
  two.join();
  REQUIRE(eventually([&] { return left == 0; }));
  host.engine->stop();
  for (const Log& seen : log) {
    CHECK(seen.right_thread);
    CHECK(seen.first.size() == count);
    CHECK(std::is_sorted(seen.first.begin(), seen.first.end()));
    CHECK(seen.second.size() == count);
    CHECK(std::is_sorted(seen.second.begin(), seen.second.end()));
  }
}

TEST_CASE("many posts to a busy thread wake it at most once") {
  Host host;
  host.start();
  std::atomic<bool> busy{false}, go_on{false};
  std::atomic<int> done{0};
  host.engine->post(0, [&] {
    busy = true;
    eventually([&] { return go_on.load(); });
  });
  REQUIRE(eventually([&] { return busy.load(); }));
  const std::int64_t before = host.metric("net_wakeups_total");
  for (int index = 0; index < 1000; ++index) host.engine->post(0, [&] { ++done; });
  CHECK(host.metric("net_wakeups_total") - before <= 1);
  go_on = true;
  CHECK(eventually([&] { return done == 1000; }));
  CHECK(host.metric("net_wakeups_total") - before <= 1);
}

TEST_CASE("work posted before the start runs, and work that throws harms nobody") {
  Host host;
  std::atomic<int> done{0};
  host.engine->post(0, [&] { ++done; });
  host.engine->post(0, [] { throw std::runtime_error("posted trouble"); });
  host.engine->post(0, [&] { ++done; });
  host.start();
  CHECK(eventually([&] { return done == 2; }));
  CHECK(host.log.contains("posted trouble"));
}

TEST_CASE("timers fire on the thread they belong to, once or for ever") {
  Host host(with_threads(2));
  std::atomic<int> ticks[2] = {0, 0};
  host.engine->every(1, [&](unsigned thread) { ticks[thread] += thread == loft::net::Engine::current_thread(); });
  host.start();
  std::atomic<int> once{0};
  const Millis before = host.clock.steady();
  std::atomic<Millis> at{0};
  host.engine->after(1, 100, [&] {
    at = host.clock.steady();
    once += loft::net::Engine::current_thread() == 1;
  });
  CHECK(eventually([&] { return once == 1 && ticks[0] >= 2 && ticks[1] >= 2; }));
  CHECK(at - before >= 100);
  CHECK(once == 1);
}

TEST_CASE("two thousand idle connections over two threads are served and let go") {
  Host host(with_threads(2));
  std::mutex mutex;
  std::set<unsigned> threads;
  host.transport.behaviour->opened = [&](Link&) {
    const std::lock_guard lock(mutex);
    threads.insert(loft::net::Engine::current_thread());
  };
  host.start();
  std::vector<Client> clients;
  for (int index = 0; index < 2000; ++index) clients.emplace_back(host.port);
  REQUIRE(eventually([&] { return host.engine->connections() == 2000; }));
  for (std::size_t index = 0; index < clients.size(); index += 100) {
    REQUIRE(clients[index].send("ping"));
    REQUIRE(clients[index].receive(4) == "ping");
  }
  {
    const std::lock_guard lock(mutex);
    CHECK(threads.size() == 2);
  }
  clients.clear();
  CHECK(eventually([&] { return host.transport.seen->destroyed == 2000; }));
  CHECK(eventually([&] { return host.metric("net_connections") == 0; }));
}

TEST_CASE("connections of two threads echo while others post, and the stop finds them in the middle") {
  Host host(with_threads(2));
  host.start();
  std::atomic<bool> ends{false};
  std::thread poster([&] {
    for (unsigned index = 0; !ends; ++index) host.engine->post(index % 2, [] {});
  });
  std::vector<std::thread> talkers;
  std::atomic<int> echoes{0};
  for (int index = 0; index < 4; ++index)
    talkers.emplace_back([&] {
      Client client(host.port);
      while (client.send("abc") && client.receive(3) == "abc") ++echoes;
    });
  REQUIRE(eventually([&] { return echoes > 400; }));
  host.engine->stop();
  for (auto& talker : talkers) talker.join();
  ends = true;
  poster.join();
  CHECK(host.engine->connections() == 0);
}
