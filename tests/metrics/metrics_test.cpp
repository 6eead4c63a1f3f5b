#include <catch2/catch.hpp>

#include "metrics/metrics.hpp"

using namespace loft;

TEST_CASE("the exposition is sorted, typed and prefixed") {
  MetricsImpl metrics;
  metrics.gauge("sessions", "Sessions that are open").set(-2);
  metrics.counter("frames_total", "Frames", R"(kind="text")").add(5);
  metrics.counter("frames_total", "another help", R"(kind="binary")").add();
  metrics.counter("accepted_total", "Connections taken");
  CHECK(metrics.text() ==
        "# HELP loft_accepted_total Connections taken\n"
        "# TYPE loft_accepted_total counter\n"
        "loft_accepted_total 0\n"
        "# HELP loft_frames_total Frames\n"
        "# TYPE loft_frames_total counter\n"
        "loft_frames_total{kind=\"binary\"} 1\n"
        "loft_frames_total{kind=\"text\"} 5\n"
        "# HELP loft_sessions Sessions that are open\n"
        "# TYPE loft_sessions gauge\n"
        "loft_sessions -2\n");
}

TEST_CASE("help texts are escaped") {
  MetricsImpl metrics;
  metrics.gauge("x", "one\ntwo \\ three");
  CHECK(metrics.text().find("# HELP loft_x one\\ntwo \\\\ three\n") == 0);
}

TEST_CASE("the same name and labels give the same metric, in whatever order the labels stand") {
  MetricsImpl metrics;
  auto& one = metrics.counter("a_total", "", R"(x="1",y="a,\"b")");
  CHECK(&metrics.counter("a_total", "", R"(y="a,\"b",x="1")") == &one);
  CHECK(&metrics.counter("a_total", "") != &one);
}

TEST_CASE("names and labels that would break the exposition are refused") {
  MetricsImpl metrics;
  metrics.gauge("size", "");
  CHECK_THROWS_WITH(metrics.counter("size", ""), Catch::Contains("'size' is in use as a gauge"));
  for (const auto* name : {"", "1a", "a-b", "a b", "ä"})
    CHECK_THROWS_AS(metrics.counter(name, ""), std::invalid_argument);
  for (const auto* labels :
       {"x", "x=1", "x=\"1", "=\"1\"", "x=\"1\"y=\"2\"", "x=\"1\",", "x=\"\\q\"", "x=\"a\nb\"", "x:y=\"1\""}) {
    CAPTURE(labels);
    CHECK_THROWS_WITH(metrics.counter("b_total", "", labels), Catch::Contains("b_total"));
  }
}
