// The small parts of messaging, each against the simplest thing that does the same.
#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <set>

#include <loft/testing/clock.hpp>
#include <loft/uuid.hpp>

#include "memory_storage.hpp"
#include "messaging/directory.hpp"
#include "messaging/id_generator.hpp"
#include "messaging/intervals.hpp"
#include "messaging/state.hpp"
#include "messaging/varint.hpp"

namespace loft::tests {
namespace {

using Random = std::mt19937_64;
std::uint64_t below(Random& random, std::uint64_t limit) { return random() % limit; }

/// Members with their times; what the set must be.
using Naive = std::map<Seq, Millis>;

void check_same(const IntervalSet& set, const Naive& naive, Seq limit) {
  for (Seq seq = 0; seq <= limit; ++seq) {
    const auto it = naive.find(seq);
    REQUIRE(set.contains(seq) == (it != naive.end()));
    REQUIRE(set.time_of(seq) == (it != naive.end() ? it->second : 0));
  }
  REQUIRE(set.newest() == (naive.empty() ? 0 : naive.rbegin()->first));
  REQUIRE(set.empty() == naive.empty());
  for (std::size_t i = 1; i < set.intervals().size(); ++i) {
    const auto& a = set.intervals()[i - 1];
    const auto& b = set.intervals()[i];
    REQUIRE(a.low <= a.high);
    REQUIRE(a.high < b.low);
    REQUIRE_FALSE((a.high + 1 == b.low && a.at == b.at));
  }
}

TEST_CASE("an interval set is a set of numbers with times") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    IntervalSet set;
    Naive naive;
    const Seq limit = 1 + below(random, 120);
    for (int step = 0; step < 60; ++step) {
      const Seq low = 1 + below(random, limit), high = std::min(limit, low + below(random, 12));
      const Millis at = static_cast<Millis>(below(random, 4));
      std::set<Seq> newly;
      set.insert(low, high, at, [&](Seq a, Seq b) {
        for (; a <= b; ++a) REQUIRE(newly.insert(a).second);
      });
      std::set<Seq> expected;
      for (Seq seq = low; seq <= high; ++seq) {
        if (naive.emplace(seq, at).second) expected.insert(seq);
      }
      REQUIRE(newly == expected);
      if (below(random, 10) == 0) {
        const Millis before = static_cast<Millis>(below(random, 4));
        set.fold(before);
        for (auto& [seq, time] : naive) time = time < before ? 0 : time;
      }
      check_same(set, naive, limit + 2);

      std::set<Seq> gaps;
      const Seq from = below(random, limit) + 1, to = below(random, limit + 3);
      set.gaps(from, to, [&](Seq a, Seq b) {
        for (; a <= b; ++a) REQUIRE(gaps.insert(a).second);
        return true;
      });
      std::set<Seq> missing;
      for (Seq seq = from; seq <= to; ++seq) {
        if (!naive.contains(seq)) missing.insert(seq);
      }
      REQUIRE(gaps == missing);
    }
    std::string bytes;
    set.encode(bytes);
    const auto decoded = IntervalSet::decode(bytes);
    REQUIRE(decoded);
    REQUIRE(*decoded == set);
  }
}

TEST_CASE("gaps stop when the caller has enough") {
  IntervalSet set;
  set.insert(2, 2, 0), set.insert(4, 4, 0), set.insert(6, 6, 0);
  int calls = 0;
  set.gaps(1, 9, [&](Seq, Seq) { return ++calls < 2; });
  CHECK(calls == 2);
}

