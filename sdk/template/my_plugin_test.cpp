#include <cstdio>

#include <loft/testing/host.hpp>

#include "my_plugin.hpp"

int main() {
  loft::testing::FakeHost host("policy.my_plugin");
  my_plugin::MyPlugin plugin;
  plugin.setup(host);
  const loft::Proposer<loft::SubmitMessage> submit(host.bus());
  host.freeze();

  loft::SubmitMessage event;
  event.submission.content = R"({"text":"short"})";
  if (!submit.now(event).passed()) return std::puts("a short message is refused"), 1;
  event.submission.content.resize(4097, 'x');
  const auto verdict = submit.now(event);
  if (verdict.passed()) return std::puts("a long message passes"), 1;
  if (verdict.refusal().reason != "my_plugin.too_long") return std::puts("the reason is another one"), 1;
  if (host.metrics().value("my_plugin_refused_total") != 1) return std::puts("the refusal is not counted"), 1;
  return 0;
}
