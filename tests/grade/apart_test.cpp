// Crashes and hangs of a plugin on trial are findings.
#include <catch2/catch.hpp>

#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "grade/grade.hpp"

using namespace loft;
using namespace loft::grade;
using Kind = Finding::Kind;

namespace {

Finding only(const Findings& findings) {
  REQUIRE(findings.size() == 1);
  return findings[0];
}

}  // namespace

TEST_CASE("what a check found comes back as it was") {
  const Findings found = {
      {"one", Kind::good, "a \"word\"\n中"}, {"two", Kind::bad, ""}, {"three", Kind::passed_over, "x"}};
  const auto back = apart("check", 30'000, [&] { return found; });
  REQUIRE(back.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(back[i].check == found[i].check);
    CHECK(back[i].kind == found[i].kind);
    CHECK(back[i].detail == found[i].detail);
  }
}

TEST_CASE("more than a pipe holds comes back") {
  const auto back = apart("check", 30'000, [] { return Findings(5000, {"many", Kind::good, std::string(200, 'x')}); });
  CHECK(back.size() == 5000);
}

TEST_CASE("a crash is a finding with the signal's name") {
  const auto found = only(apart("check", 30'000, []() -> Findings {
    std::signal(SIGTERM, SIG_DFL);
    std::raise(SIGTERM);
    return {};
  }));
  CHECK(found.kind == Kind::bad);
  CHECK(found.check == "check");
  CHECK_THAT(found.detail, Catch::StartsWith("it crashed: Terminated"));
}

TEST_CASE("an exception is a finding with its text, whatever was thrown") {
  CHECK(only(apart("check", 30'000, []() -> Findings { throw std::runtime_error("no luck"); })).detail == "no luck");
  CHECK_THAT(only(apart("check", 30'000, []() -> Findings { throw 5; })).detail, Catch::Contains("no std::exception"));
}

TEST_CASE("who ends the process is found out") {
  const auto found = only(apart("check", 30'000, []() -> Findings { ::_exit(3); }));
  CHECK(found.kind == Kind::bad);
  CHECK(found.detail == "it ended the process with 3");
}

TEST_CASE("a check that does not end is given up") {
  const auto found = only(apart("check", 100, []() -> Findings {
    for (;;) ::pause();
  }));
  CHECK(found.kind == Kind::bad);
  CHECK_THAT(found.detail, Catch::StartsWith("it did not end within 100 ms"));
}
