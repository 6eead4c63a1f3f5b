// Sync: who has read what, as others and as one's own devices hear of it.
#include <catch2/catch.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

struct Read {
  UserId reader;
  ConversationId in;
  MessageId newest;
  bool operator==(const Read&) const = default;
};

std::vector<Read> reads_of(const Result<SyncPage>& page) {
  REQUIRE(reason_of(page) == "ok");
  std::vector<Read> reads;
  for (const auto& entry : page->entries) {
    if (!entry.change || entry.change->kind != ChangeKind::read) continue;
    CHECK(entry.actor->id == entry.change->actor);
    CHECK(entry.change->position > raw(entry.change->message));
    reads.push_back({entry.change->actor, entry.conversation->id, entry.change->message});
  }
  return reads;
}

TEST_CASE("what one member reads is part of what the others sync, once for each round") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  const auto one = send(world, a, group), two = send(world, a, group), direct = send(world, a, b);
  const auto in = pair_of(world, a, b);
  const auto start = sync(world, c, 0)->next;
  Later<Marked> first, second;
  MarkAct act;
  act.messages = {one};
  world.core->mark(world.http(b), act, first.done());
  act.messages = {two, direct};
  world.core->mark(world.http(b), act, second.done());
  world.settle();
  CHECK(reads_of(sync(world, a, start)) == std::vector<Read>{{b, group, two}, {b, in, direct}});
  CHECK(reads_of(sync(world, b, start)) == std::vector<Read>{{b, group, two}, {b, in, direct}});
  CHECK(reads_of(sync(world, c, start)) == std::vector<Read>{{b, group, two}});
  // What is read already, own or recalled, and marks of other kinds are nothing to hear of.
  REQUIRE(world.read(b, {one, two, direct}));
  REQUIRE(world.read_up_to(a, group, two));
  REQUIRE(world.read(c, {one}, MarkId::delivered));
  REQUIRE(world.read(c, {one}, MarkId::hidden));
  const auto changes = world.storage.all_changes().size();
  const auto gone = send(world, a, b);
  REQUIRE(recall(world, a, gone));
  REQUIRE(world.read(b, {gone}));
  CHECK(world.storage.all_changes().size() == changes + 1);
  // An older one that was left out is heard of as well.
  const auto left = send(world, a, b), last = send(world, a, b);
  REQUIRE(world.read(b, {last}));
  const auto then = sync(world, a, start)->next;
  REQUIRE(world.read(b, {left}));
  CHECK(reads_of(sync(world, a, then)) == std::vector<Read>{{b, in, left}});
  world.restart();
  CHECK(reads_of(sync(world, a, then)) == std::vector<Read>{{b, in, left}});
  CHECK(reads_of(sync(world, c, start)) == std::vector<Read>{{b, group, two}});
}

TEST_CASE("of what the caller itself has read, sync gives the newest message") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  send(world, a, b);
  const auto last = send(world, a, b);
  const auto start = sync(world, b, 0)->next;
  REQUIRE(world.read_up_to(b, pair_of(world, a, b), last));
  const auto page = sync(world, b, start);
  REQUIRE(reads_of(page).size() == 1);
  REQUIRE(page->entries.front().record.message != nullptr);
  CHECK(page->entries.front().record.message->id == last);
  CHECK(page->entries.front().record.receipt == Receipt::read);
}

TEST_CASE("of what another member has read, sync names no message that was left out") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  const auto read = send(world, a, group), left_out = send(world, a, group), theirs = send(world, c, group);
  const auto start = sync(world, a, 0)->next;
  REQUIRE(world.read(b, {read, theirs}));
  const auto named = [&] {
    const auto page = sync(world, a, start);
    REQUIRE(reads_of(page).front().newest == theirs);
    std::vector<MessageId> ids;
    for (const auto& entry : page->entries)
      ids.push_back(entry.record.message != nullptr ? entry.record.message->id : MessageId::none);
    return ids;
  };
  CHECK(named() == std::vector{read});
  world.restart();
  CHECK(named() == std::vector{read});
  REQUIRE(world.read(b, {left_out}));
  CHECK(named() == std::vector{read, left_out});
  world.restart();
  CHECK(named() == std::vector{read, left_out});
}

