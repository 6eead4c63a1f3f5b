// The testing kit tests itself, with a plugin as a third party would write it.
#include <catch2/catch.hpp>

#include <optional>
#include <thread>

#include <loft/events.hpp>
#include <loft/testing/host.hpp>

#include "thrown.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

// Refuses users whose handle is on no list, after asking a slow service, and counts.
class Doorman final : public Plugin {
 public:
  void setup(Host& host) override {
    host_ = &host;
    refused_ = &host.metrics().counter("doorman_refused_total", "Users turned away");
    host.bus().intercept_waiting<OpenSession>(Stage::check, 500, [this](OpenSession& event, Resume resume) {
      const bool welcome = event.user->handle != "mallory";
      const bool taken = host_->run_blocking([this, welcome, resume = std::move(resume)]() mutable {
        if (!welcome) refused_->add();
        resume(welcome ? Verdict::pass() : Verdict::refuse(Code::forbidden, "door.closed"));
      });
      if (!taken) host_->log().warn("too busy to look");
    });
    host.bus().observe<UserCreated>([this](const UserCreated& event) {
      if (event.user->handle.empty()) throw std::runtime_error("nobody");
      host_->log().info("hello", {{"user", event.user->handle}});
    });
    host.bus().follow({"doorman"}, [this](std::span<const Committed> entries) -> Result<void> {
      if (entries.empty()) return Error{Code::invalid, "empty"};
      seen = entries.back().position;
      return {};
    });
  }
  Position seen = 0;

 private:
  Host* host_ = nullptr;
  Metric* refused_ = nullptr;
};

struct Scene {
  testing::FakeHost host{"test.doorman"};
  Doorman plugin;
  std::optional<Proposer<OpenSession>> open;
  std::string answer;

  Scene() {
    plugin.setup(host);
    open.emplace(host.bus());
    host.freeze();
  }
  void knock(std::string handle) {
    answer.clear();
    OpenSession event;
    event.user = std::make_shared<User>(User{UserId{1}, std::move(handle), "", 0});
    open->propose(std::move(event), [this](OpenSession&, Verdict verdict) {
      answer = verdict.passed() ? "welcome" : verdict.refusal().reason;
    });
  }
};

}  // namespace

TEST_CASE("FakeHost runs chains, with blocking work inside the call") {
  Scene scene;
  scene.knock("ada");
  CHECK(scene.answer.empty());
  CHECK(scene.host.loop().run() == 1);
  CHECK(scene.answer == "welcome");
  scene.knock("mallory");
  scene.host.loop().run();
  CHECK(scene.answer == "door.closed");
  CHECK(scene.host.metrics().value("doorman_refused_total") == 1);
}

TEST_CASE("FakeHost can keep blocking work waiting, and time can pass meanwhile") {
  Scene scene;
  scene.host.blocking = testing::FakeHost::Blocking::queued;
  scene.knock("ada");
  scene.host.loop().advance(499);
  CHECK(scene.answer.empty());
  CHECK(scene.host.run_queued() == 1);
  scene.host.loop().run();
  CHECK(scene.answer == "welcome");

  scene.knock("bob");
  scene.host.loop().advance(500);
  CHECK(scene.answer == "interceptor.timeout");
  CHECK(scene.host.run_queued() == 1);
  scene.host.loop().run();
  CHECK(scene.answer == "interceptor.timeout");
}

TEST_CASE("FakeHost can turn blocking work away") {
  Scene scene;
  scene.host.blocking = testing::FakeHost::Blocking::full;
  scene.knock("ada");
  scene.host.loop().run();
  CHECK(scene.answer == "interceptor.gone");
  CHECK(scene.host.log().contains("too busy"));
}

TEST_CASE("FakeHost records log lines and failures of handlers") {
  Scene scene;
  const Publisher<UserCreated> publish(scene.host.bus());
  UserCreated fact;
  fact.user = std::make_shared<User>(User{UserId{1}, "ada", "", 0});
  publish(fact);
  REQUIRE(scene.host.log().lines().size() == 1);
  CHECK(scene.host.log().lines()[0].fields.at("user") == "ada");
  fact.user = std::make_shared<User>();
  publish(fact);
  REQUIRE(scene.host.bus().failures().size() == 1);
  CHECK(scene.host.bus().failures()[0].plugin == "test.doorman");
  CHECK(scene.host.bus().failures()[0].what == "nobody");
}

TEST_CASE("FakeHost feeds followers") {
  Scene scene;
  const Committed entries[] = {{5, nullptr, nullptr}, {9, nullptr, nullptr}};
  CHECK(scene.host.bus().feed("doorman", entries).ok());
  CHECK(scene.plugin.seen == 9);
  CHECK(scene.host.bus().feed("doorman", {}).error().reason == "empty");
  CHECK(scene.host.bus().feed("nobody", entries).error().reason == "follower.unknown");
}

TEST_CASE("FakeHost refuses registering after the freeze, and services that were not given") {
  Scene scene;
  check_says(thrown([&] { scene.host.bus().observe<UserCreated>([](const UserCreated&) {}); }),
             {"'test.doorman'", "after setup"});
  check_says(thrown([&] { scene.host.messaging(); }), {"no messaging", "FakeHost::messaging_service"});
  check_says(thrown([&] { scene.host.domains(); }), {"FakeHost::domains_service"});
}

TEST_CASE("ManualClock moves only when told, ManualLoop runs timers in their order") {
  testing::ManualClock clock;
  testing::ManualLoop loop(clock);
  const auto start = clock.now();
  std::vector<std::pair<char, Millis>> ran;
  loop.after(20, [&] { ran.emplace_back('b', clock.steady()); });
  loop.after(10, [&] {
    ran.emplace_back('a', clock.steady());
    loop.after(15, [&] { ran.emplace_back('c', clock.steady()); });
  });
  loop.after(100, [&] { ran.emplace_back('z', clock.steady()); });
  loop.advance(50);
  CHECK(ran == std::vector<std::pair<char, Millis>>{{'a', 10}, {'b', 20}, {'c', 25}});
  CHECK(loop.timers() == 1);
  CHECK(clock.steady() == 50);
  CHECK(clock.now() == start + 50);
  clock.jump_to(id::epoch);
  CHECK(clock.now() == id::epoch);
  CHECK(clock.steady() == 50);

  std::thread other([&] { loop.post([&] { ran.clear(); }); });
  CHECK(loop.run_until([&] { return ran.empty(); }));
  other.join();
}
