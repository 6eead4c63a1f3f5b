// System conversations and broadcasts: what the operator's backends say.
#include <catch2/catch.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

Caller service(World& world, UserId user, unsigned thread = 0) {
  auto caller = world.http(user, thread);
  caller.service = true;
  return caller;
}

Submission notice(std::string topic, UserId reader, std::string content = "x", std::string client_id = {}) {
  return {ConversationRef::system(std::move(topic), UserRef::of(reader)), "T:Any", std::move(content),
          std::move(client_id), false};
}

Submission news(std::string topic, std::string content = "x", std::string client_id = {}) {
  return {ConversationRef::broadcast(std::move(topic)), "T:Any", std::move(content), std::move(client_id), false};
}

MessageRecord sent(World& world, const Caller& caller, Submission submission) {
  auto answer = world.submit(caller, std::move(submission));
  REQUIRE(reason_of(answer) == "ok");
  return *answer->record;
}

std::vector<MessageId> history(World& world, UserId user, ConversationId in) {
  HistoryQuery query;
  query.in = ConversationRef::of(in);
  return ids_of(world.ask<Page>([&](auto done) { world.core->history(world.http(user), query, std::move(done)); }));
}

std::string history_reason(World& world, UserId user, ConversationId in) {
  HistoryQuery query;
  query.in = ConversationRef::of(in);
  return reason_of(world.ask<Page>([&](auto done) { world.core->history(world.http(user), query, std::move(done)); }));
}

std::vector<MessageId> synced(World& world, UserId user) {
  const auto page = world.ask<SyncPage>([&](auto done) {
    world.core->sync(world.http(user), {0, 100}, std::move(done));
  });
  REQUIRE(reason_of(page) == "ok");
  std::vector<MessageId> ids;
  for (const auto& entry : page->entries) {
    if (!entry.change) ids.push_back(entry.record.message->id);
  }
  return ids;
}

TEST_CASE("a system conversation is made by its first message, for one reader and topic, and only a service writes") {
  World world;
  const auto backend = world.user("backend"), a = world.user("a"), b = world.user("b");
  auto& session = world.login(a);
  CHECK(reason_of(world.submit(world.http(a), notice("order", a))) == "conversation.read_only");
  const auto first = sent(world, service(world, backend), notice("order", a));
  CHECK(first.conversation->kind == ConversationKind::system);
  CHECK(first.conversation->topic == "order");
  CHECK(first.conversation->handle == "system:order:" + std::to_string(raw(a)));
  CHECK(first.message->seq == 1);
  const auto in = first.conversation->id;
  const auto second = sent(world, service(world, backend), notice("order", a));
  CHECK(second.conversation->id == in);
  CHECK(sent(world, service(world, backend), World::to(in, "x")).message->seq == 3);
  CHECK(sent(world, service(world, backend), notice("order", b)).conversation->id != in);
  CHECK(sent(world, service(world, backend), notice("other", a)).conversation->id != in);
  CHECK(reason_of(world.submit(world.http(a), World::to(in, "x"))) == "conversation.read_only");
  CHECK(session.received.size() == 4);

  CHECK(*world.unread(a) == 4);
  CHECK(*world.unread(a, in) == 3);
  CHECK(*world.unread(backend) == 0);
  CHECK(history(world, a, in).size() == 3);
  CHECK(history_reason(world, b, in) == "conversation.unknown");
  CHECK(synced(world, a).size() == 4);
  REQUIRE(world.read_up_to(a, in, second.message->id));
  CHECK(*world.unread(a, in) == 1);
  CHECK(receipt(world, backend, first.message->id) == Receipt::read);
  const auto record = world.ask<ConversationRecord>([&](auto done) {
    world.core->conversation(world.http(a), ConversationRef::system("order", UserRef::of(a)), true, std::move(done));
  });
  REQUIRE(reason_of(record) == "ok");
  CHECK(record->conversation->id == in);
  CHECK(record->member_count == 1);
  world.restart();
  CHECK(*world.unread(a, in) == 1);
  CHECK(history(world, a, in).size() == 3);
  CHECK(sent(world, service(world, backend), notice("order", a)).message->seq == 4);
  CHECK(*world.unread(a, in) == 2);
}

TEST_CASE("topics and handles of notices are the host's") {
  World world;
  const auto backend = world.user("backend"), a = world.user("a");
  for (const auto* topic : {"", "Order", "a b", "a:b", "\xC3\xA9"}) {
    CHECK(reason_of(world.submit(service(world, backend), news(topic))) == "topic.invalid");
    CHECK(reason_of(world.submit(service(world, backend), notice(topic, a))) == "topic.invalid");
  }
  CHECK(reason_of(world.submit(service(world, backend), news(std::string(51, 'a')))) == "topic.invalid");
  CHECK(reason_of(world.submit(service(world, backend), news(std::string(50, 'a')))) == "ok");
  CHECK(reason_of(world.submit(service(world, backend), notice("t", static_cast<UserId>(5)))) == "user.unknown");
  CHECK(reason_of(world.group(a, {}, "system:t")) == "conversation.handle_taken");
  CHECK(reason_of(world.group(a, {}, "systematic")) == "ok");
  CHECK(reason_of(world.submit(world.http(a), news("t"))) == "conversation.read_only");
  CHECK(world.storage.conversation_count() == 2);
}

