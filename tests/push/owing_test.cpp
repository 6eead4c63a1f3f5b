#include "bench.hpp"

using namespace loft;
using namespace loft::tests;

TEST_CASE("a message is owed once to each reader who is away, and to nobody else") {
  Bench t;
  for (const auto number : {1, 2, 3, 4}) t.device(user(number), "token" + std::to_string(number));
  t.world.online = {user(3)};
  t.world.mutes = {user(4)};
  const auto& message = t.owe({user(2), user(3), user(4), user(5)});
  REQUIRE(t.follow(message));  // at least once, as after a crash
  CHECK(t.row(message, user(2)).state == PushState::owed);
  for (const auto number : {1, 3, 4, 5}) CHECK_FALSE(t.has_row(message, user(number)));
  const auto reason = [&](std::uint64_t number) {
    const auto found = t.trace.find({message.id, user(number)});
    return std::string(found ? found->reason : "");
  };
  CHECK(reason(3) == "push.online");
  CHECK(reason(4) == "push.muted");
  CHECK(reason(5) == "push.no_device");
  CHECK(t.metrics.value("push_owed_total") == 1);
  CHECK(t.metrics.value("push_passed_over_total", "reason=\"push.online\"") == 2);
}

TEST_CASE("a push is due push.delay after its message and of no use push.ttl after it") {
  Bench t;
  t.settings.delay = 3'000;
  t.settings.ttl = 60'000;
  t.device(user(2), "a");
  const auto& message = t.world.say(1, user(1), {user(2)});
  t.clock.advance(1'000);
  REQUIRE(t.follow(message));
  CHECK(t.row(message, user(2)).due == message.time() + 3'000);
  CHECK(t.row(message, user(2)).expires == message.time() + 60'000);
  t.clock.advance(60'000);
  const auto& late = message;
  CHECK(t.follow(late));
  const auto& second = t.world.say(2, user(1), {user(2)});
  t.clock.advance(60'000);
  REQUIRE(t.follow(second));
  CHECK_FALSE(t.has_row(second, user(2)));
}

TEST_CASE("a message from a clock that was ahead is owed as one of now") {
  Bench t;
  t.settings.delay = 3'000;
  t.settings.ttl = 60'000;
  t.device(user(2), "a");
  const auto now = t.clock.now();
  t.clock.jump_to(now + 7'200'000);
  const auto& message = t.world.say(1, user(1), {user(2)});
  REQUIRE(message.time() > now + 60'000);
  t.clock.jump_to(now);
  REQUIRE(t.follow(message));
  CHECK(t.row(message, user(2)).due == now + 3'000);
  CHECK(t.row(message, user(2)).expires == now + 60'000);
}

TEST_CASE("a group of thousands is owed page by page, each member once") {
  Bench t;
  t.world.page_size = 400;
  t.owe(t.crowd(2'500));
  CHECK(t.ledger.push_counts(10'000)->owed == 2'500);
}

TEST_CASE("where mail is sent a user without a device is owed a push as well") {
  Bench t;
  t.settings.email = true;
  const auto& message = t.owe({user(2)});
  CHECK(t.has_row(message, user(2)));
}
