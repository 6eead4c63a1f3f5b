#include <catch2/catch.hpp>

#include <optional>
#include <thread>

#include "bus_fixture.hpp"
#include "thrown.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

// One proposal of a `Rename` and what became of it.
struct Outcome {
  int calls = 0;
  std::string name;
  std::string reason;

  void propose(Bus& bus, std::string text) {
    Proposer<Rename>(bus).propose(Rename{{}, std::move(text)}, [this](Rename& event, Verdict verdict) {
      ++calls;
      name = event.name;
      reason = verdict.passed() ? "passed" : verdict.refusal().reason;
    });
  }
};

}  // namespace

TEST_CASE("a waiting interceptor answers from another thread, and the chain goes on where it began") {
  BusFixture t;
  std::vector<std::thread> threads;
  const auto own = std::this_thread::get_id();
  std::thread::id plain_ran;
  t.bus.intercept_waiting<Rename>(Stage::rewrite, 1000, [&](Rename& event, Resume resume) {
    threads.emplace_back([&event, resume = std::move(resume)]() mutable {
      event.name += "+asked";
      resume(Verdict::pass());
    });
  });
  t.bus.intercept<Rename>(Stage::policy, [&](Rename& event) {
    plain_ran = std::this_thread::get_id();
    event.name += "+plain";
    return Verdict::pass();
  });
  t.bus.intercept_waiting<Rename>(Stage::policy, 1000, [&](Rename& event, Resume resume) {
    threads.emplace_back([&event, resume = std::move(resume)]() mutable {
      event.name += "+again";
      resume(Verdict::pass());
    });
  });
  t.impl.freeze();

  Outcome outcome;
  outcome.propose(t.bus, "ada");
  CHECK(outcome.calls == 0);
  CHECK(t.loop.run_until([&] { return outcome.calls > 0; }));
  for (auto& thread : threads) thread.join();
  CHECK(outcome.calls == 1);
  CHECK(outcome.reason == "passed");
  CHECK(outcome.name == "ada+asked+plain+again");
  CHECK(plain_ran == own);
  CHECK(t.posted_to == 7);
}

TEST_CASE("many proposals may wait at once, each with its own answer") {
  BusFixture t;
  std::mutex mutex;
  std::vector<std::pair<std::string, Resume>> open;
  t.bus.intercept_waiting<Rename>(Stage::check, 1000, [&](Rename& event, Resume resume) {
    const std::lock_guard lock(mutex);
    open.emplace_back(event.name, std::move(resume));
  });
  std::vector<Outcome> outcomes(200);
  for (std::size_t i = 0; i < outcomes.size(); ++i) outcomes[i].propose(t.bus, std::to_string(i));
  const auto answer = [&] {
    for (;;) {
      std::unique_lock lock(mutex);
      if (open.empty()) return;
      auto [name, resume] = std::move(open.back());
      open.pop_back();
      lock.unlock();
      resume(std::stoi(name) % 2 == 0 ? Verdict::pass() : Verdict::refuse(Code::forbidden, "odd"));
    }
  };
  std::thread one(answer);
  std::thread two(answer);
  std::size_t done = 0;
  CHECK(t.loop.run_until([&] {
    done = 0;
    for (const auto& outcome : outcomes) done += outcome.calls;
    return done == outcomes.size();
  }));
  one.join();
  two.join();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    CHECK(outcomes[i].name == std::to_string(i));
    CHECK(outcomes[i].reason == (i % 2 == 0 ? "passed" : "odd"));
  }
}

