// Who waits for a connection of a pool, and who is told why there is none.
#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>

#include <common/pool.hpp>

using loft::storage::Pool;

namespace {

struct Link {
  bool usable() const noexcept { return is_well; }
  bool is_well = true;
};

/// A server that gives so many connections and no more.
struct Server {
  explicit Server(int gives) : left(gives) {
    pool.open(
        [this] {
          if (left-- > 0) return std::make_unique<Link>();
          refused.set_value();
          throw std::runtime_error("too many connections");
        },
        4);
  }
  std::atomic<int> left;
  std::promise<void> refused;  ///< once
  Pool<Link> pool;
};

}  // namespace

TEST_CASE("storage common: who is refused a new connection gets the one that is out when it is back", "[storage]") {
  Server server(1);
  auto first = std::make_unique<Pool<Link>::Lease>(server.pool.lend(0));
  REQUIRE(*first);
  auto second = std::async(std::launch::async, [&] { return static_cast<bool>(server.pool.lend(30'000)); });
  server.refused.get_future().wait();
  first.reset();
  CHECK(second.get());
}

TEST_CASE("storage common: who is refused a connection while one stays out finds the pool busy", "[storage]") {
  Server server(1);
  const auto first = server.pool.lend(0);
  CHECK_FALSE(server.pool.lend(1));
}

TEST_CASE("storage common: who is refused a connection while none is out hears why", "[storage]") {
  Server server(0);
  CHECK_THROWS_WITH(server.pool.lend(30'000), "too many connections");
}

TEST_CASE("storage common: who waits for a connection that comes back dead hears why there is no other", "[storage]") {
  Server server(1);
  auto first = std::make_unique<Pool<Link>::Lease>(server.pool.lend(0));
  auto second = std::async(std::launch::async, [&] { return static_cast<bool>(server.pool.lend(30'000)); });
  server.refused.get_future().wait();
  (**first).is_well = false;
  first.reset();
  CHECK_THROWS_WITH(second.get(), "too many connections");
}
