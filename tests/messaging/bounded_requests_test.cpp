// What a whole request reads of a log: it grows with its page and with the user's conversations, not with the log.
#include <catch2/catch.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

/// Ann has written nearly all of what is between her and bob; he wrote the first message. Nothing is in memory.
struct Long {
  explicit Long(int size) : ann(world.user("ann")), bob(world.user("bob")) {
    first = send(world, bob, ann);
    in = pair_of(world, ann, bob);
    last = first;
    std::vector<Message> messages(static_cast<std::size_t>(size));
    std::vector<NewMessage> rows;
    HeadUpdate head{in, 1, 1, MessageId::none};
    const auto like = world.storage.all_messages().front();
    for (auto& message : messages) {
      message = like;
      message.id = last = static_cast<MessageId>(raw(last) + 1);
      message.sender = ann;
      message.seq = ++head.head;
      rows.push_back({&message, {}});
    }
    head.last = last;
    Batch batch;
    batch.applied_upto = raw(last);
    batch.heads = std::span(&head, 1);
    batch.messages = rows;
    REQUIRE(reason_of(world.storage.commit(batch)) == "ok");
    world.restart();
    world.storage.in_read = [this] { ++questions; };
  }

  /// How often a call asks the storage, which is never for more than 256 messages at a time.
  template <class F>
  int work(F call) {
    questions = 0;
    call();
    return questions;
  }

  World world;
  UserId ann, bob;
  ConversationId in{};
  MessageId first{}, last{};
  int questions = 0;
};

/// Fifty times as many messages are halved a few times more.
template <class F>
void check_is_bounded(F call) {
  for (const int size : {400, 20000}) {
    Long log(size);
    const auto work = log.work([&] { call(log); });
    INFO(work << " of " << size);
    CHECK(work <= 70);
  }
}

}  // namespace

TEST_CASE("who reads up to an own message has the storage look for the newest from others, not read all between") {
  check_is_bounded([](Long& log) {
    const auto marked = log.world.read_up_to(log.ann, log.in, log.last);
    REQUIRE(reason_of(marked) == "ok");
    CHECK(marked->newly == 1);
    // The change names the message that was read.
    REQUIRE(log.world.storage.all_changes().size() == 1);
    CHECK(log.world.storage.all_changes().front().message == log.first);
  });
}

TEST_CASE("what has one mark is given another without all own messages being read") {
  check_is_bounded([](Long& log) {
    const auto set = [&](const MarkAct& act) {
      const auto marked = log.world.ask<Marked>(
          [&](auto done) { log.world.core->mark(log.world.http(log.ann), act, std::move(done)); });
      REQUIRE(reason_of(marked) == "ok");
      return *marked;
    };
    MarkAct timed;
    timed.mark = log.world.timed;
    timed.in = ConversationRef::of(log.in);
    timed.up_to = log.last;
    set(timed);
    MarkAct read;
    read.everywhere = true;
    read.having = log.world.timed;
    read.set_before = INT64_MAX;
    const auto marked = set(read);
    CHECK(marked.newly == 1);
    CHECK(marked.newest == log.first);
  });
}

TEST_CASE("the history of a cleared conversation is not read") {
  check_is_bounded([](Long& log) {
    MarkAct clear;
    clear.mark = MarkId::hidden;
    clear.in = ConversationRef::of(log.in);
    clear.up_to = log.last;
    REQUIRE(reason_of(log.world.ask<Marked>(
                [&](auto done) { log.world.core->mark(log.world.http(log.bob), clear, std::move(done)); })) == "ok");
    const int before = log.world.storage.logs_read;
    for (const bool with_recalled : {false, true}) {
      HistoryQuery query;
      query.in = ConversationRef::of(log.in);
      query.with_recalled = with_recalled;
      const auto page = log.world.ask<Page>(
          [&](auto done) { log.world.core->history(log.world.http(log.bob), query, std::move(done)); });
      CHECK(ids_of(page).empty());
    }
    CHECK(log.world.storage.logs_read == before);
  });
}

TEST_CASE("the inbox of who wrote nearly all of it finds what others wrote") {
  for (const bool newest_first : {false, true}) {
    for (const bool with_recalled : {false, true}) {
      check_is_bounded([&](Long& log) {
        InboxQuery query;
        query.newest_first = newest_first;
        query.with_recalled = with_recalled;
        const auto page = log.world.ask<Page>(
            [&](auto done) { log.world.core->inbox(log.world.http(log.ann), query, std::move(done)); });
        CHECK(ids_of(page) == std::vector{log.first});
      });
    }
  }
}

TEST_CASE("removed messages are not looked for among own ones") {
  for (const bool newest_first : {false, true}) {
    check_is_bounded([&](Long& log) {
      REQUIRE(log.world.storage.forget_messages(log.in, 200, SIZE_MAX));
      InboxQuery query;
      query.newest_first = newest_first;
      query.with_recalled = true;
      const auto page = log.world.ask<Page>(
          [&](auto done) { log.world.core->inbox(log.world.http(log.ann), query, std::move(done)); });
      CHECK(ids_of(page).empty());
    });
  }
}

TEST_CASE("the list of conversations finds what was read below any number of own messages") {
  check_is_bounded([](Long& log) {
    REQUIRE(reason_of(log.world.read_up_to(log.ann, log.in, log.last)) == "ok");
    const auto list = log.world.ask<std::vector<ConversationRecord>>(
        [&](auto done) { log.world.core->conversations(log.world.http(log.ann), {}, std::move(done)); });
    REQUIRE(reason_of(list) == "ok");
    REQUIRE(list->size() == 1);
    CHECK(list->front().read == log.first);
  });
}

TEST_CASE("a sync finds what a read change is about below any number of messages of the other one") {
  for (const bool reads_herself : {false, true}) {
    check_is_bounded([&](Long& log) {
      const auto reader = reads_herself ? log.ann : log.bob;
      REQUIRE(reason_of(log.world.read_up_to(reader, log.in, log.last)) == "ok");
      // For each of them it is about a message of the other's, or of the own ones: bob's is the first.
      const auto page = sync(log.world, reads_herself ? log.ann : log.bob, raw(log.last));
      REQUIRE(reason_of(page) == "ok");
      REQUIRE(page->entries.size() == 1);
      REQUIRE(page->entries.front().record.message != nullptr);
      CHECK(page->entries.front().record.message->id == (reads_herself ? log.first : log.last));
      const auto other = sync(log.world, reads_herself ? log.bob : log.ann, raw(log.last));
      REQUIRE(reason_of(other) == "ok");
      REQUIRE(other->entries.size() == 1);
      REQUIRE(other->entries.front().record.message != nullptr);
      CHECK(other->entries.front().record.message->id == (reads_herself ? log.first : log.last));
    });
  }
}

}  // namespace loft::tests
