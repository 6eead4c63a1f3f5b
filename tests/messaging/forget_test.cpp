// Messages that are removed because they are old: what users see is as if the log began later.
#include <catch2/catch.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

std::vector<MessageId> ten(World& world, UserId from, UserId to) {
  std::vector<MessageId> ids;
  for (int i = 1; i <= 10; ++i) ids.push_back(send(world, from, to, "c" + std::to_string(i)));
  return ids;
}

Result<Page> history(World& world, UserId user, ConversationId in, MessageId before = MessageId::none,
                     std::size_t limit = 4) {
  return world.ask<Page>([&](auto done) {
    world.core->history(world.http(user), {ConversationRef::of(in), before, 0, limit, true}, std::move(done));
  });
}

std::vector<MessageId> part(const std::vector<MessageId>& ids, std::size_t first, std::size_t count) {
  return {ids.begin() + static_cast<std::ptrdiff_t>(first), ids.begin() + static_cast<std::ptrdiff_t>(first + count)};
}

CoreOptions of_size(bool fits) {
  CoreOptions options;
  if (!fits) options.recent_bytes = 1;
  return options;
}

TEST_CASE("a history ends at the oldest message that is kept, and so does a page behind a message that is gone") {
  for (const bool fits : {true, false}) {
    World world(of_size(fits));
    const auto a = world.user("a"), b = world.user("b");
    const auto ids = ten(world, a, b);
    const auto in = pair_of(world, a, b);
    CHECK(*world.core->forget_messages(in, 4) == 4);
    CHECK(*world.core->forget_messages(in, 4) == 0);
    auto page = history(world, b, in);
    auto newest = part(ids, 6, 4);
    std::reverse(newest.begin(), newest.end());
    CHECK(ids_of(page) == newest);
    CHECK(page->more);
    page = history(world, b, in, newest.back());
    CHECK(ids_of(page) == std::vector{ids[5], ids[4]});
    CHECK_FALSE(page->more);
    // A cursor from before the removal.
    page = history(world, b, in, ids[3]);
    REQUIRE(reason_of(page) == "ok");
    CHECK(page->messages.empty());
    CHECK_FALSE(page->more);
    CHECK(reason_of(history(world, b, in, static_cast<MessageId>(raw(ids[9]) + 1))) == "message.unknown");
    CHECK(reason_of(history(world, b, in, static_cast<MessageId>(1))) == "message.unknown");
    CHECK(*world.core->forget_messages(in, 10) == 6);
    page = history(world, b, in);
    REQUIRE(reason_of(page) == "ok");
    CHECK(page->messages.empty());
    CHECK_FALSE(page->more);
    const auto next = send(world, b, a, "next");
    CHECK(ids_of(history(world, a, in)) == std::vector{next});
    CHECK(*world.unread(a, in) == 1);
    CHECK(*world.unread(b, in) == 0);
  }
}

TEST_CASE("what is removed does not count as unread any more, whether it was counted before or not") {
  for (const bool fits : {true, false}) {
    for (const bool counted : {true, false}) {
      World world(of_size(fits));
      const auto a = world.user("a"), b = world.user("b");
      auto& session = world.login(b);
      const auto ids = ten(world, a, b);
      const auto in = pair_of(world, a, b);
      REQUIRE(reason_of(world.read(b, {ids[1], ids[8]})) == "ok");
      if (counted) CHECK(*world.unread(b, in) == 8);
      CHECK(*world.core->forget_messages(in, 5) == 5);
      CHECK(*world.unread(b, in) == 4);
      CHECK(*world.unread(b) == 4);
      send(world, a, b, "one more");
      CHECK(*world.unread(b, in) == 5);
      REQUIRE(reason_of(world.read_up_to(b, in, ids[2])) == "ok");  // it is gone: nothing happens
      CHECK(*world.unread(b, in) == 5);
      CHECK(reason_of(world.read(b, {ids[2], ids[6]})) == "ok");
      CHECK(*world.unread(b, in) == 4);
      world.restart();
      CHECK(*world.unread(b, in) == 4);
      static_cast<void>(session);
    }
  }
}

TEST_CASE("a count that began before a removal is not kept") {
  World world(of_size(false));
  const auto a = world.user("a"), b = world.user("b");
  ten(world, a, b);
  const auto in = pair_of(world, a, b);
  world.restart();
  bool once = true;
  world.storage.in_count = [&] {
    if (std::exchange(once, false)) CHECK(*world.core->forget_messages(in, 5) == 5);
  };
  CHECK(*world.unread(b, in) == 5);
  CHECK(*world.unread(b, in) == 5);
}

