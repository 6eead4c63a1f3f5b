// Marks in all conversations at once, marks with times, and who hears that something was read.
#include <catch2/catch.hpp>

#include "messaging/place.hpp"
#include "shorthand.hpp"

namespace loft::tests {
namespace {

constexpr Millis hour = 3'600'000;

Result<Marked> everywhere(World& world, UserId user, MarkId mark, std::optional<MarkId> having = {},
                          Millis set_before = 0) {
  MarkAct act;
  act.mark = mark;
  act.everywhere = true;
  act.having = having;
  act.set_before = set_before;
  return world.ask<Marked>([&](auto done) { world.core->mark(world.http(user), act, std::move(done)); });
}

/// Whole hours, so that a test says exactly what is rounded.
Millis on_the_hour(World& world) {
  auto& clock = world.host.clock();
  clock.jump_to((clock.now() / hour + 1) * hour);
  return clock.now();
}

SessionPolicy listening() {
  SessionPolicy policy;
  policy.interests.receipts = true;
  return policy;
}

std::vector<std::string> receipts_of(const Client& client) {
  std::vector<std::string> lines;
  for (const auto& line : client.received) {
    if (line.starts_with("t:")) lines.push_back(line);
  }
  return lines;
}

std::string receipt_line(UserId reader, MessageId newest) {
  return "t:" + std::to_string(raw(reader)) + ":" + std::to_string(raw(newest));
}

TEST_CASE("a mark is set everywhere: each message from others once, and nothing that comes later") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  const auto direct = send(world, a, b);
  send(world, b, group);
  send(world, c, group);
  const auto gone = send(world, a, group);
  REQUIRE(recall(world, a, gone));
  send(world, a, c);
  REQUIRE(world.read(b, {direct}));
  auto marked = everywhere(world, b, MarkId::read);
  REQUIRE(reason_of(marked) == "ok");
  CHECK(marked->newly == 1);
  CHECK(marked->advanced);
  CHECK(*world.unread(b) == 0);
  CHECK(*world.unread(c) == 2);
  marked = everywhere(world, b, MarkId::read);
  CHECK(marked->newly == 0);
  CHECK_FALSE(marked->advanced);
  send(world, a, b);
  CHECK(*world.unread(b) == 1);
  CHECK(everywhere(world, world.user("nobody"), MarkId::read)->newly == 0);
}

TEST_CASE("what was set since before a moment is cleared once, by the time of the act, an hour late at the most") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto start = on_the_hour(world);
  auto& clock = world.host.clock();
  const auto one = send(world, a, b), two = send(world, a, b), three = send(world, a, b);
  send(world, a, b);
  clock.jump_to(start + 1);
  REQUIRE(world.read(b, {one}, world.timed));  // known as the first hour
  clock.jump_to(start + 2 * hour);
  REQUIRE(world.read(b, {two}, world.timed));
  clock.jump_to(start + 5 * hour);
  REQUIRE(world.read(b, {three}));  // so it has the mark too
  const auto restarted = GENERATE(false, true);
  if (restarted) world.restart();
  const auto clear = [&](Millis before) { return everywhere(world, b, world.plain, world.timed, before)->newly; };
  CHECK(clear(start + hour) == 0);
  CHECK(clear(start + hour + 1) == 1);
  CHECK(clear(start + hour + 1) == 0);
  CHECK(clear(start + 2 * hour + 1) == 1);
  CHECK(clear(start + 5 * hour) == 0);
  CHECK(clear(start + 5 * hour + 1) == 1);
  CHECK(clear(start + 99 * hour) == 0);
  InboxQuery query;
  query.having = world.timed;
  query.lacking = world.plain;
  query.with_total = true;
  const auto left = world.ask<Page>([&](auto done) { world.core->inbox(world.http(b), query, std::move(done)); });
  CHECK(left->messages.empty());
  CHECK(left->total == 0);
}

TEST_CASE("where it is not known since when, the message's own time decides") {
  CoreOptions options;
  if (GENERATE(false, true)) options.recent_bytes = 1;
  World world(options, 2, GENERATE(false, true));
  const auto a = world.user("a"), b = world.user("b");
  const auto start = on_the_hour(world);
  const auto one = send(world, a, b);
  send(world, b, a);
  world.host.clock().jump_to(start + hour);
  const auto two = send(world, a, b);
  world.host.clock().jump_to(start + 9 * hour);
  REQUIRE(world.read(b, {one, two}, world.plain));
  const auto clear = [&](Millis before) { return everywhere(world, b, world.implied, world.plain, before)->newly; };
  CHECK(clear(start) == 0);
  CHECK(clear(start + 1) == 1);
  CHECK(clear(start + hour) == 0);
  const auto state = world.ask<MarkState>([&](auto done) {
    world.core->mark_state(world.http(b), ConversationRef::direct(UserRef::of(a)), world.implied, std::move(done));
  });
  CHECK(state->newest == one);
  CHECK(clear(start + hour + 1) == 1);
  CHECK(reason_of(everywhere(world, b, MarkId::hidden, world.plain, start)) == "mark.hidden_having");
}

