// The inbox and the list of conversations: what is chosen, in which order, and how it is counted.
#include <catch2/catch.hpp>

#include <set>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

using Ids = std::vector<MessageId>;

Result<Page> inbox(World& world, UserId user, InboxQuery query) {
  return world.ask<Page>([&](auto done) { world.core->inbox(world.http(user), std::move(query), std::move(done)); });
}

Result<std::vector<ConversationRecord>> conversations(World& world, UserId user, ConversationQuery query) {
  return world.ask<std::vector<ConversationRecord>>(
      [&](auto done) { world.core->conversations(world.http(user), query, std::move(done)); });
}

ConversationRecord conversation(World& world, UserId user, ConversationId id, bool must_be_member = true) {
  const auto record = world.ask<ConversationRecord>([&](auto done) {
    world.core->conversation(world.http(user), ConversationRef::of(id), must_be_member, std::move(done));
  });
  REQUIRE(reason_of(record) == "ok");
  return *record;
}

/// Hardly anything stays in memory.
CoreOptions forgetful() {
  CoreOptions options;
  options.recent_bytes = 1000;
  return options;
}

TEST_CASE("an inbox comes newest first as well, from an offset, and says how many there are in all") {
  World world(GENERATE(false, true) ? forgetful() : CoreOptions{});
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  Ids sent;
  for (int i = 0; i < 6; ++i) {
    sent.push_back(send(world, a, b));
    sent.push_back(send(world, c, b));
    send(world, b, a);
  }
  InboxQuery query;
  query.limit = 5;
  query.offset = 2;
  query.with_total = true;
  auto page = inbox(world, b, query);
  CHECK(ids_of(page) == Ids(sent.begin() + 2, sent.begin() + 7));
  CHECK(page->total == 12);
  CHECK(page->more);
  query.newest_first = true;
  page = inbox(world, b, query);
  CHECK(ids_of(page) == Ids(sent.rbegin() + 2, sent.rbegin() + 7));
  CHECK(page->total == 12);
  query.offset = 10;
  page = inbox(world, b, query);
  CHECK(ids_of(page) == Ids{sent[1], sent[0]});
  CHECK_FALSE(page->more);
  query.offset = 12;
  query.limit = 0;
  page = inbox(world, b, query);
  CHECK(ids_of(page).empty());
  CHECK_FALSE(page->more);
  CHECK(page->total == 12);
  query.with_total = false;
  CHECK(inbox(world, b, query)->total == 0);
}

TEST_CASE("a page of the newest messages reads no more logs than it has messages, however many there are") {
  World world(forgetful());
  const auto reader = world.user("reader");
  Ids sent;
  for (int i = 0; i < 60; ++i) {
    const auto other = world.user("other" + std::to_string(i));
    for (int k = 0; k < 3; ++k) sent.push_back(send(world, other, reader));
  }
  InboxQuery query;
  query.limit = 5;
  query.newest_first = true;
  const auto before = world.storage.logs_read.load();
  const auto page = inbox(world, reader, query);
  CHECK(ids_of(page) == Ids(sent.rbegin(), sent.rbegin() + 5));
  CHECK(page->more);
  CHECK(world.storage.logs_read.load() - before <= 5);
}

