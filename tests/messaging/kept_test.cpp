// What is kept beside messages and users: extras, reasons of recalls, profiles.
#include <catch2/catch.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

TEST_CASE("extras stay with a message, and are no part of what makes a repeat a conflict") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  auto submission = World::to_user(b, "x", "one");
  submission.extras = R"({"client_id":"one"})";
  const auto first = world.submit(world.http(a), submission);
  REQUIRE(reason_of(first) == "ok");
  CHECK(first->record->message->extras == submission.extras);
  submission.extras = R"({"client_id":"two"})";
  const auto again = world.submit(world.http(a), submission);
  REQUIRE(reason_of(again) == "ok");
  CHECK(again->repeated);
  CHECK(again->record->message->extras == R"({"client_id":"one"})");
  world.restart();
  const auto page = world.inbox(b, MarkId::read);
  REQUIRE(reason_of(page) == "ok");
  CHECK(page->messages.at(0).message->extras == R"({"client_id":"one"})");
  for (const auto* wrong : {"x", "[]", "1", "{", "{}x", " "}) {
    submission.extras = wrong;
    CHECK(reason_of(world.submit(world.http(a), submission)) == "extras.invalid");
  }
  submission.client_id.clear();
  submission.extras = R"({"a":")" + std::string(4096 - 8, 'x') + R"("})";
  REQUIRE(submission.extras.size() == 4096);
  CHECK(reason_of(world.submit(world.http(a), submission)) == "ok");
  submission.extras.insert(6, "x");
  CHECK(reason_of(world.submit(world.http(a), submission)) == "extras.too_large");
}

TEST_CASE("the reason of a recall is kept with it") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  const auto id = send(world, a, b);
  const auto recalled = [&](std::string reason) {
    Recall wanted;
    wanted.message = id;
    wanted.reason = std::move(reason);
    return world.ask<Recalled>([&](auto done) { world.core->recall(world.http(a), wanted, std::move(done)); });
  };
  CHECK(reason_of(recalled(std::string(1025, 'x'))) == "recall.reason_too_long");
  REQUIRE(reason_of(recalled("a slip")) == "ok");
  CHECK(recalled("another")->repeated);
  const auto page = world.ask<SyncPage>([&](auto done) { world.core->sync(world.http(b), {0, 10}, std::move(done)); });
  REQUIRE(reason_of(page) == "ok");
  REQUIRE(page->entries.back().change);
  CHECK(page->entries.back().change->note == "a slip");
}

TEST_CASE("a profile is replaced, seen at once in what is sent, and outlives a restart") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  auto& session = world.login(a);
  const auto set = [&](std::string text) {
    return world.ask<UserPtr>(
        [&](auto done) { world.core->set_profile(world.http(a), std::move(text), std::move(done)); });
  };
  const auto found = [&](UserRef ref) {
    const auto user = world.ask<UserPtr>([&](auto done) { world.core->find(world.http(b), ref, std::move(done)); });
    REQUIRE(reason_of(user) == "ok");
    return *user;
  };
  const auto old = found(UserRef::of(a));
  const auto made = set(R"({"name":"Al"})");
  REQUIRE(reason_of(made) == "ok");
  CHECK((*made)->profile == R"({"name":"Al"})");
  CHECK(old->profile.empty());
  const auto sent = world.submit(session.caller(), World::to_user(b, "x"));
  CHECK(sent->record->sender->profile == R"({"name":"Al"})");
  for (int round = 0; round < 2; ++round) {
    for (const auto& ref : {UserRef::of(a), UserRef::handle("a"), UserRef::uuid(old->uuid)}) {
      CHECK(found(ref)->profile == R"({"name":"Al"})");
      CHECK(found(ref)->created == old->created);
    }
    world.restart();
  }
  for (const auto* wrong : {"[]", "x", "{"}) CHECK(reason_of(set(wrong)) == "user.profile_invalid");
  CHECK(reason_of(set(R"({"a":")" + std::string(8192, 'x') + R"("})")) == "user.profile_invalid");
  CHECK(found(UserRef::of(a))->profile == R"({"name":"Al"})");
  REQUIRE(reason_of(set("")) == "ok");
  CHECK(found(UserRef::of(a))->profile.empty());
  world.storage.commits_to_fail = 1;
  CHECK(reason_of(set("{}")) == "storage.unavailable");
  CHECK(found(UserRef::of(a))->profile.empty());
}

}  // namespace
}  // namespace loft::tests