TEST_CASE("what was read is not newly marked where reading implies the mark") {
  World world(CoreOptions(), 2, GENERATE(false, true));
  const auto a = world.user("a"), b = world.user("b");
  const auto one = send(world, a, b), two = send(world, a, b), three = send(world, a, b);
  REQUIRE(world.read(b, {two}));
  const auto marked = [&](MarkId mark) {
    MarkAct act;
    act.mark = mark;
    act.messages = {one, two, three};
    return world.ask<Marked>([&](auto done) { world.core->mark(world.http(b), std::move(act), std::move(done)); })
        ->newly;
  };
  CHECK(marked(world.implied) == 2);
  CHECK(marked(world.plain) == 3);
  CHECK(marked(MarkId::read) == 2);
}

TEST_CASE("marks with times that are set in one hour are one interval, also those of proven pushes") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto start = on_the_hour(world);
  auto& clock = world.host.clock();
  clock.jump_to(start + 1);
  std::vector<MessageId> sent;
  for (int i = 0; i < 10; ++i) sent.push_back(send(world, a, b));
  for (const auto id : sent) {
    clock.advance(1000);
    REQUIRE(world.read(b, {id}, world.timed));
  }
  SessionPolicy policy;
  policy.mark_on_push = {world.timed};
  auto& client = world.login(b, policy);
  send(world, a, b);
  client.prove_all();
  world.core->sweep(0);
  world.settle();
  const auto rows = *world.storage.memberships(b);
  REQUIRE(rows.size() == 1);
  REQUIRE(rows.front().marks.size() == 1);
  const auto mark = Mark::decode(rows.front().marks.front().set);
  REQUIRE(mark.ok());
  CHECK(mark->set.intervals() == std::vector<IntervalSet::Interval>{{1, 11, start + hour}});
  CHECK(everywhere(world, b, world.plain, world.timed, start + hour)->newly == 0);
  CHECK(everywhere(world, b, world.plain, world.timed, start + hour + 1)->newly == 11);
}

TEST_CASE("a sender's live sessions hear who has read its messages, once a round, with the position that sync gives") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  auto& sender = world.login(a, listening());
  auto& other = world.login(c, listening());
  auto& deaf = world.login(a);
  std::vector<Position> positions;
  world.line.receipt_positions = &positions;
  const auto one = send(world, a, group), two = send(world, a, group), theirs = send(world, c, group);
  const auto last = send(world, a, group);
  Later<Marked> first, second;
  MarkAct act;
  act.messages = {one, theirs};
  world.core->mark(world.http(b), act, first.done());
  act.messages = {two};
  world.core->mark(world.http(b), act, second.done());
  world.settle();
  CHECK(receipts_of(sender) == std::vector<std::string>{receipt_line(b, two)});
  CHECK(receipts_of(other) == std::vector<std::string>{receipt_line(b, theirs)});
  const auto change = world.storage.all_changes().back();
  CHECK(change.kind == ChangeKind::read);
  CHECK(positions == std::vector<Position>{change.position, change.position});
  // What was read before is no news, and a recalled message is not read.
  REQUIRE(world.read(b, {one, two}));
  REQUIRE(recall(world, a, last));
  REQUIRE(world.read(b, {last}));
  CHECK(receipts_of(sender).size() == 1);
  // One's own reading is none to oneself.
  const auto self = send(world, a, a);
  REQUIRE(world.read_up_to(a, pair_of(world, a, a), self));
  CHECK(receipts_of(sender).size() == 1);
  CHECK(receipts_of(deaf).empty());
  world.line.receipt_positions = nullptr;
}

TEST_CASE("in a group of more than receipts.group_max members nobody hears of receipts") {
  CoreOptions options;
  options.receipts_max = 2;
  World world(options);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  auto& sender = world.login(a, listening());
  const auto large = world.group(a, {b, c})->conversation->id, small = world.group(a, {b})->conversation->id;
  const auto unheard = send(world, a, large), heard = send(world, a, small);
  REQUIRE(world.read(b, {unheard, heard}));
  CHECK(receipts_of(sender) == std::vector<std::string>{receipt_line(b, heard)});
}