TEST_CASE("an inbox is of one conversation or of some classes where that is asked for") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b}, "here")->conversation->id,
             other = world.group(a, {c}, "there")->conversation->id;
  const auto direct = send(world, a, b), grouped = send(world, a, group);
  send(world, a, other);
  const auto in = [&](ConversationRef ref) {
    InboxQuery query;
    query.in = std::move(ref);
    return ids_of(inbox(world, b, query));
  };
  CHECK(in(ConversationRef::of(group)) == Ids{grouped});
  CHECK(in(ConversationRef::handle_or_id("here")) == Ids{grouped});
  CHECK(in(ConversationRef::direct(UserRef::of(a))) == Ids{direct});
  // What is not the caller's has nothing, and neither has what does not exist.
  CHECK(in(ConversationRef::of(other)).empty());
  CHECK(in(ConversationRef::handle_or_id("nowhere")).empty());
  CHECK(in(ConversationRef::direct(UserRef::handle("nobody"))).empty());
  InboxQuery query;
  query.classes = {{ConversationKind::direct, {}}};
  CHECK(ids_of(inbox(world, b, query)) == Ids{direct});
  query.classes = {{ConversationKind::system, "notification"}, {ConversationKind::group, {}}};
  CHECK(ids_of(inbox(world, b, query)) == Ids{grouped});
  query.classes = {{ConversationKind::group, "topic"}};
  CHECK(ids_of(inbox(world, b, query)).empty());
}

TEST_CASE("what is hidden is left out of lists; it is shown by its id and by who asks for what is hidden") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto kept = send(world, a, b), gone = send(world, a, b);
  const auto own = send(world, b, a);
  const auto in = pair_of(world, a, b);
  // The sender may hide its own message, from itself alone.
  REQUIRE(world.read(b, {gone, own}, MarkId::hidden)->newly == 1);
  const auto history = [&](UserId user) {
    HistoryQuery query;
    query.in = ConversationRef::of(in);
    return ids_of(world.ask<Page>([&](auto done) { world.core->history(world.http(user), query, std::move(done)); }));
  };
  CHECK(history(b) == Ids{kept});
  CHECK(history(a) == Ids{own, gone, kept});
  CHECK(ids_of(inbox(world, b, {})) == Ids{kept});
  for (const bool restarted : {false, true}) {
    if (restarted) world.restart();
    CHECK(is_hidden(world, b, gone));
    CHECK(is_hidden(world, b, own));
    CHECK_FALSE(is_hidden(world, b, kept));
    CHECK_FALSE(is_hidden(world, a, gone));
    CHECK_FALSE(is_hidden(world, a, own));
  }
  InboxQuery query;
  query.having = MarkId::hidden;
  query.with_total = true;
  auto page = inbox(world, b, query);
  CHECK(ids_of(page) == Ids{gone});
  CHECK(page->messages.front().hidden);
  CHECK(page->total == 1);
  query.lacking = MarkId::hidden;
  CHECK(ids_of(inbox(world, b, query)).empty());
}

TEST_CASE("an inbox has what has one mark and lacks another; what is read has the marks that follow from it") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto one = send(world, a, b), two = send(world, a, b), three = send(world, a, b), four = send(world, a, b);
  REQUIRE(world.read(b, {one, three}, world.timed));
  REQUIRE(world.read(b, {two}));
  REQUIRE(world.read(b, {three}, world.plain));
  InboxQuery query;
  query.having = world.timed;
  CHECK(ids_of(inbox(world, b, query)) == Ids{one, two, three});
  query.lacking = world.plain;
  CHECK(ids_of(inbox(world, b, query)) == Ids{one, two});
  query.having.reset();
  query.lacking = world.timed;
  CHECK(ids_of(inbox(world, b, query)) == Ids{four});
}