TEST_CASE("a broadcast is one log that every user reads from its making on, without a row for each") {
  for (const bool instant : {true, false}) {
    World world({}, 2, instant);
    const auto backend = world.user("backend"), a = world.user("a"), b = world.user("b");
    auto& early = world.login(a);
    auto& elsewhere = world.login(b, World::delivering(), 1);
    const auto rows = world.storage.member_count();
    const auto first = sent(world, service(world, backend), news("news"));
    const auto in = first.conversation->id;
    CHECK(first.conversation->kind == ConversationKind::broadcast);
    CHECK(first.conversation->handle == "system:news");
    CHECK(world.storage.member_count() == rows);
    world.host.clock().advance(1000);
    const auto c = world.user("c");  // made behind the first, in front of the second
    auto& late = world.login(c);
    const auto second = sent(world, service(world, backend), news("news"));
    CHECK(early.received == std::vector{line("m", first.message->id), line("m", second.message->id)});
    CHECK(elsewhere.received == early.received);
    CHECK(late.received == std::vector{line("m", second.message->id)});

    for (int round = 0; round < 2; ++round) {
      INFO("instant " << instant << " round " << round);
      CHECK(history(world, a, in) == std::vector{second.message->id, first.message->id});
      CHECK(history(world, c, in) == std::vector{second.message->id});
      CHECK(synced(world, b).size() == 2);
      CHECK(synced(world, c) == std::vector{second.message->id});
      CHECK(*world.unread(a) == 2);
      CHECK(*world.unread(c) == 1);
      CHECK(*world.unread(backend) == 0);
      CHECK(ids_of(world.inbox(c, MarkId::read)) == std::vector{second.message->id});
      CHECK(receipt(world, backend, first.message->id) == Receipt::sent);
      CHECK(reason_of(world.ask<MessageRecord>([&](auto done) {
              world.core->message(world.http(c), first.message->id, std::move(done));
            })) == "message.unknown");
      CHECK(reason_of(world.ask<MessageRecord>(
                [&](auto done) { world.core->message(world.http(a), first.message->id, std::move(done)); })) == "ok");
      world.restart();
    }
    CHECK(world.storage.member_count() <= rows + 3);  // those to whom it was pushed and proven, at the most

    REQUIRE(world.read_up_to(a, in, second.message->id));
    CHECK(*world.unread(a) == 0);
    CHECK(receipt(world, backend, second.message->id) == Receipt::sent);
    world.restart();
    CHECK(*world.unread(a) == 0);
    CHECK(*world.unread(b) == 2);
    CHECK(history(world, a, in).size() == 2);
    REQUIRE(world.read(c, {second.message->id}));
    world.restart();
    CHECK(history(world, c, in) == std::vector{second.message->id});
    CHECK(*world.unread(c) == 0);
    const auto third = sent(world, service(world, backend), World::to(in, "x"));
    CHECK(*world.unread(c) == 1);
    CHECK(history(world, c, in).front() == third.message->id);
  }
}

TEST_CASE("a row of a reader is written with its first mark, and once") {
  World world;
  const auto backend = world.user("backend"), a = world.user("a");
  auto& session = world.login(a);
  const auto rows = world.storage.member_count();
  const auto first = sent(world, service(world, backend), news("news"));
  CHECK(world.storage.member_count() == rows);
  session.prove_all();
  world.core->sweep(0);
  world.settle();
  CHECK(world.storage.member_count() == rows + 1);
  REQUIRE(world.read(a, {first.message->id}));
  CHECK(world.storage.member_count() == rows + 1);
  CHECK(world.storage.marks(first.conversation->id, "read")->size() == 1);
}

TEST_CASE("a broadcast is in the lists of everybody, and nobody leaves it or changes it") {
  World world;
  const auto backend = world.user("backend"), a = world.user("a");
  const auto first = sent(world, service(world, backend), news("news"));
  const auto in = first.conversation->id;
  const auto list = world.ask<std::vector<ConversationRecord>>(
      [&](auto done) { world.core->conversations(world.http(a), {}, std::move(done)); });
  REQUIRE(reason_of(list) == "ok");
  REQUIRE(list->size() == 1);
  CHECK(list->front().conversation->topic == "news");
  CHECK(list->front().unread == 1);
  const auto for_a = sent(world, service(world, backend), notice("order", a));
  for (const auto id : {in, for_a.conversation->id}) {
    for (const auto kind : {Kind::leave, Kind::mute, Kind::join, Kind::add, Kind::remove}) {
      CHECK(reason_of(world.change(a, kind, id, backend)) == "conversation.not_a_group");
    }
    ConversationAct act;
    act.in = ConversationRef::of(id);
    act.at_least = Role::member;
    act.name = "mine";
    CHECK(reason_of(world.ask<ConversationRecord>([&](auto done) {
            world.core->change_conversation(world.http(a), act, std::move(done));
          })) == "conversation.not_a_group");
  }
  world.core->signal(world.http(a), {ConversationRef::of(in), "typing", {}});
  world.settle();
  MarkAct hide;
  hide.mark = MarkId::hidden;
  hide.messages = {first.message->id};
  CHECK(reason_of(world.ask<Marked>([&](auto done) { world.core->mark(world.http(a), hide, std::move(done)); })) ==
        "ok");
  CHECK(history(world, a, in).empty());
  CHECK(*world.unread(a, in) == 0);
}