TEST_CASE("an interval set keeps a bounded number of times and loses no member") {
  IntervalSet set;
  for (Seq seq = 1; seq <= 5000; ++seq) set.insert(seq * 2, seq * 2, static_cast<Millis>(seq));
  std::size_t timed = 0;
  for (const auto& interval : set.intervals()) timed += interval.at != 0;
  CHECK(timed <= IntervalSet::max_timed);
  CHECK(set.time_of(10'000) == 5000);
  for (Seq seq = 1; seq <= 10'001; ++seq) REQUIRE(set.contains(seq) == (seq % 2 == 0));
}

TEST_CASE("bytes that no interval set wrote are refused or make a sound set, and never do harm") {
  Random random(7);
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    if (round % 2 == 0) {
      for (auto n = below(random, 40); n > 0; --n) bytes += static_cast<char>(random());
    } else {
      for (auto n = below(random, 7); n > 0; --n) varint::put(bytes, random() >> below(random, 64));
    }
    const auto set = IntervalSet::decode(bytes);
    if (!set) {
      ++refused;
      REQUIRE(set.error().reason == "mark.damaged");
      continue;
    }
    Seq last = 0;
    for (const auto& interval : set->intervals()) {
      REQUIRE(interval.low > last);
      REQUIRE(interval.high >= interval.low);
      last = interval.high;
    }
    static_cast<void>(Mark::decode(bytes));
  }
  CHECK(refused > 0);
}

TEST_CASE("a mark is read back as it was written") {
  Mark mark;
  mark.set.insert(3, 9, 1'750'000'000'000), mark.set.insert(20, 20, 0);
  mark.newest = static_cast<MessageId>(id::limit - 1);
  mark.reached = 1'750'000'000'123;
  const auto back = Mark::decode(mark.encode());
  REQUIRE(back);
  CHECK(back->set == mark.set);
  CHECK(back->newest == mark.newest);
  CHECK(back->reached == mark.reached);
}

TEST_CASE("a number of any size goes through seven bits a byte") {
  Random random(3);
  std::vector<std::uint64_t> numbers{0, 1, 127, 128, ~std::uint64_t{0}, std::uint64_t{1} << 63};
  for (int i = 0; i < 1000; ++i) numbers.push_back(random() >> below(random, 64));
  std::string bytes;
  for (const auto number : numbers) varint::put(bytes, number);
  std::string_view rest = bytes;
  for (const auto number : numbers) {
    std::uint64_t got = 0;
    REQUIRE(varint::get(rest, got));
    REQUIRE(got == number);
  }
  CHECK(rest.empty());
  std::uint64_t got = 0;
  CHECK_FALSE(varint::get(rest, got));
  std::string_view cut("\xff\xff", 2);
  CHECK_FALSE(varint::get(cut, got));
}

TEST_CASE("ids strictly grow whatever the clock does, across restarts, and keep their node") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    testing::ManualClock clock;
    std::uint64_t last = 0;
    auto node = static_cast<unsigned>(below(random, 16));
    auto ids = std::make_unique<IdGenerator>(clock, last, node);
    for (int step = 0; step < 3000; ++step) {
      const auto act = below(random, 100);
      if (act < 10) clock.advance(static_cast<Millis>(below(random, 3)));
      if (act == 98) clock.jump_to(clock.now() - static_cast<Millis>(below(random, 100'000'000)));
      if (act == 99) clock.jump_to(clock.now() + static_cast<Millis>(below(random, 100'000'000)));
      if (act == 97) {
        node = static_cast<unsigned>(below(random, 16));
        ids = std::make_unique<IdGenerator>(clock, last, node);
      }
      const auto next = ids->next();
      REQUIRE(next > last);
      REQUIRE(next < id::limit);
      REQUIRE((next >> id::counter_bits & 15) == node);
      REQUIRE(id::time_of(next) >= clock.now());
      REQUIRE(ids->last() == next);
      last = next;
    }
  }
}

TEST_CASE("a clock before the layout's first moment still gives ids") {
  testing::ManualClock clock(0);
  IdGenerator ids(clock, 0);
  CHECK(ids.next() == 1);
  CHECK(ids.next() == 2);
}

TEST_CASE("ids are at hand only while clock and last id are inside the layout") {
  const Millis end = id::epoch + (Millis{1} << 41);
  testing::ManualClock clock;
  IdGenerator ids(clock, 0);
  CHECK(ids.ready());
  for (const auto wrong : {Millis{0}, id::epoch - 1, end, end - 1, INT64_MAX}) {
    clock.jump_to(wrong);
    CHECK_FALSE(ids.ready());
  }
  clock.jump_to(id::epoch);
  CHECK(ids.ready());
  CHECK_FALSE(IdGenerator(clock, id::limit - 1).ready());
  CHECK(IdGenerator(clock, id::limit / 2).ready());
}

TEST_CASE("more ids than a millisecond holds go on into the next one") {
  testing::ManualClock clock;
  IdGenerator ids(clock, 0, 5);
  const auto start = clock.now();
  std::uint64_t id = 0;
  for (int i = 0; i < 257; ++i) id = ids.next();
  CHECK(id::time_of(id) == start + 1);
  CHECK((id & 0xFF) == 0);
}

TEST_CASE("derived UUIDs are valid, differ by kind and sort like their ids") {
  const auto a = derived_uuid(UuidKind::user, 5), b = derived_uuid(UuidKind::user, id::limit - 1);
  CHECK(is_uuid(a));
  CHECK(a < b);
  CHECK(a != derived_uuid(UuidKind::message, 5));
  CHECK(a[14] == '8');
  CHECK(std::string("89ab").find(a[19]) != std::string::npos);
  CHECK_FALSE(is_uuid(""));
  CHECK_FALSE(is_uuid(a.substr(1)));
  auto upper = b;
  upper.back() = 'F';
  CHECK_FALSE(is_uuid(upper));
  auto moved = a;
  std::swap(moved[8], moved[9]);
  CHECK_FALSE(is_uuid(moved));
}

User named(std::uint64_t id, const std::string& handle) {
  return {static_cast<UserId>(id), handle, derived_uuid(UuidKind::user, id), 1};
}