TEST_CASE("older ones that are read after a newer one are told of one by one, as live, the same for each act") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  const auto old = send(world, a, group), middle = send(world, a, group), other = send(world, c, group);
  const auto start = sync(world, a, 0)->next;
  SessionPolicy policy;
  policy.interests.receipts = true;
  auto& live = world.login(a, policy);
  REQUIRE(world.read(b, {middle}));
  REQUIRE(world.read(b, {old, other}));
  world.settle();
  std::vector<std::string> heard, synced;
  for (const auto& line : live.received) {
    if (line.starts_with("t:")) heard.push_back(line);
  }
  const auto told = [&](MessageId id) { return "t:" + std::to_string(raw(b)) + ":" + std::to_string(raw(id)); };
  const auto page = sync(world, a, start);
  for (const auto& entry : page->entries) {
    if (entry.change) synced.push_back(told(entry.record.message->id));
  }
  CHECK(heard == std::vector{told(middle), told(old)});
  CHECK(synced == heard);
}

TEST_CASE(
    "one's own reading names the newest from others that it read, also up to an own message and behind a recalled "
    "one") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto in = [&] { return pair_of(world, a, b); };
  const auto first = send(world, a, b), second = send(world, a, b), own = send(world, b, a);
  const auto start = sync(world, b, 0)->next;
  REQUIRE(world.read_up_to(b, in(), own));
  const auto named = [&](Position after) {
    const auto page = sync(world, b, after);
    REQUIRE_FALSE(page->entries.empty());
    const auto& record = page->entries.front().record;
    return record.message != nullptr ? record.message->id : MessageId::none;
  };
  CHECK(reads_of(sync(world, b, start)) == std::vector<Read>{{b, in(), second}});
  CHECK(named(start) == second);
  REQUIRE(recall(world, a, second));
  CHECK(named(start) == first);
  world.restart();
  CHECK(named(start) == first);
  REQUIRE(world.read(b, {first}, MarkId::hidden));
  CHECK(named(start) == second);  // nothing of it stands: its tombstone
}

TEST_CASE("what a member has hidden unread is not read by any act, and its sender hears nothing") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto gone = send(world, a, b), stays = send(world, a, b), last = send(world, a, b);
  const auto in = pair_of(world, a, b);
  REQUIRE(world.read(b, {gone, last}, MarkId::hidden));
  const auto start = sync(world, a, 0)->next;
  CHECK(world.read(b, {gone})->newly == 0);
  CHECK(world.read(b, {gone}, MarkId::delivered)->newly == 0);
  CHECK(sync(world, a, start)->entries.empty());
  CHECK(world.read_up_to(b, in, last)->newly == 1);
  CHECK(reads_of(sync(world, a, start)) == std::vector<Read>{{b, in, stays}});
  if (GENERATE(false, true)) world.restart();
  CHECK(receipt(world, a, gone) == Receipt::sent);
  CHECK(receipt(world, a, stays) == Receipt::read);
  CHECK(receipt(world, a, last) == Receipt::sent);
  // What was read before stays read.
  REQUIRE(world.read(b, {stays}, MarkId::hidden));
  CHECK(receipt(world, a, stays) == Receipt::read);
}

TEST_CASE("an inbox that marks as read is heard of, and so is reading up to a time") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto one = send(world, a, b);
  const auto in = pair_of(world, a, b);
  InboxQuery query;
  query.lacking = query.mark_returned = MarkId::read;
  REQUIRE(world.ask<Page>([&](auto done) { world.core->inbox(world.http(b), query, std::move(done)); }));
  const auto two = send(world, a, b);
  MarkAct act;
  act.in = ConversationRef::of(in);
  act.up_to_time = world.host.clock().now() + 5;
  REQUIRE(world.ask<Marked>([&](auto done) { world.core->mark(world.http(b), act, std::move(done)); }));
  // Only the time goes on: the receipts are what they were.
  act.up_to_time += 5;
  REQUIRE(world.ask<Marked>([&](auto done) { world.core->mark(world.http(b), act, std::move(done)); }));
  CHECK(reads_of(sync(world, a, 0)) == std::vector<Read>{{b, in, one}, {b, in, two}});
}

TEST_CASE("in a large group nobody hears who has read what, also when its members were not in memory") {
  CoreOptions options;
  options.receipts_max = 2;
  World world(options);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto large = world.group(a, {b, c})->conversation->id, small = world.group(a, {b})->conversation->id;
  const auto unheard = send(world, a, large), heard = send(world, a, small);
  const bool restarted = GENERATE(false, true);
  if (restarted) world.restart();
  REQUIRE(world.read(b, {unheard, heard}));
  CHECK(reads_of(sync(world, a, 0)) == std::vector<Read>{{b, small, heard}});
}

}  // namespace
}  // namespace loft::tests
