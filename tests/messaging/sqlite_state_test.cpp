// What outlives the process, over the storage that is shipped: a stop in order, and one without.
#include <catch2/catch.hpp>

#include <filesystem>

#include <loft/testing/storage/fixture.hpp>

#include "../storage/plugin_under_test.hpp"
#include "shorthand.hpp"

namespace loft::tests {
namespace {

using testing::storage::TemporaryDirectory;

/// The files as they lie on the disk while the host runs: what a killed one leaves.
void copy_as_killed(const std::string& from, const std::string& to) {
  for (const auto* suffix : {"", "-wal"}) {
    const auto name = std::string("/loft.db") + suffix;
    if (std::filesystem::exists(from + name)) std::filesystem::copy_file(from + name, to + name);
  }
}

struct Told {
  UserId backend{}, a{}, b{};
  ConversationId news{}, order{}, group{}, pair{};
  MessageId first{}, second{};
};

Told tell(World& world) {
  Told told;
  told.backend = world.user("backend"), told.a = world.user("a");
  auto service = world.http(told.backend);
  service.service = true;
  const auto say = [&](ConversationRef to) {
    Submission submission{std::move(to), "T:Any", "x", {}, false, R"({"client_id":"c"})"};
    const auto sent = world.submit(service, std::move(submission));
    REQUIRE(reason_of(sent) == "ok");
    return *sent->record;
  };
  const auto first = say(ConversationRef::broadcast("news"));
  told.news = first.conversation->id, told.first = first.message->id;
  world.host.clock().advance(1000);
  told.b = world.user("b");
  told.second = say(ConversationRef::broadcast("news")).message->id;
  told.order = say(ConversationRef::system("order", UserRef::of(told.a))).conversation->id;
  REQUIRE(world.read(told.a, {told.first}));
  told.group = world.group(told.a, {told.b})->conversation->id;
  ConversationAct act;
  act.in = ConversationRef::of(told.group);
  act.kind = ConversationAct::Kind::dissolve;
  REQUIRE(reason_of(world.ask<ConversationRecord>(
              [&](auto done) { world.core->change_conversation(world.http(told.a), act, std::move(done)); })) == "ok");
  REQUIRE(reason_of(world.ask<UserPtr>([&](auto done) {
            world.core->set_profile(world.http(told.a), R"({"name":"A"})", std::move(done));
          })) == "ok");
  const auto values = world.core->key_values("contract.test");
  REQUIRE(reason_of(world.ask<bool>([&](auto done) {
            values->put(world.http(told.a), {{"k", "v", {}}}, std::move(done));
          })) == "ok");
  return told;
}

void check(World& world, const Told& told) {
  world.begin();
  const auto history = [&](UserId user) {
    HistoryQuery query;
    query.in = ConversationRef::broadcast("news");
    const auto page =
        world.ask<Page>([&](auto done) { world.core->history(world.http(user), query, std::move(done)); });
    REQUIRE(reason_of(page) == "ok");
    for (const auto& record : page->messages) CHECK(record.message->extras == R"({"client_id":"c"})");
    return ids_of(page);
  };
  CHECK(history(told.a) == std::vector{told.second, told.first});
  CHECK(history(told.b) == std::vector{told.second});
  CHECK(*world.unread(told.a, told.news) == 1);
  CHECK(*world.unread(told.b) == 1);
  CHECK(*world.unread(told.a, told.order) == 1);
  CHECK(reason_of(world.unread(told.a, told.group)) == "member.none");
  CHECK(reason_of(world.change(told.b, Kind::join, told.group)) == "join.not_free");
  const auto user = world.ask<UserPtr>(
      [&](auto done) { world.core->find(world.http(told.a), UserRef::handle("a"), std::move(done)); });
  REQUIRE(reason_of(user) == "ok");
  CHECK((*user)->profile == R"({"name":"A"})");
  const auto values = world.core->key_values("contract.test")->read("", "", 9);
  REQUIRE(reason_of(values) == "ok");
  REQUIRE(values->size() == 1);
  CHECK(values->front().value == "v");
}

TEST_CASE("what was acknowledged is there after a stop in order, and after the process was killed") {
  const TemporaryDirectory first, killed;
  Told told;
  {
    storage_test::Running storage(first.path());
    World world({}, 2, false, storage.storage.get());
    told = tell(world);
    check(world, told);
    copy_as_killed(first.path(), killed.path());
  }
  for (const auto* directory : {&first, &killed}) {
    storage_test::Running storage(directory->path());
    World world({}, 2, false, storage.storage.get());
    world.host.clock().advance(2000);
    check(world, told);
    auto service = world.http(told.backend);
    service.service = true;
    Submission submission{ConversationRef::broadcast("news"), "T:Any", "x", {}, false, {}};
    const auto next = world.submit(service, submission);
    REQUIRE(reason_of(next) == "ok");
    CHECK(next->record->message->seq == 3);
    CHECK(*world.unread(told.a, told.news) == 2);
  }
}

}  // namespace
}  // namespace loft::tests