TEST_CASE("a service recalls what it has written, and everybody hears of it") {
  World world;
  const auto backend = world.user("backend"), other = world.user("other"), a = world.user("a");
  auto policy = World::delivering();
  policy.interests.recalls = true;
  auto& session = world.login(a, policy);
  for (auto submission : {news("news"), notice("order", a)}) {
    const auto record = sent(world, service(world, backend), submission);
    CHECK(*world.unread(a) == 1);
    CHECK(reason_of(recall(world, a, record.message->id)) == "recall.not_yours");
    CHECK_FALSE(recall(world, other, record.message->id));
    CHECK(reason_of(recall(world, backend, record.message->id)) == "ok");
    CHECK(*world.unread(a) == 0);
    CHECK(session.received.back() == line("x", record.message->id));
  }
}

TEST_CASE("a client id of a service finds its message again, and other content is a conflict") {
  World world;
  const auto backend = world.user("backend"), a = world.user("a");
  const auto first = sent(world, service(world, backend), news("news", "x", "one"));
  const auto again = world.submit(service(world, backend), news("news", "x", "one"));
  REQUIRE(reason_of(again) == "ok");
  CHECK(again->repeated);
  CHECK(again->record->message->id == first.message->id);
  CHECK(reason_of(world.submit(service(world, backend), news("other", "x", "one"))) == "client_id.reused");
  CHECK(reason_of(world.submit(service(world, backend), notice("news", a, "x", "one"))) == "client_id.reused");
  world.restart();
  CHECK(world.submit(service(world, backend), news("news", "x", "one"))->repeated);
  CHECK(world.storage.conversation_count() == 1);
}

TEST_CASE("two first messages of one round make one conversation, also when the round is refused once") {
  World world;
  const auto backend = world.user("backend"), a = world.user("a");
  auto& session = world.login(a);
  std::vector<Later<Accepted>> answers(4);
  world.storage.commits_to_fail = 1;
  world.core->submit(service(world, backend), news("lost"), answers[0].done());
  world.settle();
  CHECK(reason_of(*answers[0]) == "storage.unavailable");
  CHECK(world.storage.conversation_count() == 0);
  for (auto& answer : answers) answer = {};
  world.core->submit(service(world, backend), news("news"), answers[0].done());
  world.core->submit(service(world, backend, 1), news("news"), answers[1].done());
  world.core->submit(service(world, backend), notice("order", a), answers[2].done());
  world.core->submit(service(world, backend, 1), notice("order", a), answers[3].done());
  world.settle();
  for (const auto& answer : answers) REQUIRE(reason_of(*answer) == "ok");
  CHECK((*answers[0])->record->conversation->id == (*answers[1])->record->conversation->id);
  CHECK((*answers[2])->record->conversation->id == (*answers[3])->record->conversation->id);
  CHECK(world.storage.conversation_count() == 2);
  CHECK(session.received.size() == 4);
}

TEST_CASE("a view that is read while a broadcast is made has it") {
  World world({}, 2, false);
  const auto backend = world.user("backend"), a = world.user("a");
  bool once = false;
  Later<Accepted> made;
  world.storage.after_memberships = [&] {
    if (std::exchange(once, true)) return;
    world.core->submit(service(world, backend, 1), news("news"), made.done());
    world.core->turn_end(1);
    while (world.core->stable() < 1 || world.storage.conversation_count() == 0) std::this_thread::yield();
    while (world.core->waiting() != 0) std::this_thread::yield();
  };
  CHECK(*world.unread(a) == 1);
  CHECK(once);
}

TEST_CASE("a command sends as a service, and hears what became of it") {
  World world({}, 2, false);
  const auto backend = world.user("backend"), a = world.user("a");
  const auto announce = [&](Submission submission) {
    std::optional<Result<Accepted>> answer;
    std::thread command([&] { answer = world.core->submit_waiting(backend, std::move(submission)); });
    REQUIRE(world.threads.wait_for_post());
    world.settle();
    command.join();
    return std::move(*answer);
  };
  auto first = announce(news("news"));
  REQUIRE(reason_of(first) == "ok");
  CHECK(first->record->message->sender == backend);
  CHECK(*world.unread(a) == 1);
  CHECK(reason_of(announce(notice("order", a))) == "ok");
  CHECK(*world.unread(a) == 2);
  CHECK(reason_of(announce(news("No Topic"))) == "topic.invalid");
}

}  // namespace
}  // namespace loft::tests
