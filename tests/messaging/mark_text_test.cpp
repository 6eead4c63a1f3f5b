// Marks as they are stored: JSON now, bytes in older databases.
#include <catch2/catch.hpp>

#include <random>

#include "messaging/state.hpp"
#include "messaging/varint.hpp"

namespace loft::tests {
namespace {

Mark a_mark(std::mt19937_64& random) {
  Mark mark;
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  for (auto n = below(6); n > 0; --n) {
    const Seq low = 1 + below(1000);
    mark.set.insert(low, low + below(5), below(2) == 0 ? 0 : static_cast<Millis>(1'750'000'000'000 + below(9)));
  }
  mark.newest = static_cast<MessageId>(below(id::limit));
  mark.reached = static_cast<Millis>(below(2'000'000'000'000));
  return mark;
}

bool same(const Mark& a, const Mark& b) { return a.set == b.set && a.newest == b.newest && a.reached == b.reached; }

TEST_CASE("a mark is stored as JSON that says its intervals, with times where they are kept") {
  Mark mark;
  mark.set.insert(1, 5, 0), mark.set.insert(7, 9, 1'750'000'000'000), mark.set.insert(12, 12, 0);
  mark.newest = static_cast<MessageId>(99);
  mark.reached = 88;
  CHECK(mark.encode() == R"({"newest":99,"reached":88,"set":[[1,5],[7,9,1750000000000],[12,12]]})");
  CHECK(Mark{}.encode() == R"({"newest":0,"reached":0,"set":[]})");
}

TEST_CASE("marks are read back as they were written, from JSON and from the bytes of older databases") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    const auto mark = a_mark(random);
    const auto back = Mark::decode(mark.encode());
    REQUIRE(back);
    REQUIRE(same(*back, mark));
    std::string bytes;
    varint::put(bytes, raw(mark.newest));
    varint::put(bytes, static_cast<std::uint64_t>(mark.reached));
    mark.set.encode(bytes);
    if (bytes.front() == '{') continue;  // newest is 123: no id of a message
    const auto old = Mark::decode(bytes);
    REQUIRE(old);
    REQUIRE(same(*old, mark));
  }
}

TEST_CASE("a mark that is damaged is refused, wherever it is cut or changed") {
  std::mt19937_64 random(6);
  int sound = 0;
  for (int round = 0; round < 3000; ++round) {
    auto text = a_mark(random).encode();
    REQUIRE_FALSE(Mark::decode(text.substr(0, random() % text.size())));
    text[random() % text.size()] = static_cast<char>(random());
    const auto mark = Mark::decode(text);
    if (!mark) {
      CHECK(mark.error().reason == "mark.damaged");
      continue;
    }
    ++sound;  // another number
    Seq last = 0;
    for (const auto& interval : mark->set.intervals()) {
      REQUIRE((interval.low > last && interval.high >= interval.low && interval.at >= 0));
      last = interval.high;
    }
  }
  CHECK(sound > 0);
  for (const auto* text : {R"({"newest":1,"reached":2,"set":[[5,1]]})", R"({"newest":1,"reached":2,"set":[[0,1]]})",
                           R"({"newest":1,"reached":2,"set":[[1,4],[4,5]]})", R"({"newest":1,"reached":2,"set":[]}x)",
                           R"({"newest":-1,"reached":2,"set":[]})", R"({"newest":1,"reached":2,"set":[[1,2,-3]]})",
                           R"({"newest":1,"reached":2,"set":[[1,99999999999999999999]]})", "{", ""}) {
    CHECK_FALSE(Mark::decode(text));
  }
}

}  // namespace
}  // namespace loft::tests
