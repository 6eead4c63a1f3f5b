// A plugin author's own test: no test framework, no host, only the SDK.
#include <cstdio>

#include <loft/testing/host.hpp>

#include "quiet.hpp"

int main() {
  loft::testing::FakeHost host("policy.acme_quiet");
  acme::Quiet plugin;
  if (!plugin.configure()) return std::puts("the defaults are refused"), 1;
  plugin.setup(host);
  const loft::Proposer<loft::SubmitMessage> propose(host.bus());
  host.freeze();

  loft::SubmitMessage event;
  event.submission.content = R"({"text":"hello"})";
  if (!propose.now(event).passed()) return std::puts("a quiet message is refused"), 1;
  event.submission.content = R"({"text":"HELLO"})";
  if (propose.now(event).passed()) return std::puts("a loud message passes"), 1;
  if (host.metrics().value("acme_shouts_total") != 1) return std::puts("the loud message is not counted"), 1;
  return 0;
}
