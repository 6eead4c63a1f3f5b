// Loads the plugins of the outside project with the real loader and uses them, or opens one by name. Arguments: the
// directory they are in, and the name.
#include <cstdio>
#include <exception>

#include "bus/bus.hpp"
#include "bus_host.hpp"
#include "plugins/registry.hpp"

#include <loft/domain.hpp>
#include <loft/events.hpp>
#include <loft/testing/host.hpp>

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  ++failures;
  std::printf("failed: %s\n", what);
}

void run(const char* directory) {
  using namespace loft;
  testing::FakeHost fake;
  BusImpl bus({[] { return 0u; }, [](unsigned, Function<void()>) {}, [](Millis, Function<void()>) {}}, fake.clock(),
              fake.log(), fake.metrics());
  PluginSet set({directory}, bus, fake.log(), fake.clock());
  set.load("domain.acme_poll");
  set.load("policy.acme_quiet");
  const Proposer<SubmitMessage> submit(bus);
  expect(set.configure().empty(), "the defaults pass");
  set.setup([&](PluginInstance& instance) {
    return std::make_unique<tests::BusHost>(instance.name(), bus, fake.log(), fake);
  });
  set.start();

  auto& poll = set.as<Domain>("domain.acme_poll", "a domain");
  expect(poll.domains().size() == 1 && poll.domains()[0].name == "Acme:Poll", "the domain names itself");
  std::string normal;
  expect(poll.check(0, R"({"question":"tea?"})", normal).ok(), "a good poll passes");
  const auto bad = poll.check(0, R"({"question":7})", normal);
  expect(!bad.ok() && bad.error().reason == "content.invalid", "a bad poll is refused");
  std::string preview;
  poll.preview(0, R"({"question":"tea?"})", "en", preview);
  expect(preview == "[poll] tea?", "the preview reads well");

  SubmitMessage event;
  event.submission.content = R"({"text":"hello"})";
  expect(submit.now(event).passed(), "a quiet message passes");
  event.submission.content = R"({"text":"HELLO"})";
  const auto verdict = submit.now(event);
  expect(!verdict.passed() && verdict.refusal().reason == "acme.shouting", "a loud message is refused");
  set.stop(1000);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) return std::puts("usage: test_sdk_loader DIRECTORY [PLUGIN]"), 2;
  try {
    if (argc == 2) {
      run(argv[1]);
    } else {
      loft::open_library(loft::find_library(argv[2], {argv[1]}));
    }
  } catch (const std::exception& e) {
    std::printf("failed: %s\n", e.what());
    return 1;
  }
  return failures == 0 ? 0 : 1;
}
