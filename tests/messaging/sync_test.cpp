// Sync: one order over messages and changes, page by page.
#include <map>

#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

TEST_CASE("who asks ahead of all that happened is sent back to the present, and misses nothing") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto present = raw(send(world, a, b));
  const auto ahead = sync(world, b, id::limit - 1);
  REQUIRE(reason_of(ahead) == "ok");
  CHECK(ahead->entries.empty());
  CHECK(ahead->next >= present);
  const auto next = send(world, a, b);
  const auto page = sync(world, b, ahead->next);
  REQUIRE(page->entries.size() == 1);
  CHECK(page->entries.front().position == raw(next));
}

TEST_CASE("sync says of a message from others whether the caller has read or hidden it, also after a restart") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto fresh = send(world, a, b), seen = send(world, a, b), gone = send(world, a, b);
  REQUIRE(world.read(b, {seen}));
  REQUIRE(world.read(b, {gone}, MarkId::hidden));
  if (GENERATE(false, true)) world.restart();
  const auto page = sync(world, b, 0);
  REQUIRE(reason_of(page) == "ok");
  std::map<MessageId, std::pair<Receipt, bool>> states;
  for (const auto& entry : page->entries) {
    if (!entry.change) states[entry.record.message->id] = {entry.record.receipt, entry.record.hidden};
  }
  CHECK(states[fresh] == std::pair(Receipt::sent, false));
  CHECK(states[seen] == std::pair(Receipt::read, false));
  CHECK(states[gone] == std::pair(Receipt::sent, true));
  const auto others = sync(world, a, 0);
  for (const auto& entry : others->entries) CHECK_FALSE(entry.record.hidden);
}

TEST_CASE("who joins later syncs nothing of what was before, not even its recall or its being read") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b})->conversation->id;
  const auto secret = send(world, a, group), other = send(world, a, group);
  REQUIRE(world.change(c, MembershipAct::Kind::join, group));
  REQUIRE(recall(world, a, secret));
  REQUIRE(world.read(b, {other}));
  const auto next = send(world, a, group);
  const auto limit = GENERATE(std::size_t{1}, std::size_t{100});
  std::vector<std::string> lines;
  Position after = 0;
  for (bool more = true; more;) {
    const auto page = sync(world, c, after, limit);
    REQUIRE(reason_of(page) == "ok");
    for (const auto& entry : page->entries) {
      lines.push_back(entry.change ? std::to_string(static_cast<int>(entry.change->kind))
                                   : line("m", entry.record.message->id));
    }
    after = page->next;
    more = page->more;
  }
  CHECK(lines == std::vector<std::string>{std::to_string(static_cast<int>(ChangeKind::joined)), line("m", next)});
}

TEST_CASE("who syncs while others write misses nothing and hears nothing twice, with any page") {
  World world({}, 2, false);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  const auto limit = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{50});
  std::vector<Position> seen;
  Position after = sync(world, c, 0)->next;
  const auto take = [&] {
    const auto page = sync(world, c, after, limit);
    REQUIRE(reason_of(page) == "ok");
    for (const auto& entry : page->entries) seen.push_back(entry.position);
    CHECK(page->next >= after);
    after = page->next;
    return page->more;
  };
  std::vector<Position> expected;
  for (int i = 0; i < 40; ++i) {
    // Another page is taken between the commit and the moment it is handed back: it must not step over it.
    const auto first = send(world, i % 2 == 0 ? a : b, group);
    const auto second = send(world, a, c);
    expected.push_back(raw(first)), expected.push_back(raw(second));
    if (i % 3 == 0) static_cast<void>(take());
    if (i % 5 == 0) {
      REQUIRE(recall(world, i % 2 == 0 ? a : b, first));
      expected.push_back(world.storage.all_changes().back().position);
    }
  }
  while (take()) continue;
  CHECK(seen == expected);
}

TEST_CASE("a place in the order that was handed out is not stepped over after a restart with the clock set back") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto first = send(world, a, b);
  // A round that is not stored has given ids that the next start gives again.
  world.host.clock().advance(50);
  world.storage.commits_to_fail = 1;
  CHECK_FALSE(world.submit(world.http(a), World::to_user(b, "x")).ok());
  const auto after = sync(world, b, 0)->next;
  const auto followed = world.core->stable();
  CHECK(after >= raw(first));
  world.host.clock().jump_to(world.host.clock().now() - 50);
  world.restart();
  const auto next = send(world, a, b);
  CHECK(raw(next) > followed);
  const auto page = sync(world, b, after);
  REQUIRE(page->entries.size() == 1);
  CHECK(page->entries.front().position == raw(next));
}

