// The push ledger's connections, without a database.
#include <catch2/catch.hpp>

#include <common/ledger.hpp>

#include <condition_variable>
#include <thread>

using namespace loft;
using namespace loft::storage;

namespace {

/// Those who list wait here.
struct Slow {
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  int most = 0;
  bool is_over = false;
};
Slow& slow() {
  static Slow one;
  return one;
}

/// A row of nothing.
struct NoRows {
  bool next() { return false; }
  std::uint64_t number(int) const { return 0; }
  std::string_view text(int) const { return {}; }
  bool has_number(int) const { return true; }
  bool is_null(int) const { return true; }
};

struct SlowConnection {
  template <class... Args>
  NoRows run(Query query, const Args&...) {
    if (query != Query::pushes) return {};
    auto& s = slow();
    std::unique_lock lock(s.mutex);
    s.most = std::max(s.most, ++s.waiting);
    s.changed.notify_all();
    s.changed.wait_for(lock, std::chrono::seconds(30), [&] { return s.is_over; });
    --s.waiting;
    return {};
  }
  template <class... Args>
  std::int64_t write(Query, const Args&...) {
    return 1;
  }
  bool usable() const { return true; }
};

struct SlowDriver {
  using Connection = SlowConnection;
  static constexpr bool leases_at_once = true;
  static bool alive(Connection&) { return true; }
  static void begin(Connection&) {}
  static void commit(Connection&) {}
  static void after(Connection&, Durable) {}
  static void rollback(Connection&) noexcept {}
  static int repeats_after(const Failure&) { return 0; }
  template <class Row, class F>
  static std::size_t each(Connection&, Query, std::span<const Row> rows, F) {
    return rows.size();
  }
};

}  // namespace

TEST_CASE("storage common: whoever lists pushes keeps nobody from the work on them", "[storage]") {
  Reports reports;
  Ledger<SlowDriver> ledger;
  ledger.open([] { return std::make_unique<SlowConnection>(); }, reports, 30'000);
  std::vector<std::thread> operators;
  for (int i = 0; i < 4; ++i) {
    operators.emplace_back([&] { static_cast<void>(ledger.pushes(std::nullopt, {}, 10)); });
  }
  auto& s = slow();
  {
    std::unique_lock lock(s.mutex);
    CHECK(s.changed.wait_for(lock, std::chrono::seconds(30), [&] { return s.waiting > 0; }));
  }
  const std::vector<OwedPush> one(1);
  const UserId user{};
  CHECK(ledger.owe(one).ok());
  CHECK(ledger.lease(1, 0, 1, 10).ok());
  CHECK(ledger.settle(1, {one, {}, {}}).ok());
  CHECK(ledger.next_due().ok());
  CHECK(ledger.devices(std::span(&user, 1)).ok());
  {
    const std::lock_guard lock(s.mutex);
    CHECK(s.waiting > 0);  // still
    s.is_over = true;
  }
  s.changed.notify_all();
  for (auto& thread : operators) thread.join();
  CHECK(s.most == 1);
  ledger.close(30'000);
  CHECK_FALSE(ledger.next_due().ok());
  CHECK_FALSE(ledger.pushes(std::nullopt, {}, 10).ok());
}