TEST_CASE("senders of older messages are looked for among the newest thousand, and only where somebody listens") {
  CoreOptions options;
  options.recent_bytes = 1;
  World world(options, 2, GENERATE(true, false));
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  send(world, c, group);
  const auto found = send(world, a, group);
  MessageId last{};
  for (int i = 0; i < 999; ++i) last = send(world, b, group);
  auto& sender = world.login(a, listening());
  auto& forgotten = world.login(c, listening());
  REQUIRE(world.read_up_to(b, group, last)->newly == 2);
  CHECK(receipts_of(sender) == std::vector<std::string>{receipt_line(b, found)});
  CHECK(receipts_of(forgotten).empty());
  // Nobody listens: nothing is read for it.
  sender.logout();
  forgotten.logout();
  world.settle();
  const auto direct = send(world, a, b);
  send(world, c, c);
  int reads = 0;
  auto& reader = world.login(b);
  world.storage.in_read = [&] { ++reads; };
  Later<Marked> marked;
  MarkAct act;
  act.in = ConversationRef::direct(UserRef::of(a));
  act.up_to = direct;
  world.core->mark(reader.caller(), act, marked.done());
  world.settle();
  world.storage.in_read = nullptr;
  REQUIRE(marked.came());
  CHECK((*marked)->newly == 1);
  const int without = reads;
  auto& listens = world.login(a, listening());
  const auto next = send(world, a, b);
  send(world, c, c);
  reads = 0;
  world.storage.in_read = [&] { ++reads; };
  act.up_to = next;
  Later<Marked> again;
  world.core->mark(reader.caller(), act, again.done());
  world.settle();
  world.storage.in_read = nullptr;
  CHECK((*again)->newly == 1);
  CHECK(reads == without + 1);
  CHECK(receipts_of(listens) == std::vector<std::string>{receipt_line(b, next)});
}

TEST_CASE("where somebody has read, sync names the newest message: for others one of the caller's own") {
  CoreOptions options;
  if (GENERATE(false, true)) options.recent_bytes = 1;
  World world(options);
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  const auto one = send(world, a, group), two = send(world, a, group), theirs = send(world, c, group);
  const auto records = [&](UserId user) {
    std::vector<MessageId> ids;
    const auto page = world.ask<SyncPage>([&](auto done) {
      world.core->sync(world.http(user), {0, 5000}, std::move(done));
    });
    REQUIRE(reason_of(page) == "ok");
    for (const auto& entry : page->entries) {
      if (!entry.change || entry.change->kind != ChangeKind::read) continue;
      ids.push_back(entry.record.message != nullptr ? entry.record.message->id : MessageId::none);
    }
    return ids;
  };
  REQUIRE(world.read_up_to(b, group, theirs));
  CHECK(records(a) == std::vector<MessageId>{two});
  CHECK(records(c) == std::vector<MessageId>{theirs});
  CHECK(records(b) == std::vector<MessageId>{theirs});
  REQUIRE(world.read_up_to(c, group, two));
  CHECK(records(a) == std::vector<MessageId>{two, two});
  CHECK(records(c) == std::vector<MessageId>{theirs, two});
  // A recalled one is not read.
  REQUIRE(recall(world, a, two));
  CHECK(records(a) == std::vector<MessageId>{one, one});
  // However far behind it is.
  const auto far = send(world, a, group);
  MessageId last{};
  for (int i = 0; i < 1000; ++i) last = send(world, c, group);
  REQUIRE(world.read_up_to(b, group, last));
  CHECK(records(a) == std::vector<MessageId>{one, one, far});
}

TEST_CASE("a position is a place in each log, whether its messages are in memory or not") {
  CoreOptions options;
  options.recent_bytes = 1500;  // two or three of them
  World world(options);
  const auto a = world.user("a"), b = world.user("b");
  std::vector<MessageId> sent;
  for (int i = 0; i < 6; ++i) sent.push_back(send(world, a, b));
  InboxQuery query;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    query.after = sent[i];
    const auto page = world.ask<Page>([&](auto done) { world.core->inbox(world.http(b), query, std::move(done)); });
    CHECK(ids_of(page) == std::vector<MessageId>(sent.begin() + static_cast<std::ptrdiff_t>(i) + 1, sent.end()));
  }
}

}  // namespace
}  // namespace loft::tests