TEST_CASE("a page that is asked for while a commit is in flight ends before it") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  send(world, a, b);
  const auto after = sync(world, b, 0)->next;
  int asked = 0;
  world.storage.after_commit = [&] {
    Later<SyncPage> page;
    world.core->sync(world.http(b, 1), {after, 100}, page.done());
    REQUIRE(page.came());
    REQUIRE(reason_of(*page) == "ok");
    CHECK((*page)->entries.empty());
    CHECK((*page)->next == after);
    ++asked;
  };
  const auto id = send(world, a, b);
  world.storage.after_commit = nullptr;
  CHECK(asked == 1);
  const auto page = sync(world, b, after);
  REQUIRE(page->entries.size() == 1);
  CHECK(page->entries.front().position == raw(id));
  CHECK(page->next >= raw(id));
}

TEST_CASE("a page of large messages is short and says that there is more; none is left out") {
  CoreOptions options;
  options.http_page_bytes = 3000;
  World world(options);
  const auto a = world.user("a"), b = world.user("b");
  std::vector<MessageId> sent;
  for (int i = 0; i < 7; ++i) {
    sent.push_back(world.submit(world.http(a), World::to_user(b, std::string(900, 'x')))->record->message->id);
  }
  const auto in = pair_of(world, a, b);
  std::vector<MessageId> inbox, synced, history;
  for (bool more = true; more;) {
    const auto page = world.ask<Page>([&](auto done) {
      world.core->inbox(world.http(b), {.after = inbox.empty() ? MessageId::none : inbox.back(), .limit = 50},
                        std::move(done));
    });
    CHECK(page->messages.size() == (page->more ? 2 : 1));
    for (const auto& record : page->messages) inbox.push_back(record.message->id);
    more = page->more;
  }
  Position after = 0;
  for (bool more = true; more;) {
    const auto page = sync(world, b, after);
    for (const auto& entry : page->entries) {
      if (entry.record.message != nullptr && !entry.change) synced.push_back(entry.record.message->id);
    }
    after = page->next;
    more = page->more;
  }
  for (bool more = true; more;) {
    const auto page = world.ask<Page>([&](auto done) {
      HistoryQuery query;
      query.in = ConversationRef::of(in);
      query.before = history.empty() ? MessageId::none : history.back();
      world.core->history(world.http(b), query, std::move(done));
    });
    CHECK(page->messages.size() == (page->more ? 2 : 1));
    for (const auto& record : page->messages) history.push_back(record.message->id);
    more = page->more;
  }
  CHECK(inbox == sent);
  CHECK(synced == sent);
  CHECK(std::vector<MessageId>(history.rbegin(), history.rend()) == sent);
}

TEST_CASE("pages over HTTP are full where those of a session, whose outbox has room for less, are short") {
  CoreOptions options;
  options.page_bytes = 3000;
  World world(options);
  const auto a = world.user("a"), b = world.user("b");
  for (int i = 0; i < 7; ++i) REQUIRE(world.submit(world.http(a), World::to_user(b, std::string(900, 'x'))));
  const auto count = [&](const Caller& caller, std::size_t offset) {
    InboxQuery query;
    query.limit = 3;
    query.offset = offset;
    query.newest_first = true;
    return world.ask<Page>([&](auto done) { world.core->inbox(caller, query, std::move(done)); })->messages.size();
  };
  CHECK(count(world.http(b), 0) == 3);
  CHECK(count(world.http(b), 3) == 3);
  CHECK(count(world.http(b), 6) == 1);
  CHECK(count(world.login(b).caller(), 0) == 2);
}

TEST_CASE("a message larger than a page is a page") {
  CoreOptions options;
  options.http_page_bytes = 100;
  World world(options);
  const auto a = world.user("a"), b = world.user("b");
  const auto sent = world.submit(world.http(a), World::to_user(b, std::string(900, 'x')));
  const auto page = world.inbox(b, {});
  REQUIRE(page->messages.size() == 1);
  CHECK(page->messages[0].message->id == sent->record->message->id);
  CHECK_FALSE(page->more);
}

}  // namespace
}  // namespace loft::tests
