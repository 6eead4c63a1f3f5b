// Erasing users.
#include <catch2/catch.hpp>

#include <set>

#include "erasing.hpp"

namespace loft::tests {
namespace {

TEST_CASE("an erased user is a tombstone, its handle is free, and nobody logs in or writes as it or to it") {
  Erasing f;
  auto& world = f.world;
  const auto a = world.user("ann"), b = world.user("ben");
  const auto old = f.stored(a);
  auto& session = world.login(a);
  auto& other = world.login(b);
  send(world, a, b, "secret");
  const auto in = pair_of(world, a, b);
  const auto report = f.erase("ann");
  CHECK(report.user == a);
  CHECK(session.was_revoked);
  const auto now = f.stored(a);
  CHECK(now.handle == "erased-" + std::to_string(raw(a)));
  CHECK(now.uuid != old.uuid);
  CHECK(now.uuid.size() == 36);
  CHECK(now.profile.empty());
  CHECK(now.created == old.created);
  CHECK_FALSE(other.was_revoked);

  auto& again = world.connect();
  again.login(UserRef::of(a), World::delivering());
  world.settle();
  CHECK(reason_of(*again.login_answer) == "user.unknown");
  for (const auto& ref : {UserRef::of(a), UserRef::handle(now.handle), UserRef::uuid(now.uuid), UserRef::handle("ann"),
                          UserRef::uuid(old.uuid)}) {
    CHECK(reason_of(world.ask<UserPtr>([&](auto done) { world.core->find(world.http(b), ref, std::move(done)); })) ==
          "user.unknown");
  }
  CHECK(reason_of(world.submit(world.http(a), World::to_user(b, "x"))) == "user.unknown");
  CHECK(reason_of(world.submit(world.http(a), World::to(in, "x"))) == "user.unknown");
  CHECK(reason_of(world.submit(world.http(b), World::to_user(a, "x"))) == "user.unknown");
  CHECK(reason_of(world.submit(world.http(b), World::to(in, "x"))) == "user.unknown");
  User wanted;
  wanted.handle = "erased-77";
  CHECK(reason_of(world.core->add_user(wanted)) == "user.handle_invalid");
  wanted.handle = "erased-x";
  CHECK(reason_of(world.core->add_user(wanted)) == "ok");
  wanted.handle = "ann";
  const auto fresh = world.core->add_user(wanted);
  REQUIRE(reason_of(fresh) == "ok");
  CHECK((*fresh)->id != a);
  CHECK(reason_of(f.eraser->look("nobody")) == "user.unknown");
  CHECK(reason_of(f.eraser->erase("nobody", 0)) == "user.unknown");
}

TEST_CASE("messages of an erased user are empty and recalled for everybody, those of others stay") {
  for (const std::size_t memory : {std::size_t{1}, std::size_t{16} << 20}) {
    CoreOptions options;
    options.recent_bytes = memory;
    Erasing f(options);
    auto& world = f.world;
    const auto a = world.user("ann"), b = world.user("ben"), c = world.user("cas");
    auto policy = World::delivering();
    policy.interests.recalls = true;
    auto& live = world.login(b, policy);
    const auto mine = send(world, a, b, "secret");
    const auto theirs = send(world, b, a, "to ann");
    const auto recalled = send(world, a, b, "secret slip");
    REQUIRE(reason_of(recall(world, a, recalled)) == "ok");
    const auto group = world.group(c, {a, b})->conversation->id;
    const auto spoken = send(world, a, group, "secret in a group");
    const auto before = sync(world, b, 0)->next;
    CHECK(*world.unread(b) == 2);
    live.received.clear();
    const auto report = f.erase("ann");
    CHECK(report.messages == 3);
    CHECK(report.recalls == 2);
    CHECK(report.memberships == 1);
    CHECK(report.conversations == 0);
    const auto has = [&](const std::string& text) {
      return std::count(live.received.begin(), live.received.end(), text) == 1;
    };
    CHECK(has(line("x", mine)));
    CHECK(has(line("x", spoken)));
    CHECK_FALSE(has(line("x", recalled)));
    for (const auto& message : world.storage.all_messages()) {
      if (message.sender == a) {
        CHECK(message.content == "{}");
        CHECK(message.recalled != 0);
      } else {
        CHECK(message.content == "to ann");
        CHECK(message.recalled == 0);
      }
    }
    CHECK(*world.unread(b) == 0);
    const auto later = sync(world, b, before);
    std::vector<MessageId> synced;
    for (const auto& entry : later->entries) {
      if (entry.change->kind != ChangeKind::recalled) continue;
      synced.push_back(entry.record.message->id);
      CHECK(entry.record.message->content == "{}");
      CHECK(entry.actor->handle == "erased-" + std::to_string(raw(a)));
    }
    CHECK(synced == std::vector{mine, spoken});
    const auto direct = world.storage.all_messages().front().conversation;
    const auto shown = world.ask<Page>([&](auto done) {
      world.core->history(world.http(b), {ConversationRef::of(direct), {}, 0, 10, true}, std::move(done));
    });
    REQUIRE(ids_of(shown) == std::vector{recalled, theirs, mine});
    for (const auto& record : shown->messages) {
      CHECK(record.sender->handle != "ann");
      CHECK(record.peer->handle != "ann");
    }
  }
}

TEST_CASE("an erased user leaves its groups: what it owns goes to an admin, else to who joined first, else ends") {
  Erasing f;
  auto& world = f.world;
  const auto a = world.user("ann"), b = world.user("ben"), c = world.user("cas");
  const auto to_admin = world.group(a, {b, c})->conversation->id;
  MembershipAct act;
  act.kind = Kind::set_role;
  act.in = ConversationRef::of(to_admin);
  act.subject = UserRef::of(c);
  act.role = Role::admin;
  REQUIRE(reason_of(world.ask<MemberRecord>(
              [&](auto done) { world.core->change_membership(world.http(a), act, std::move(done)); })) == "ok");
  const auto to_first = world.group(a, {b, c})->conversation->id;
  const auto alone = world.group(a, {})->conversation->id;
  const auto others = world.group(b, {a})->conversation->id;
  const auto report = f.erase("ann");
  CHECK(report.memberships == 4);
  CHECK(report.conversations == 3);
  const auto conversation = [&](ConversationId id) { return (**world.used_storage.conversation(id)).conversation; };
  CHECK(conversation(to_admin).owner == c);
  CHECK(conversation(to_first).owner == b);
  CHECK(conversation(alone).dissolved);
  CHECK(conversation(others).owner == b);
  for (const auto id : {to_admin, to_first, alone, others}) {
    const auto members = world.used_storage.members(id);
    for (const auto& member : *members) CHECK(member.left == (member.user == a));
  }
  CHECK(reason_of(world.change(c, Kind::remove, to_admin, b)) == "ok");
}

TEST_CASE("marks of an erased user are empty, and what the operator wrote to it is removed") {
  Erasing f;
  auto& world = f.world;
  const auto a = world.user("ann"), b = world.user("ben");
  const auto said = send(world, b, a, "hello");
  REQUIRE(reason_of(world.read(a, {said})) == "ok");
  auto service = world.http(b);
  service.service = true;
  Submission notice = World::to_user(a, "an order of ann");
  notice.to = ConversationRef::system("orders", UserRef::of(a));
  REQUIRE(reason_of(world.submit(service, notice)) == "ok");
  const auto looked = f.eraser->look("ann");
  REQUIRE(reason_of(looked) == "ok");
  CHECK(looked->removed == 1);
  CHECK(looked->marks > 0);
  CHECK_FALSE(looked->done);
  CHECK(looked->plugins.size() == 1);
  CHECK(f.asked.back().dry_run);
  CHECK(f.stored(a).handle == "ann");
  CHECK(world.storage.all_messages().size() == 2);
  const auto report = f.erase("ann");
  CHECK(report.removed == looked->removed);
  CHECK(report.marks == looked->marks);
  CHECK(report.messages == looked->messages);
  const auto memberships = world.used_storage.memberships(a);
  for (const auto& membership : *memberships) {
    for (const auto& mark : membership.marks) CHECK(mark.set == Mark{}.encode());
  }
  REQUIRE(world.storage.all_messages().size() == 1);
  CHECK(world.storage.all_messages().front().content == "hello");
}

TEST_CASE("an erasure that a plugin refuses is asked again until it is done, with the user as it was") {
  Erasing f;
  auto& world = f.world;
  const auto a = world.user("ann"), b = world.user("ben");
  const auto uuid = f.stored(a).uuid;
  send(world, a, b, "secret");
  f.refusals = 2;
  std::optional<Error> refused;
  for (int i = 0; i < 20 && !refused; ++i) {
    const auto report = f.eraser->erase("ann", 0);
    if (!report) refused = report.error();
  }
  REQUIRE(refused);
  CHECK(refused->reason == "test.refuses");
  CHECK(world.storage.all_messages().front().content == "{}");
  CHECK(reason_of(f.eraser->resume(1000)) == "test.refuses");
  const auto done = f.eraser->resume(1000);
  REQUIRE(reason_of(done) == "ok");
  REQUIRE(*done);
  CHECK((**done).done);
  CHECK(f.asked.size() == 3);
  CHECK(f.asked.back().user == a);
  CHECK(f.asked.back().handle == "ann");
  CHECK(f.asked.back().uuid == uuid);
  CHECK_FALSE(f.asked.back().dry_run);
  CHECK_FALSE(*f.eraser->resume(0));
  CHECK(world.used_storage.key_values("host.erasures", "", "", 10)->empty());
  // Once more of what is left: nothing is to be done.
  const auto again = f.erase("erased-" + std::to_string(raw(a)));
  CHECK(again.messages == 0);
  CHECK(again.memberships == 0);
}

TEST_CASE(
    "an erasure that was begun says so to whoever asks for it again, by either handle, and nobody else's goes on") {
  Erasing f;
  const auto a = f.world.user("ann");
  for (const auto* peer : {"ben", "cas", "dan", "eve"}) send(f.world, a, f.world.user(peer), "secret");
  const auto first = f.eraser->erase("ann", 0);
  REQUIRE(reason_of(first) == "ok");
  CHECK_FALSE(first->was_begun);
  REQUIRE_FALSE(first->done);
  for (const auto& handle : {std::string("ann"), "erased-" + std::to_string(raw(a))}) {
    const auto left = f.eraser->look(handle);
    REQUIRE(reason_of(left) == "ok");
    CHECK(left->was_begun);
    CHECK(left->user == a);
    CHECK(left->handle == "ann");
    const auto more = f.eraser->erase(handle, 0);
    REQUIRE(reason_of(more) == "ok");
    CHECK(more->was_begun);
    CHECK_FALSE(more->done);
  }
  // A note that says nothing of the handle is not everybody's.
  const KeyValueWrite note{"host.erasures", "77", "{}"};
  Batch batch;
  batch.key_values = std::span(&note, 1);
  REQUIRE(f.world.used_storage.commit(batch));
  for (const auto& handle : {std::string(), std::string(51, 'x'), std::string(" ann"), std::string("\xff")}) {
    CHECK(reason_of(f.eraser->erase(handle, 0)) == "user.handle_invalid");
    CHECK(reason_of(f.eraser->look(handle)) == "user.handle_invalid");
  }
}

TEST_CASE("an erasure that was cut short anywhere is finished by the next process") {
  for (int steps = 0; steps < 12; ++steps) {
    Erasing f;
    auto& world = f.world;
    const auto a = world.user("ann"), b = world.user("ben"), c = world.user("cas");
    for (int i = 0; i < 3; ++i) {
      send(world, a, b, "secret");
      send(world, c, a, "hello");
    }
    const auto group = world.group(a, {b, c})->conversation->id;
    send(world, a, group, "secret");
    bool done = false;
    for (int i = 0; i < steps && !done; ++i) {
      const auto report = f.eraser->erase("ann", 0);
      REQUIRE(reason_of(report) == "ok");
      done = report->done;
    }
    f.eraser.reset();
    f.exporter.reset();
    world.restart();
    f.eraser.emplace(*world.core, world.used_storage, world.host.bus(), world.host.log());
    if (steps == 0) {
      CHECK_FALSE(*f.eraser->resume(0));
      continue;
    }
    for (;;) {
      const auto report = f.eraser->resume(0);
      REQUIRE(reason_of(report) == "ok");
      if (!*report) break;
    }
    CHECK(f.stored(a).handle == "erased-" + std::to_string(raw(a)));
    for (const auto& message : world.storage.all_messages()) {
      CHECK(message.content == (message.sender == a ? "{}" : "hello"));
      CHECK((message.recalled != 0) == (message.sender == a));
    }
    CHECK((**world.used_storage.conversation(group)).conversation.owner != a);
    CHECK(world.used_storage.key_values("host.erasures", "", "", 10)->empty());
    if (done) break;
  }
}

}  // namespace
}  // namespace loft::tests