TEST_CASE("recalled messages are listed alone or among others, wherever they are, and counted") {
  World world(GENERATE(false, true) ? forgetful() : CoreOptions{});
  const auto a = world.user("a"), b = world.user("b");
  Ids sent, recalled;
  for (int i = 0; i < 200; ++i) sent.push_back(send(world, i % 10 == 3 ? b : a, i % 10 == 3 ? a : b));
  for (const auto i : {7u, 8u, 131u, 198u}) {
    REQUIRE(recall(world, a, sent[i]));
    recalled.push_back(sent[i]);
  }
  REQUIRE(recall(world, b, sent[13]));  // an own one is nobody's inbox
  InboxQuery query;
  query.only_recalled = query.with_total = true;
  auto page = inbox(world, b, query);
  CHECK(ids_of(page) == recalled);
  CHECK(page->total == 4);
  for (const auto& record : page->messages) CHECK(record.is_recalled());
  query.newest_first = true;
  query.limit = 3;
  page = inbox(world, b, query);
  CHECK(ids_of(page) == Ids(recalled.rbegin(), recalled.rbegin() + 3));
  CHECK(page->more);
  query.only_recalled = false;
  CHECK(inbox(world, b, query)->total == 176);
  query.with_recalled = true;
  CHECK(inbox(world, b, query)->total == 180);
  // Acknowledging its neighbours does not acknowledge it.
  REQUIRE(world.read(b, {sent[6], sent[9], sent[8]}, world.plain));
  query.only_recalled = true;
  query.lacking = world.plain;
  query.limit = 50;
  query.newest_first = false;
  CHECK(ids_of(inbox(world, b, query)) == Ids{recalled[0], recalled[2], recalled[3]});
}

TEST_CASE("what went to a live session that marks on push is neither lacking nor counted") {
  World world(GENERATE(false, true) ? forgetful() : CoreOptions{});
  const auto a = world.user("a"), b = world.user("b");
  const auto early = send(world, a, b);
  SessionPolicy policy;
  policy.mark_on_push = {world.plain};
  auto& client = world.login(b, policy);
  const auto pushed = send(world, a, b), silent = send(world, a, b, "silent"), last = send(world, a, b);
  for (int i = 0; i < 5; ++i) send(world, b, a);
  const auto lacking = [&] {
    ConversationQuery query;
    query.lacking = world.plain;
    const auto list = conversations(world, b, query);
    REQUIRE(reason_of(list) == "ok");
    InboxQuery offline;
    offline.lacking = world.plain;
    offline.with_total = true;
    const auto page = inbox(world, b, offline);
    CHECK(page->total == list->front().lacking);
    return ids_of(page);
  };
  CHECK(lacking() == Ids{early, silent});
  InboxQuery having;
  having.having = world.plain;
  CHECK(ids_of(inbox(world, b, having)) == Ids{pushed, last});
  client.logout();
  world.settle();
  CHECK(lacking() == Ids{early, pushed, silent, last});
}

TEST_CASE("conversations say what lacks a mark, and those where nothing does can be left out before paging") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b, c})->conversation->id;
  const auto direct = send(world, a, b);
  const auto one = send(world, c, group), two = send(world, a, group), three = send(world, c, group);
  REQUIRE(world.read(b, {direct}, world.plain));
  REQUIRE(world.read(b, {one}, world.plain));
  REQUIRE(world.read(b, {two}, MarkId::hidden));
  send(world, c, b);
  ConversationQuery query;
  query.lacking = world.plain;
  auto list = conversations(world, b, query);
  REQUIRE(list->size() == 3);
  CHECK((*list)[0].lacking == 1);
  CHECK((*list)[1].lacking == 1);
  CHECK((*list)[2].lacking == 0);
  CHECK((*list)[2].unread == 1);
  query.only_lacking = true;
  query.offset = 1;
  list = conversations(world, b, query);
  REQUIRE(list->size() == 1);
  CHECK(list->front().conversation->id == group);
  REQUIRE(recall(world, c, three));
  CHECK(conversations(world, b, query)->empty());
  // Without a mark it is what is unread that counts.
  query.lacking.reset();
  query.offset = 0;
  CHECK(conversations(world, b, query)->size() == 3);
  REQUIRE(world.read(b, {direct}));
  CHECK(conversations(world, b, query)->size() == 2);
}