TEST_CASE("messages that are gone are not found, recalled, listed or synced, and break nothing that is") {
  for (const bool fits : {true, false}) {
    World world(of_size(fits));
    const auto a = world.user("a"), b = world.user("b");
    const auto ids = ten(world, a, b);
    const auto in = pair_of(world, a, b);
    REQUIRE(reason_of(recall(world, a, ids[2])) == "ok");
    REQUIRE(reason_of(recall(world, a, ids[7])) == "ok");
    REQUIRE(reason_of(world.read(b, {ids[3]})) == "ok");
    CHECK(*world.core->forget_messages(in, 5) == 5);
    for (const auto user : {a, b}) {
      CHECK(reason_of(world.ask<MessageRecord>([&](auto done) {
              world.core->message(world.http(user), ids[1], std::move(done));
            })) == "message.unknown");
    }
    CHECK(reason_of(recall(world, a, ids[1])) == "message.unknown");
    CHECK(reason_of(recall(world, a, ids[2])) == "message.unknown");
    CHECK(ids_of(world.inbox(b, MarkId::read)) == std::vector{ids[5], ids[6], ids[8], ids[9]});
    for (const std::size_t limit : {1, 2, 100}) {
      std::vector<MessageId> synced;
      std::size_t recalls = 0;
      Position after = 0;
      for (bool more = true; more;) {
        const auto page = sync(world, b, after, limit);
        REQUIRE(reason_of(page) == "ok");
        for (const auto& entry : page->entries) {
          if (!entry.change) synced.push_back(entry.record.message->id);
          if (entry.change && entry.change->kind == ChangeKind::recalled) {
            ++recalls;
            CHECK(entry.record.message->id == ids[7]);
          }
        }
        more = page->more;
        after = page->next;
      }
      CHECK(synced == part(ids, 5, 5));
      CHECK(recalls == 1);
    }
    InboxQuery tombstones;
    tombstones.only_recalled = true;
    tombstones.with_total = true;
    const auto found =
        world.ask<Page>([&](auto done) { world.core->inbox(world.http(b), tombstones, std::move(done)); });
    CHECK(ids_of(found) == std::vector{ids[7]});
    CHECK(found->total == 1);
    ConversationQuery list;
    list.with_last = true;
    const auto listed = world.ask<std::vector<ConversationRecord>>(
        [&](auto done) { world.core->conversations(world.http(b), list, std::move(done)); });
    REQUIRE(reason_of(listed) == "ok");
    REQUIRE(listed->size() == 1);
    CHECK(listed->front().last.message->id == ids[9]);
    CHECK(listed->front().unread == 4);
    CHECK(listed->front().read == MessageId::none);
    CHECK(*world.core->forget_messages(in, 10) == 5);
    const auto emptied = world.ask<std::vector<ConversationRecord>>(
        [&](auto done) { world.core->conversations(world.http(b), list, std::move(done)); });
    REQUIRE(reason_of(emptied) == "ok");
    REQUIRE(emptied->size() == 1);
    CHECK(emptied->front().last.message == nullptr);
    CHECK(emptied->front().unread == 0);
    CHECK(sync(world, b, 0)->entries.empty());
    CHECK(ids_of(world.inbox(b, MarkId::read)).empty());
  }
}

TEST_CASE("the repeat of a message that is gone is answered with its id, and nothing is sent") {
  for (const bool restarted : {false, true}) {
    World world;
    const auto a = world.user("a"), b = world.user("b");
    const auto first = world.submit(world.http(a), World::to_user(b, "x", "one"));
    REQUIRE(reason_of(first) == "ok");
    const auto id = first->record->message->id;
    const auto in = first->record->message->conversation;
    CHECK(*world.core->forget_messages(in, 1) == 1);
    if (restarted) world.restart();
    const auto again = world.submit(world.http(a), World::to_user(b, "x", "one"));
    REQUIRE(reason_of(again) == "ok");
    CHECK(again->repeated);
    CHECK(again->record->message->id == id);
    CHECK(again->record->message->conversation == in);
    CHECK(again->record->message->content == "x");
    CHECK(again->record->sender->id == a);
    CHECK(again->record->peer->id == b);
    CHECK(reason_of(world.submit(world.http(a), World::to_user(b, "y", "one"))) == "client_id.reused");
    const auto all = world.submit_all(world.http(a), {World::to_user(b, "x", "one"), World::to(in, "x", "one")});
    REQUIRE(reason_of(all) == "ok");
    for (const auto& one : *all) CHECK((one.repeated && one.record->message->id == id));
    auto& session = world.login(a);
    const auto live = world.submit(session.caller(), World::to(in, "x", "one"));
    REQUIRE(reason_of(live) == "ok");
    CHECK((live->repeated && live->record->message->id == id));
    CHECK(world.storage.all_messages().empty());
  }
}

TEST_CASE("a storage that cannot remove now says so, and a later call does it") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto ids = ten(world, a, b);
  const auto in = pair_of(world, a, b);
  world.storage.forgets_to_fail = 1;
  CHECK(reason_of(world.core->forget_messages(in, 5)) == "storage.unavailable");
  CHECK(*world.unread(b, in) == 10);
  CHECK(ids_of(history(world, b, in, MessageId::none, 20)).size() == 10);
  CHECK(*world.core->forget_messages(in, 5) == 5);
  CHECK(*world.unread(b, in) == 5);
  CHECK(*world.core->forget_messages(static_cast<ConversationId>(77), 5) == 0);
}

TEST_CASE("groups and broadcasts lose old messages for everybody") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c});
  const auto in = group->conversation->id;
  for (int i = 0; i < 6; ++i) send(world, a, in, "c" + std::to_string(i));
  for (const auto user : {b, c}) CHECK(*world.unread(user, in) == 6);
  CHECK(*world.core->forget_messages(in, 4) == 4);
  for (const auto user : {b, c}) CHECK(*world.unread(user, in) == 2);
  auto service = world.http(a);
  service.service = true;
  Submission notice = World::to_user(b, "n");
  notice.to = ConversationRef::broadcast("news");
  const auto said = world.submit(service, notice);
  REQUIRE(reason_of(said) == "ok");
  REQUIRE(reason_of(world.submit(service, notice)) == "ok");
  const auto news = said->record->message->conversation;
  for (const auto user : {b, c}) CHECK(*world.unread(user, news) == 2);
  CHECK(*world.core->forget_messages(news, 1) == 1);
  for (const auto user : {b, c}) CHECK(*world.unread(user, news) == 1);
}

}  // namespace
}  // namespace loft::tests
