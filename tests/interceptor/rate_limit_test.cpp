#include "rate_limit/rate_limit.hpp"

#include <thread>

#include <catch2/catch.hpp>

#include "support.hpp"

using namespace policy_test;
using loft::rate_limit::Buckets;
using loft::rate_limit::Rate;
using loft::rate_limit::RateLimit;

namespace {

using Limited = Bench<RateLimit>;

Verdict send(Limited& bench, const Caller& caller) {
  return bench.ask(submission(caller, ConversationRef::direct(UserRef::of(static_cast<UserId>(9)))));
}

}  // namespace

TEST_CASE("by default a burst of 1,000 messages by one user passes, and what is far beyond does not") {
  Limited bench;
  bench.run();
  for (int i = 0; i < 1000; ++i) {
    INFO(i);
    REQUIRE(send(bench, bench.caller(1)).passed());
  }
  const auto verdict = send(bench, bench.caller(1));
  REQUIRE_FALSE(verdict.passed());
  CHECK(verdict.refusal().code == Code::overloaded);
  CHECK(verdict.refusal().reason == "rate.limited");
  CHECK(verdict.refusal().detail == "at most 50 messages per second, 1000 at once; try again in 20 ms");
  CHECK(send(bench, bench.caller(2)).passed());
  CHECK(bench.host.metrics().value("rate_limited_total") == 1);
}

TEST_CASE("tokens come back at the rate, and no more than the burst are kept") {
  Limited bench{{"messages.rate", 2.0}, {"messages.burst", std::int64_t{3}}};
  bench.run();
  for (int i = 0; i < 3; ++i) CHECK(send(bench, bench.caller(1)).passed());
  CHECK(send(bench, bench.caller(1)).refusal().detail ==
        "at most 2 messages per second, 3 at once; try again in 500 ms");
  bench.host.clock().advance(499);
  CHECK_FALSE(send(bench, bench.caller(1)).passed());
  bench.host.clock().advance(1);
  CHECK(send(bench, bench.caller(1)).passed());
  CHECK_FALSE(send(bench, bench.caller(1)).passed());
  bench.host.clock().advance(3'600'000);
  for (int i = 0; i < 3; ++i) CHECK(send(bench, bench.caller(1)).passed());
  CHECK_FALSE(send(bench, bench.caller(1)).passed());
}

TEST_CASE("an act that another rule refuses has taken its token, and one that this rule refuses has not") {
  Limited bench{{"messages.rate", 1.0}, {"messages.burst", std::int64_t{2}}};
  bench.host.bus().intercept<SubmitMessage>(Stage::policy,
                                            [](SubmitMessage&) { return Verdict::refuse(Code::forbidden, "no"); });
  bench.run();
  for (int i = 0; i < 2; ++i) CHECK(send(bench, bench.caller(1)).refusal().reason == "no");
  for (int i = 0; i < 5; ++i) CHECK(send(bench, bench.caller(1)).refusal().reason == "rate.limited");
  bench.host.clock().advance(1000);
  CHECK(send(bench, bench.caller(1)).refusal().reason == "no");
  CHECK(send(bench, bench.caller(1)).refusal().reason == "rate.limited");
}

TEST_CASE("each kind of act has a limit of its own, and none where the rate is 0") {
  Limited bench{{"messages.rate", 0.0},
                {"conversations.rate", 1.0},
                {"conversations.burst", std::int64_t{1}},
                {"logins.rate", 1.0},
                {"logins.burst", std::int64_t{1}}};
  bench.run();
  for (int i = 0; i < 5000; ++i) REQUIRE(send(bench, bench.caller(1)).passed());
  CHECK(bench.ask(CreateConversation{{}, bench.caller(1), {}}).passed());
  CHECK(bench.ask(CreateConversation{{}, bench.caller(1), {}}).refusal().detail ==
        "at most 1 new conversations per second, 1 at once; try again in 1000 ms");
  CHECK(bench.ask(OpenSession{{}, bench.caller(1), bench.users.add("a")}).passed());
  CHECK_FALSE(bench.ask(OpenSession{{}, bench.caller(1), bench.users.add("a")}).passed());
  for (int i = 0; i < 500; ++i) REQUIRE(bench.ask(ChangeMembership{{}, bench.caller(1), {}}).passed());
}

TEST_CASE("backends and users that are named have no limits") {
  Limited bench{
      {"messages.rate", 1.0}, {"messages.burst", std::int64_t{1}}, {"exempt", std::vector<std::string>{"robot", "77"}}};
  bench.users.add("robot", 5);
  bench.users.add("other", 6);
  bench.users.add("by_number", 77);
  bench.run();
  for (int i = 0; i < 10; ++i) {
    CHECK(send(bench, bench.caller(5)).passed());
    CHECK(send(bench, bench.caller(77)).passed());
    CHECK(send(bench, bench.caller(8, true)).passed());
    CHECK(send(bench, bench.caller(6)).passed() == (i == 0));
  }
}

TEST_CASE("services are limited where the option says so") {
  Limited bench{{"messages.rate", 1.0}, {"messages.burst", std::int64_t{1}}, {"exempt_services", false}};
  bench.run();
  CHECK(send(bench, bench.caller(8, true)).passed());
  CHECK_FALSE(send(bench, bench.caller(8, true)).passed());
}

TEST_CASE("users that are idle are forgotten, however many there were") {
  Limited bench{{"messages.rate", 10.0}, {"messages.burst", std::int64_t{10}}};
  bench.run();
  for (std::uint64_t user = 1; user <= 200'000; ++user) {
    if (user % 1000 == 0) bench.host.clock().advance(1000);
    REQUIRE(send(bench, bench.caller(user)).passed());
  }
  CHECK(bench.plugin.remembered() < 20'000);
}

TEST_CASE("a rate that is too small to count in is refused, by the option's name") {
  Limited bench{{"marks.rate", 0.001}};
  const auto result = bench.plugin.configure();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().reason == "marks.rate");
}

TEST_CASE("threads that take from one bucket get its tokens and no more") {
  Buckets buckets(Rate{1, 1000});
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) taken += buckets.take(static_cast<UserId>(1), 0) == 0;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(taken == 1000);
}