TEST_CASE("a waiting interceptor that is late refuses, and its answer changes nothing any more") {
  BusFixture t;
  std::optional<Resume> late;
  bool later_ran = false;
  t.bus.intercept_waiting<Rename>(Stage::check, 1000, [&](Rename&, Resume resume) { late = std::move(resume); });
  t.bus.intercept<Rename>(Stage::policy, [&](Rename&) {
    later_ran = true;
    return Verdict::pass();
  });
  Outcome outcome;
  outcome.propose(t.bus, "ada");
  t.loop.advance(999);
  CHECK(outcome.calls == 0);
  t.loop.advance(1);
  CHECK(outcome.calls == 1);
  CHECK(outcome.reason == "interceptor.timeout");
  (*late)(Verdict::pass());
  late.reset();
  t.loop.run();
  CHECK(outcome.calls == 1);
  CHECK_FALSE(later_ran);
}

TEST_CASE("a time-out of an earlier step does not disturb a later one") {
  BusFixture t;
  std::vector<Resume> open;
  for (int i = 0; i < 2; ++i) {
    t.bus.intercept_waiting<Rename>(Stage::check, 100,
                                    [&](Rename&, Resume resume) { open.push_back(std::move(resume)); });
  }
  Outcome outcome;
  outcome.propose(t.bus, "ada");
  t.loop.advance(60);
  open.at(0)(Verdict::pass());
  t.loop.advance(60);  // the first step's time-out falls into the second step
  CHECK(outcome.calls == 0);
  open.at(1)(Verdict::pass());
  t.loop.run();
  CHECK(outcome.reason == "passed");
}

TEST_CASE("only the first of several answers counts") {
  BusFixture t;
  t.bus.intercept_waiting<Rename>(Stage::check, 100, [](Rename&, Resume resume) {
    resume(Verdict::refuse(Code::forbidden, "first"));
    resume(Verdict::pass());
  });
  Outcome outcome;
  outcome.propose(t.bus, "ada");
  t.loop.run();
  CHECK(outcome.calls == 1);
  CHECK(outcome.reason == "first");
}

TEST_CASE("dropping the Resume refuses instead of hanging") {
  BusFixture t;
  t.bus.intercept_waiting<Rename>(Stage::check, 100, [](Rename&, Resume) {});
  Outcome outcome;
  outcome.propose(t.bus, "ada");
  t.loop.run();
  CHECK(outcome.calls == 1);
  CHECK(outcome.reason == "interceptor.gone");
}

TEST_CASE("a waiting interceptor that throws refuses, and is reported") {
  BusFixture t;
  t.impl.begin_setup("broken", 0);
  t.bus.intercept_waiting<Rename>(Stage::check, 100, [](Rename&, Resume) { throw std::runtime_error("no"); });
  t.impl.freeze();
  Outcome outcome;
  outcome.propose(t.bus, "ada");
  t.loop.run();
  CHECK(outcome.calls == 1);
  CHECK(outcome.reason == "interceptor.failed");
  CHECK(t.log.lines().size() == 1);
}

TEST_CASE("the event lives as long as the Resume, and not until the time-out") {
  struct Tracked : Proposal {
    std::shared_ptr<int> value = std::make_shared<int>(5);
  };
  BusFixture t;
  std::optional<Resume> open;
  const Tracked* seen = nullptr;
  t.bus.intercept_waiting<Tracked>(Stage::check, 1000, [&](Tracked& event, Resume resume) {
    seen = &event;
    open = std::move(resume);
  });
  Tracked event;
  const std::weak_ptr<int> alive = event.value;
  int calls = 0;
  Proposer<Tracked>(t.bus).propose(std::move(event), [&](Tracked&, Verdict) { ++calls; });
  t.loop.advance(500);
  REQUIRE_FALSE(alive.expired());
  CHECK(*seen->value == 5);
  (*open)(Verdict::pass());
  open.reset();
  t.loop.run();
  CHECK(calls == 1);
  CHECK(alive.expired());
  t.loop.advance(1000);
  CHECK(calls == 1);
}

TEST_CASE("a waiting interceptor must have a time-out") {
  BusFixture t;
  t.impl.begin_setup("p", 0);
  check_says(thrown([&] { t.bus.intercept_waiting<Rename>(Stage::check, 0, [](Rename&, Resume) {}); }),
             {"'p'", "time-out"});
}