TEST_CASE("counting what lacks a mark asks the storage nothing where the marks cover everything") {
  World world(forgetful());
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto first = send(world, a, b), second = send(world, c, b);
  for (int i = 0; i < 5; ++i) send(world, a, c);
  REQUIRE(world.read(b, {first, second}));
  int counts = 0;
  world.storage.in_count = [&] { ++counts; };
  ConversationQuery query;
  query.lacking = world.implied;
  query.only_lacking = true;
  CHECK(conversations(world, b, query)->empty());
  CHECK(counts == 0);
  query.lacking = world.plain;
  CHECK(conversations(world, b, query)->size() == 2);
  CHECK(counts == 2);
  world.storage.in_count = nullptr;
}

TEST_CASE("what lacks a mark is counted once, and from then on only what is new or was marked") {
  World world(forgetful());
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  Ids from_a;
  for (int i = 0; i < 6; ++i) {
    from_a.push_back(send(world, a, b));
    send(world, b, a);
    send(world, c, b);
  }
  int counts = 0;
  world.storage.in_count = [&] { ++counts; };
  ConversationQuery query;
  query.lacking = world.plain;
  const auto lacking = [&] {
    std::multiset<std::uint64_t> found;
    const auto records = conversations(world, b, query);
    REQUIRE(reason_of(records) == "ok");
    for (const auto& record : *records) found.insert(record.lacking);
    return found;
  };
  CHECK(lacking() == std::multiset<std::uint64_t>{6, 6});
  CHECK(counts > 0);
  counts = 0;
  CHECK(lacking() == std::multiset<std::uint64_t>{6, 6});
  CHECK(counts == 0);
  send(world, a, b);
  CHECK(lacking() == std::multiset<std::uint64_t>{6, 7});
  REQUIRE(world.read(b, {from_a[1], from_a[2]}, world.plain));
  CHECK(lacking() == std::multiset<std::uint64_t>{5, 6});
  REQUIRE(recall(world, a, from_a[4]));
  CHECK(lacking() == std::multiset<std::uint64_t>{4, 6});
  InboxQuery inbox_query;
  inbox_query.lacking = world.plain;
  inbox_query.with_total = true;
  counts = 0;
  CHECK(inbox(world, b, inbox_query)->total == 10);
  CHECK(counts == 0);
  world.storage.in_count = nullptr;
}

TEST_CASE("a conversation says who I am in it, what I have read of the others, and who else is there") {
  World world(GENERATE(false, true) ? forgetful() : CoreOptions{});
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c"), d = world.user("d");
  const auto group = world.group(a, {b, c})->conversation->id;
  send(world, a, group);
  REQUIRE(world.change(d, Kind::join, group));
  const auto one = send(world, a, group), own = send(world, d, group);
  for (int i = 0; i < 40; ++i) send(world, d, group);
  CHECK(conversation(world, d, group).read == MessageId::none);
  // Up to an own message: the newest from others lies before it.
  REQUIRE(world.read_up_to(d, group, own));
  auto record = conversation(world, d, group);
  CHECK(record.read == one);
  REQUIRE(record.me);
  CHECK(record.me->user == d);
  CHECK(record.me->role == Role::member);
  CHECK(record.me->joined_seq == 1);
  CHECK(conversation(world, a, group).me->role == Role::owner);
  ConversationQuery query;
  query.members = 3;
  const auto list = conversations(world, d, query);
  REQUIRE(list->size() == 1);
  CHECK(list->front().read == one);
  CHECK(list->front().me->joined_seq == 1);
  std::vector<UserId> members;
  for (const auto& user : list->front().members) members.push_back(user->id);
  CHECK(members == std::vector<UserId>{a, b, c});
  const auto stranger = world.user("stranger");
  CHECK_FALSE(conversation(world, stranger, group, false).me);
  // Of a direct conversation there is nothing to say but that one belongs to it.
  const auto direct = send(world, a, b);
  REQUIRE(world.read(b, {direct}));
  record = conversation(world, b, pair_of(world, a, b));
  CHECK(record.read == direct);
  CHECK(record.me->user == b);
  CHECK(record.member_count == 2);
}

}  // namespace
}  // namespace loft::tests
