// Pushes and devices of users that are erased or exported.
#include <catch2/catch.hpp>

#include <loft/testing/memory_push_ledger.hpp>

#include "messaging/erasure.hpp"
#include "messaging/export.hpp"
#include "shorthand.hpp"

namespace loft::tests {
namespace {

/// Three pushes of a user, one of them tried twice; two devices of it and one of somebody else.
void owe_some(PushLedger& ledger, UserId user, const std::string& handle, UserId other) {
  std::vector<OwedPush> owed;
  for (std::uint64_t i = 1; i <= 3; ++i) owed.push_back({static_cast<MessageId>(i), user});
  owed.push_back({static_cast<MessageId>(1), other});
  REQUIRE(ledger.owe(owed));
  std::vector<PushAttempt> attempts(2);
  for (auto& attempt : attempts) {
    attempt.user = handle;
    attempt.message = static_cast<MessageId>(2);
    attempt.type = "apns";
    attempt.status = "failed";
    attempt.error = "Shutdown";
  }
  REQUIRE(ledger.settle(1, {{}, attempts, {}}));
  for (const auto* token : {"first-abcdef", "short", "other"}) {
    Device device;
    device.user = std::string_view(token) == "other" ? other : user;
    device.channel = "apns";
    device.token = token;
    REQUIRE(ledger.register_device(device));
  }
}

TEST_CASE("pushes and devices of an erased user go, those of others stay") {
  World world;
  testing::MemoryPushLedger ledger;
  world.storage.ledger = &ledger;
  world.begin();
  const auto a = world.user("ann"), b = world.user("ben");
  owe_some(ledger, a, "ann", b);
  Eraser eraser(*world.core, world.storage, world.host.bus(), world.host.log());
  const auto looked = eraser.look("ann");
  REQUIRE(reason_of(looked) == "ok");
  CHECK(looked->pushes == 7);
  CHECK(ledger.devices(a)->size() == 2);
  ledger.fail(Error{Code::unavailable, "storage.unavailable", {}});
  for (bool failed = false; !failed;) {
    const auto report = eraser.erase("ann", 0);
    world.settle();
    failed = !report.ok();
    REQUIRE((failed || !report->done));
  }
  ledger.fail(std::nullopt);
  std::uint64_t erased = 0;
  for (bool done = false; !done;) {
    const auto report = eraser.erase("ann", 0);
    REQUIRE(reason_of(report) == "ok");
    world.settle();
    erased = report->pushes;
    done = report->done;
  }
  CHECK(erased == 7);
  CHECK(ledger.devices(a)->empty());
  CHECK(ledger.devices(b)->size() == 1);
  CHECK(ledger.pushes(std::nullopt, {}, 10)->size() == 1);
  CHECK(ledger.attempts(0, 10)->empty());
}

TEST_CASE("an export has devices without their tokens, and pushes with what became of them, page by page") {
  World world;
  testing::MemoryPushLedger ledger;
  world.storage.ledger = &ledger;
  world.begin();
  const auto a = world.user("ann"), b = world.user("ben");
  owe_some(ledger, a, "ann", b);
  std::vector<OwedPush> many;
  for (std::uint64_t i = 10; i < 5'010; ++i) many.push_back({static_cast<MessageId>(i), a});
  REQUIRE(ledger.owe(many));
  Exporter exporter(*world.core, world.storage, world.host.bus());
  const auto user = **world.storage.user_by_id(a);
  std::string text;
  std::size_t pages = 0, pushes = 0;
  ExportPlace place;
  for (bool more = true; more; ++pages) {
    const auto page = exporter.page(user, place, false);
    REQUIRE(reason_of(page) == "ok");
    for (const auto& line : page->lines) {
      pushes += line.find(R"("type":"push")") != std::string::npos ? 1 : 0;
      text += line;
    }
    place = page->next;
    more = page->more;
  }
  CHECK(pages > 1);
  CHECK(pushes == 5'003);
  CHECK(text.find(R"("token_ends_with":"abcdef")") != std::string::npos);
  CHECK(text.find(R"("token_ends_with":"")") != std::string::npos);
  CHECK(text.find("first") == std::string::npos);
  CHECK(text.find("short") == std::string::npos);
  CHECK(text.find("other") == std::string::npos);
  CHECK(text.find(R"("error":"Shutdown")") != std::string::npos);
}

}  // namespace
}  // namespace loft::tests
