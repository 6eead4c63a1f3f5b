#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include <loft/json.hpp>

#include "grade/grade.hpp"

namespace loft::grade {
namespace {

using Kind = Finding::Kind;
using Clock = std::chrono::steady_clock;

std::string encode(const Findings& findings) {
  std::string out;
  json::Writer w(out);
  w.array();
  for (const auto& each : findings) {
    w.object().key("check").string(each.check).key("kind").number(static_cast<int>(each.kind));
    w.key("detail").string(each.detail).end_object();
  }
  w.end_array();
  return out;
}

Findings decode(const std::string& text) {
  Findings findings;
  const auto parsed = json::parse(text);
  if (!parsed) return findings;
  parsed->elements([&](const json::Value& each) {
    const auto word = [&](const char* name) { return each.find(name)->text().value_or(""); };
    findings.push_back({word("check"), static_cast<Kind>(each.find("kind")->integer().value_or(1)), word("detail")});
    return true;
  });
  return findings;
}

/// The child's whole life.
[[noreturn]] void look_and_end(const std::string& check, const std::function<Findings()>& look, int out) {
  Findings found;
  try {
    found = look();
  } catch (const std::exception& e) {
    found = {{check, Kind::bad, e.what()}};
  } catch (...) {
    found = {{check, Kind::bad, "it threw something that is no std::exception"}};
  }
  const auto text = encode(found);
  for (std::size_t at = 0; at < text.size();) {
    const auto wrote = ::write(out, text.data() + at, text.size() - at);
    if (wrote < 0 && errno != EINTR) break;
    at += wrote > 0 ? static_cast<std::size_t>(wrote) : 0;
  }
  // Neither destructors nor the leak check of a sanitizer: what the plugin leaves is measured, and threads may live.
  ::_exit(0);
}

/// Until the other side closes. False: the time is up.
bool read_all(int from, Clock::time_point end, std::string& text) {
  char buffer[4096];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd ready{from, POLLIN, 0};
    const int polled = ::poll(&ready, 1, static_cast<int>(std::max<long long>(left, 0)));
    if (polled < 0 && errno == EINTR) continue;
    if (polled <= 0) return false;
    const auto got = ::read(from, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

Findings apart(const std::string& check, Millis patience, const std::function<Findings()>& look) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  const auto child = ::fork();
  if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (child == 0) {
    ::close(ends[0]);
    look_and_end(check, look, ends[1]);
  }
  ::close(ends[1]);
  std::string text;
  const bool ended = read_all(ends[0], Clock::now() + std::chrono::milliseconds(patience), text);
  ::close(ends[0]);
  if (!ended) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended)
    return {
        {check, Kind::bad, "it did not end within " + std::to_string(patience) + " ms; does a call wait for ever?"}};
  if (WIFSIGNALED(status))
    return {
        {check, Kind::bad,
         std::string("it crashed: ") + ::strsignal(WTERMSIG(status)) + "; run it under a debugger or with sanitizers"}};
  if (WEXITSTATUS(status) != 0)
    return {{check, Kind::bad, "it ended the process with " + std::to_string(WEXITSTATUS(status))}};
  return decode(text);
}

}  // namespace loft::grade