TEST_CASE("a handle has 1 to 50 bytes without control characters and outer spaces") {
  CHECK(is_handle("alice"));
  CHECK(is_handle("张三 a"));
  CHECK(is_handle(std::string(50, 'a')));
  for (const std::string bad : {"", " a", "a ", "a\n", "\x7f", "\xff", "\xc3"}) CHECK_FALSE(is_handle(bad));
  CHECK_FALSE(is_handle(std::string(51, 'a')));
  CHECK_FALSE(is_handle(std::string_view("a\0b", 3)));
}

TEST_CASE("the directory finds users by each of their names and forgets only those nobody holds") {
  MemoryStorage storage;
  std::vector<User> users;
  for (std::uint64_t i = 1; i <= 40; ++i) users.push_back(named(i, "u" + std::to_string(i)));
  users.push_back(named(41, "7"));  // a handle that is also somebody's number
  Batch batch;
  batch.users = users;
  REQUIRE(storage.commit(batch));

  Directory directory(storage, 8);
  const auto held = *directory.load(UserRef::handle("u1"));
  for (int round = 0; round < 3; ++round) {
    for (const auto& user : users) {
      REQUIRE((*directory.load(UserRef::of(user.id)))->handle == user.handle);
      REQUIRE((*directory.load(UserRef::handle(user.handle)))->id == user.id);
      REQUIRE((*directory.load(UserRef::uuid(user.uuid)))->id == user.id);
      REQUIRE(directory.cached(UserRef::handle(user.handle)) != nullptr);
    }
  }
  CHECK(directory.cached(UserRef::handle("u1")) == held);
  CHECK(directory.size() <= 10);
  CHECK((*directory.load(UserRef::handle_or_id("7")))->handle == "7");
  CHECK((*directory.load(UserRef::handle_or_id("8")))->handle == "u8");
  CHECK(directory.load(UserRef::handle_or_id("99")).error().reason == "user.unknown");
  CHECK(directory.load(UserRef::of(UserId::none)).error().reason == "user.unknown");
  CHECK(directory.load(UserRef::handle("")).error().reason == "user.handle_invalid");
  CHECK(directory.load(UserRef::uuid("")).error().reason == "user.unknown");
  storage.reads_fail = true;
  CHECK(directory.load(UserRef::handle("nobody")).error().code == Code::unavailable);
}

TEST_CASE("a number that is nobody's handle is found in memory once the storage has said so") {
  MemoryStorage storage;
  Directory directory(storage, 4);
  const std::vector<User> first = {named(7, "u7"), named(8, "u8")}, later = {named(41, "7")};
  Batch batch;
  batch.users = first;
  REQUIRE(storage.commit(batch));
  const auto seven = UserRef::handle_or_id("7");
  const auto held = *directory.load(UserRef::of(static_cast<UserId>(7)));
  CHECK(directory.cached(seven) == nullptr);  // somebody else may be called so
  CHECK(*directory.load(seven) == held);
  CHECK(directory.cached(seven) == held);
  CHECK(directory.cached(UserRef::handle("7")) == nullptr);
  CHECK(directory.cached(UserRef::handle_or_id("07")) == nullptr);

  // Somebody takes the handle, and is forgotten: the number must not come back.
  batch.users = later;
  REQUIRE(storage.commit(batch));
  static_cast<void>(directory.add(named(41, "7")));
  CHECK(directory.cached(seven)->id == static_cast<UserId>(41));
  for (std::uint64_t i = 100; i < 120; ++i) static_cast<void>(directory.add(named(i, "u" + std::to_string(i))));
  REQUIRE(directory.cached(UserRef::handle("7")) == nullptr);
  CHECK(directory.cached(seven) == nullptr);
  CHECK((*directory.load(seven))->id == static_cast<UserId>(41));
}

TEST_CASE("who takes a number as a handle while it is looked up is not hidden by it") {
  MemoryStorage storage;
  Directory directory(storage, 100);
  const std::vector<User> users = {named(7, "u7")};
  Batch batch;
  batch.users = users;
  REQUIRE(storage.commit(batch));
  int reads = 0;
  storage.in_read = [&] {
    if (++reads == 2) static_cast<void>(directory.add(named(41, "7")));  // the handle was already looked for
  };
  CHECK((*directory.load(UserRef::handle_or_id("7")))->handle == "u7");
  CHECK(directory.cached(UserRef::handle_or_id("7"))->id == static_cast<UserId>(41));
}

TEST_CASE("a directory whose users are all held does not look through all of them for each new one") {
  MemoryStorage storage;
  Directory directory(storage, 100);
  std::vector<UserPtr> held;
  for (std::uint64_t i = 1; i <= 20'000; ++i) held.push_back(directory.add(named(i, "u" + std::to_string(i))));
  CHECK(directory.size() == 20'000);
  CHECK(directory.trims() < 60);
  held.clear();
  for (std::uint64_t i = 20'001; i <= 60'000; ++i) static_cast<void>(directory.add(named(i, "u" + std::to_string(i))));
  CHECK(directory.size() <= 40'000);
}

}  // namespace
}  // namespace loft::tests
