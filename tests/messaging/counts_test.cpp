// Counts of many conversations: one question to the storage, and only for what is wanted.
#include <catch2/catch.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

Result<std::vector<ConversationRecord>> conversations(World& world, UserId user, ConversationQuery query) {
  return world.ask<std::vector<ConversationRecord>>(
      [&](auto done) { world.core->conversations(world.http(user), query, std::move(done)); });
}

/// A reader to whom `peers` have written, the i-th of them i + 1 messages; nothing is in memory.
struct Busy {
  explicit Busy(int peers) : reader(world.user("reader")) {
    for (int i = 0; i < peers; ++i) {
      const auto peer = world.user("peer" + std::to_string(i));
      for (int n = 0; n <= i; ++n) sent.push_back(send(world, peer, reader));
      send(world, reader, peer);
    }
    world.restart();
    world.storage.in_count = [this] { ++counts; };
  }

  World world;
  UserId reader;
  std::vector<MessageId> sent;
  int counts = 0;  ///< ranges that were counted in
};

}  // namespace

TEST_CASE("what is unread in all conversations after a start is one question to the storage, asked once") {
  Busy busy(12);
  CHECK(*busy.world.unread(busy.reader) == 78);
  CHECK(busy.world.storage.bulk_counts == 1);
  CHECK(busy.counts == 12);
  CHECK(*busy.world.unread(busy.reader) == 78);
  CHECK(conversations(busy.world, busy.reader, {})->size() == 12);
  CHECK(busy.world.storage.bulk_counts == 1);
}

TEST_CASE("a page of the conversation list counts what is on it, with one question for each kind of count") {
  Busy busy(12);
  ConversationQuery query;
  query.limit = 4;
  query.offset = 2;
  query.lacking = busy.world.plain;
  const auto page = conversations(busy.world, busy.reader, query);
  REQUIRE(page->size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK((*page)[i].unread == 10 - i);
    CHECK((*page)[i].lacking == 10 - i);
  }
  CHECK(busy.world.storage.bulk_counts == 2);
  CHECK(busy.counts == 8);
}

TEST_CASE("pages of those conversations that have something unread leave nothing out and repeat nothing") {
  Busy busy(12);
  // The second, third and sixth are read as a whole.
  REQUIRE(busy.world.read(busy.reader, {busy.sent.begin() + 1, busy.sent.begin() + 6}));
  REQUIRE(busy.world.read(busy.reader, {busy.sent.begin() + 15, busy.sent.begin() + 21}));
  busy.world.restart();
  std::vector<std::uint64_t> unread;
  ConversationQuery query;
  query.only_lacking = true;
  query.limit = 4;
  for (;; query.offset += query.limit) {
    const auto page = conversations(busy.world, busy.reader, query);
    REQUIRE(page);
    if (page->empty()) break;
    for (const auto& record : *page) unread.push_back(record.unread);
  }
  CHECK(unread == std::vector<std::uint64_t>{12, 11, 10, 9, 8, 7, 5, 4, 1});
}

TEST_CASE("the total of an inbox over many conversations is one question to the storage") {
  Busy busy(12);
  InboxQuery query;
  query.lacking = busy.world.plain;
  query.with_total = true;
  query.limit = 1;
  const auto page = busy.world.ask<Page>(
      [&](auto done) { busy.world.core->inbox(busy.world.http(busy.reader), std::move(query), std::move(done)); });
  CHECK(page->total == 78);
  CHECK(busy.world.storage.bulk_counts == 1);
}

TEST_CASE("counts that the storage could not make are an error of the whole page, and made again") {
  Busy busy(3);
  busy.world.storage.counts_to_fail = 1;
  CHECK(reason_of(busy.world.unread(busy.reader)) == "storage.unavailable");
  CHECK(reason_of(conversations(busy.world, busy.reader, {})) == "ok");
  CHECK(*busy.world.unread(busy.reader) == 6);
}

}  // namespace loft::tests
