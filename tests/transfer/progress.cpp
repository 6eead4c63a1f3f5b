#include <catch2/catch.hpp>

#include <sstream>

#include "cli/progress_line.hpp"

using namespace loft::cli;
using namespace std::chrono_literals;

TEST_CASE("progress: numbers and times are written for people", "[transfer]") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(spoken(0.04) == "0.0 s");
  CHECK(spoken(9.44) == "9.4 s");
  CHECK(spoken(59.4) == "59 s");
  CHECK(spoken(75) == "1 min 15 s");
  CHECK(spoken(7260) == "2 h 1 min");
}

TEST_CASE("progress: a terminal has one line each second, anything else one in ten", "[transfer]") {
  for (const bool is_terminal : {true, false}) {
    std::ostringstream out;
    ProgressLine line(out, is_terminal);
    const auto begin = ProgressLine::Clock::now();
    for (int i = 0; i <= 200; ++i) {
      line.tell("messages", static_cast<std::uint64_t>(i) * 100, 40'000, begin + i * 100ms);
    }
    line.end();
    const auto text = out.str();
    const auto lines = std::count(text.begin(), text.end(), is_terminal ? '\r' : '\n');
    CHECK(lines >= (is_terminal ? 18 : 1));
    CHECK(lines <= (is_terminal ? 20 : 2));
    CHECK(text.find(" of 40,000, 1,000 a second, about ") != std::string::npos);
    CHECK(text.ends_with('\n'));
  }
}
