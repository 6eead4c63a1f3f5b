#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "log/log.hpp"
#include "thrown.hpp"

#include <unistd.h>

using namespace loft;
namespace fs = std::filesystem;

namespace {

// A log file of its own for each test, removed afterwards.
class LogFile {
 public:
  LogFile() {
    std::string name = (fs::temp_directory_path() / "loft-log-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~LogFile() { fs::remove_all(folder_); }

  std::string path() const { return folder_ / "loft.log"; }
  std::unique_ptr<LogSystem> open(LogFormat format, LogLevels levels = {}) const {
    return LogSystem::open({format, path(), std::move(levels)});
  }
  std::string text(const std::string& name = "loft.log") const {
    std::stringstream out;
    out << std::ifstream(folder_ / name).rdbuf();
    return out.str();
  }

 private:
  fs::path folder_;
};

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a line carries time, level, logger, text and fields in each format") {
  const LogFile file;
  const auto time = std::string(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
  SECTION("text") {
    file.open(LogFormat::text)->logger("storage.sqlite").info("opened", {{"path", "/a b"}, {"rows", 3}});
    CHECK_THAT(file.text(), Catch::Matches(time + R"( info +storage\.sqlite: opened path="/a b" rows=3\n)"));
  }
  SECTION("json") {
    file.open(LogFormat::json)->logger("storage.sqlite").warn("say \"hi\"", {{"rows", 3}});
    CHECK_THAT(
        file.text(),
        Catch::Matches(R"(\{"time":")" + time +
                       R"(","level":"warning","logger":"storage\.sqlite","text":"say \\"hi\\"","rows":"3"\}\n)"));
  }
  SECTION("logfmt") {
    file.open(LogFormat::logfmt)->logger("core").error("it broke", {{"why", "because"}, {"empty", ""}});
    CHECK_THAT(file.text(),
               Catch::Matches("time=" + time + R"( level=error logger=core text="it broke" why=because empty=""\n)"));
  }
}

TEST_CASE("control characters in values cannot begin a line of their own") {
  for (const auto format : {LogFormat::text, LogFormat::json, LogFormat::logfmt}) {
    const LogFile file;
    const std::string evil("a\n2026 fake line\r\x1b[31m\0\x7f", 24);
    file.open(format)->logger("core").info("text\nbreak", {{"agent", evil}});
    const auto text = file.text();
    CHECK(lines(text) == 1);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    CHECK(text.find('\0') == std::string::npos);
    CHECK(text.find("\\u001b[31m") != std::string::npos);
    CHECK(text.find("a\\n2026") != std::string::npos);
  }
}

TEST_CASE("levels are chosen by the longest name that fits and change while running") {
  const LogFile file;
  LogLevels levels;
  levels.by_name = {{"storage", LogLevel::error}, {"storage.sqlite", LogLevel::debug}, {"push", LogLevel::off}};
  const auto log = file.open(LogFormat::logfmt, levels);
  auto& sqlite = log->logger("storage.sqlite");
  auto& null = log->logger("storage.null");
  auto& push = log->logger("push.fcm");
  auto& core = log->logger("core");
  CHECK(&log->logger("core") == &core);
  CHECK(sqlite.enabled(LogLevel::debug));
  CHECK_FALSE(sqlite.enabled(LogLevel::trace));
  CHECK_FALSE(null.enabled(LogLevel::warn));
  CHECK(null.enabled(LogLevel::error));
  CHECK_FALSE(push.enabled(LogLevel::error));
  CHECK_FALSE(push.enabled(LogLevel::off));
  CHECK(core.enabled(LogLevel::info));
  CHECK_FALSE(core.enabled(LogLevel::debug));

  core.debug("unheard");
  log->set_levels({LogLevel::debug, {}});
  core.debug("heard");
  CHECK(push.enabled(LogLevel::debug));
  CHECK(file.text().find("unheard") == std::string::npos);
  CHECK(file.text().find("text=heard") != std::string::npos);
}

TEST_CASE("after a rotation reopen writes to the new file") {
  const LogFile file;
  const auto log = file.open(LogFormat::text);
  log->logger("core").info("one");
  fs::rename(file.path(), file.path() + ".1");
  log->logger("core").info("two");
  REQUIRE(log->reopen());
  log->logger("core").info("three");
  CHECK(lines(file.text("loft.log.1")) == 2);
  CHECK(lines(file.text()) == 1);
}

TEST_CASE("a log file that cannot be opened is named with the cause") {
  loft::tests::check_says(loft::tests::thrown([] {
                            LogSystem::open({LogFormat::text, "/proc/none/loft.log", {}});
                          }),
                          {"/proc/none/loft.log", "No such file"});
}

TEST_CASE("level words are read exactly") {
  CHECK(log_level("warn") == LogLevel::warn);
  CHECK(log_level("off") == LogLevel::off);
  CHECK_FALSE(log_level("Warn"));
  CHECK_FALSE(log_level(""));
}
