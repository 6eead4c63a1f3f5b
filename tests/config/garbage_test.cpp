// Whatever is in the file: problems, never a crash. Repeatable: the seeds are fixed.
#include <random>

#include <catch2/catch.hpp>

#include "config/config.hpp"
#include "config/settings.hpp"

using namespace loft;

namespace {

void read(std::string_view text, const config::Sources& sources = {}) {
  const auto document = config::Document::parse(text, "garbage", sources);
  const auto settings = config::read_settings(*document);
  static_cast<void>(config::check_exposure(settings));
  for (const auto& problem : document->problems()) REQUIRE(!problem.message.empty());
  REQUIRE(format(document->problems()).empty() == document->problems().empty());
}

const std::vector<std::string> tokens = {"server",
                                         "listeners",
                                         "auth",
                                         "jwt",
                                         "secret",
                                         ": ",
                                         ":",
                                         "\n",
                                         "\n  ",
                                         "\n    ",
                                         "- ",
                                         "[",
                                         "]",
                                         "{",
                                         "}",
                                         ", ",
                                         "&a ",
                                         "*a",
                                         "<<: ",
                                         "'",
                                         "\"",
                                         "|\n",
                                         ">-\n",
                                         "#",
                                         "!!str ",
                                         "? ",
                                         "---\n",
                                         "...\n",
                                         "%YAML 1.2\n",
                                         "${env:X}",
                                         "${file:/dev/null}",
                                         "${",
                                         "$${",
                                         "30s",
                                         "64KiB",
                                         "true",
                                         "yes",
                                         "-1",
                                         "null",
                                         "~",
                                         "é",
                                         "\t",
                                         "contracts",
                                         "im",
                                         "use",
                                         "listen",
                                         "127.0.0.1:1",
                                         "storage",
                                         "plugins",
                                         "x-a",
                                         "0"};

}  // namespace

TEST_CASE("random bytes never crash the reader") {
  std::mt19937 random(1);
  for (int round = 0; round < 1500; ++round) {
    std::string text(random() % 200, '\0');
    for (auto& c : text) c = static_cast<char>(random() % (round % 2 == 0 ? 256 : 128));
    read(text);
  }
}

TEST_CASE("random pieces of YAML never crash the reader") {
  std::mt19937 random(2);
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (auto count = random() % 40; count > 0; --count) text += tokens[random() % tokens.size()];
    config::Sources sources;
    if (round % 4 == 0) {
      std::string value;
      for (auto count = random() % 6; count > 0; --count) value += tokens[random() % tokens.size()];
      sources.overrides.push_back(tokens[random() % tokens.size()] + ".0.a=" + value);
      sources.environment["LOFT__" + tokens[random() % tokens.size()]] = value;
    }
    read(text, sources);
  }
}
