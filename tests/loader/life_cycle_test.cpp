#include <catch2/catch.hpp>

#include "set_fixture.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

void set_option(PluginInstance& instance, std::string_view name, const std::string& value) {
  for (auto& row : instance.options().rows()) {
    if (row.name == name) row.set_text(value);
  }
}

}  // namespace

TEST_CASE("one library may live under several names, each with its own options") {
  SetFixture t;
  auto& first = t.set.load("zoo.healthy");
  auto& second = t.set.load("zoo.healthy", "second");
  CHECK(first.name() == "zoo.healthy");
  CHECK(second.name() == "second");
  CHECK(second.id() == "zoo.healthy");
  CHECK(second.version() == "1.2.3");
  CHECK(second.rank() == 1);
  CHECK(&first.plugin() != &second.plugin());
  REQUIRE(first.options().rows().size() == 2);
  CHECK(first.options().rows()[0].default_text == "hello");
  CHECK(first.options().rows()[1].maximum == 9);
  set_option(second, "greeting", "ahoy");
  CHECK(t.set.configure().empty());
  t.setup();
  t.set.start();
  t.set.stop(1000);
  CHECK(t.said() == std::vector<std::string>{"zoo.healthy: setup", "second: setup", "zoo.healthy: start hello",
                                             "second: start ahoy", "second: stop", "zoo.healthy: stop"});
  t.set.stop(1000);
  CHECK(t.said().size() == 6);
}

TEST_CASE("what runs is stopped and then destroyed in reverse when the set goes") {
  SetFixture t;
  std::vector<std::string> said;
  {
    PluginSet set({ZOO_DIR}, t.bus, t.log, t.fake.clock());
    set.load("zoo.healthy", "a");
    set.load("zoo.healthy", "b");
    set.setup([&](PluginInstance& instance) {
      t.loggers.push_back(std::make_unique<NamedLogger>(instance.name(), t.log));
      return std::make_unique<BusHost>(instance.name(), t.bus, *t.loggers.back(), t.fake);
    });
    set.start();
    said = t.said();
  }
  const auto all = t.said();
  CHECK(std::vector(all.begin() + static_cast<std::ptrdiff_t>(said.size()), all.end()) ==
        std::vector<std::string>{"b: stop", "a: stop", "b: destroy", "a: destroy"});
}

TEST_CASE("an instance name is used once and is a plain word") {
  SetFixture t;
  t.set.load("zoo.healthy");
  check_says(thrown([&] { t.set.load("zoo.healthy"); }),
             {"plugin 'zoo.healthy'", "is there already", "give each instance of a plugin a name of its own"});
  check_says(thrown([&] { t.set.load("zoo.throws", "zoo.healthy"); }), {"('zoo.healthy') is there already"});
  check_says(thrown([&] { t.set.load("zoo.healthy", "a b\n"); }), {"no name for an instance"});
  CHECK(t.set.instances().size() == 1);
}

TEST_CASE("a plugin is asked for by its interface, and refused in words") {
  struct Singer : Plugin {};
  SetFixture t;
  t.set.load("zoo.healthy");
  auto& singer = t.set.adopt("test.singer", "", std::make_unique<Singer>());
  CHECK(&t.set.as<Singer>("test.singer", "a singer") == singer.as<Singer>());
  CHECK(t.set.find("zoo.healthy")->as<Singer>() == nullptr);
  check_says(thrown([&] { t.set.as<Singer>("zoo.healthy", "a singer"); }),
             {"'zoo.healthy'", "wanted as a singer", "is none"});
  check_says(thrown([&] { t.set.as<Singer>("zoo.nobody", "a singer"); }), {"'zoo.nobody'", "not loaded"});
}

TEST_CASE("a plugin that throws when it is made is named") {
  SetFixture t;
  check_says(thrown([&] { t.set.load("zoo.throws_in_create", "eel"); }), {"plugin 'eel'", "create", "no birth today"});
  CHECK(t.set.instances().empty());
}

TEST_CASE("configure reports everything that is wrong, with the option's name") {
  SetFixture t;
  set_option(t.set.load("zoo.throws", "one"), "phase", "configure");
  t.set.load("zoo.healthy");
  set_option(t.set.load("zoo.throws", "two"), "phase", "refuse");
  const auto problems = t.set.configure();
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].instance->name() == "one");
  check_says(problems[0].error.detail, {"plugin 'one'", "configure", "the disk is on fire"});
  CHECK(problems[1].instance->name() == "two");
  CHECK(problems[1].error.reason == "phase");
}

TEST_CASE("a plugin that throws in setup ends the start and is named") {
  SetFixture t;
  t.set.load("zoo.healthy");
  set_option(t.set.load("zoo.throws", "eel"), "phase", "setup");
  check_says(thrown([&] { t.setup(); }), {"plugin 'eel'", "setup", "the disk is on fire"});
  CHECK_FALSE(t.bus.frozen());
}

TEST_CASE("when a start fails, it and all before it are stopped in reverse order") {
  for (const auto& [phase, what] :
       {std::pair("start", "the disk is on fire"), std::pair("number", "no std::exception")}) {
    SetFixture t;
    t.set.load("zoo.healthy", "a");
    t.set.load("zoo.healthy", "b");
    set_option(t.set.load("zoo.throws", "eel"), "phase", phase);
    t.set.load("zoo.healthy", "never");
    t.setup();
    check_says(thrown([&] { t.set.start(); }), {"plugin 'eel'", "start", what});
    const auto said = t.said();
    REQUIRE(said.size() == 8);
    CHECK(std::vector(said.begin() + 3, said.end()) ==
          std::vector<std::string>{"a: start hello", "b: start hello", "eel: stop", "b: stop", "a: stop"});
  }
}

TEST_CASE("a plugin that registers after the freeze is refused and named") {
  SetFixture t;
  t.set.load("zoo.healthy");
  t.set.load("zoo.late");
  t.setup();
  check_says(thrown([&] { t.set.start(); }), {"plugin 'zoo.late'", "start", "StorageRecovered", "Plugin::setup"});
}

TEST_CASE("a plugin that hangs in stop is named and left behind, and the others stop") {
  // What a hanging plugin may use must not be destroyed; a host would now end by std::_Exit.
  auto& t = *new SetFixture;
  t.set.load("zoo.healthy");
  t.set.load("zoo.hangs");
  t.setup();
  t.set.start();
  t.set.stop(20);
  CHECK(t.set.left_behind());
  CHECK(t.set.find("zoo.hangs")->phase() == PluginInstance::Phase::left_behind);
  CHECK(t.set.find("zoo.healthy")->phase() == PluginInstance::Phase::stopped);
  const auto lines = t.log.lines();
  REQUIRE(lines.size() == 4);
  CHECK(lines[2].level == LogLevel::error);
  CHECK(lines[2].fields.at("plugin") == "zoo.hangs");
  CHECK(lines[3].text == "zoo.healthy: stop");
  static auto* const kept = &t;  // reachable, so that it is no leak
  CHECK(kept != nullptr);
}
