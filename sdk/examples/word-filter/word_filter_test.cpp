// What the plugin does by itself: its own source, and the SDK's testing kit in place of a host.
#include "word_filter.cpp"

#include <cstdio>

#include <loft/testing/host.hpp>

namespace {

int failures = 0;

void expect(bool holds, const char* promise) {
  if (holds) return;
  ++failures;
  std::printf("does not hold: %s\n", promise);
}

/// A filter of the word `darn`, and what it does to a content.
struct Filtering {
  explicit Filtering(bool mask) {
    loft::OptionTable table;
    plugin.options(table);
    for (auto& row : table.rows()) {
      if (row.name == "words") row.set_list({"darn"});
      if (row.name == "mask") row.set_boolean(mask);
    }
    expect(plugin.configure().ok(), "its options are taken");
    plugin.setup(host);
    submit.emplace(host.bus());
    host.freeze();
  }
  std::string send(std::string content) {
    loft::SubmitMessage event;
    event.submission.content = std::move(content);
    const auto verdict = submit->now(event);
    return verdict.passed() ? event.submission.content : verdict.refusal().reason;
  }

  loft::testing::FakeHost host{"policy.word_filter"};
  WordFilter plugin;
  std::optional<loft::Proposer<loft::SubmitMessage>> submit;
};

}  // namespace

int main() {
  Filtering refusing(false), masking(true);
  expect(refusing.send(R"({"text":"fine"})") == R"({"text":"fine"})", "what has no such word passes");
  expect(refusing.send(R"({"text":"oh darn"})") == "content.forbidden_word", "what has one is refused");
  expect(refusing.host.metrics().value("example_word_filter_found_total") == 1, "and counted");
  expect(masking.send(R"({"text":"darn, darn"})") == R"({"text":"****, ****"})", "or sent with stars");
  return failures == 0 ? 0 : 1;
}
