#include "grade/checks.hpp"

#include <dirent.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include <loft/events.hpp>

#include "grade/trial.hpp"

// The host's own allocator, and that of the sanitizers; absent where the program is linked without.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" int MallocExtension_GetNumericProperty(const char* property, std::size_t* value) __attribute__((weak));
extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));
// NOLINTEND(readability-identifier-naming)

namespace loft::grade {
namespace {

using Kind = Finding::Kind;

std::size_t allocated() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) return __sanitizer_get_current_allocated_bytes();
  std::size_t bytes = 0;
  if (MallocExtension_GetNumericProperty != nullptr &&
      MallocExtension_GetNumericProperty("generic.current_allocated_bytes", &bytes) != 0)
    return bytes;
  return ::mallinfo2().uordblks;
}

std::size_t entries(const char* folder) {
  std::size_t count = 0;
  if (auto* dir = ::opendir(folder)) {
    while (::readdir(dir) != nullptr) ++count;
    ::closedir(dir);
  }
  return count;
}

bool is_snake_case(std::string_view name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'; };
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' && std::all_of(name.begin(), name.end(), good);
}

/// What an option must be told before the plugin can do anything; the words show where they come from.
void fill_required(OptionTable& table) {
  for (auto& row : table.rows()) {
    if (!row.is_required) continue;
    if (row.set_text && row.choices.empty()) row.set_text("checked");
    if (row.set_list) row.set_list({"checked"});
    if (row.set_map) row.set_map({{"checked", "checked"}});
  }
}

/// An error of `configure` that helps nobody.
std::string unhelpful(const OptionTable& table, const Error& error) {
  const auto is_it = [&](const auto& row) { return row.name == error.reason; };
  if (std::none_of(table.rows().begin(), table.rows().end(), is_it))
    return "`configure` refuses with the reason '" + error.reason + "', which must be the name of an option";
  if (error.detail.empty()) return "`configure` refuses '" + error.reason + "' without a detail that says why";
  return {};
}

}  // namespace

Findings look_at_options(const loft_gate& gate) {
  Trial trial(gate);
  Findings found;
  for (const auto& row : trial.options.rows()) {
    const auto bad = [&](const std::string& why) { found.push_back({"options: " + row.name, Kind::bad, why}); };
    if (!is_snake_case(row.name)) bad("a name has small letters, digits and '_', dots to nest");
    if (row.help.empty()) bad("has no help; it is all that the operator reads about it");
    const auto same = [&](const auto& other) { return other.name == row.name; };
    if (std::count_if(trial.options.rows().begin(), trial.options.rows().end(), same) > 1) bad("is there twice");
    if (row.minimum > row.maximum) bad("no value is in its range");
    char* end = nullptr;
    const double number = std::strtod(row.default_text.c_str(), &end);
    const bool plain = (row.type == OptionType::integer || row.type == OptionType::number) && *end == '\0';
    if (plain && !row.is_required && (number < row.minimum || number > row.maximum))
      bad("its default " + row.default_text + " is out of its own range");
  }
  if (found.empty()) found.push_back({"options", Kind::good, std::to_string(trial.options.rows().size()) + " options"});
  return found;
}

Findings look_at_configuration(const loft_gate& gate) {
  {
    Trial trial(gate);
    const auto taken = trial.plugin().configure();
    if (!taken) {
      if (const auto why = unhelpful(trial.options, taken.error()); !why.empty())
        return {{"configuration", Kind::bad, why}};
    }
  }
  Findings found;
  std::size_t tried = 0;
  const auto attempt = [&](const std::string& name, const std::function<void(Option&)>& set) {
    Trial trial(gate);
    fill_required(trial.options);
    for (auto& row : trial.options.rows()) {
      if (row.name == name) set(row);
    }
    ++tried;
    const auto taken = trial.plugin().configure();
    if (taken) return;
    if (const auto why = unhelpful(trial.options, taken.error()); !why.empty())
      found.push_back({"configuration: " + name, Kind::bad, why});
  };
  const Trial names(gate);
  for (const auto& row : names.options.rows()) {
    const auto low = std::max(row.minimum, -9e15), high = std::min(row.maximum, 9e15);
    if (row.set_integer) {
      attempt(row.name, [low](Option& o) { o.set_integer(std::llround(low)); });
      attempt(row.name, [high](Option& o) { o.set_integer(std::llround(high)); });
    } else if (row.set_number) {
      attempt(row.name, [low](Option& o) { o.set_number(low); });
      attempt(row.name, [high](Option& o) { o.set_number(high); });
    } else if (row.set_text && row.choices.empty()) {
      attempt(row.name, [](Option& o) { o.set_text(""); });
      attempt(row.name, [](Option& o) { o.set_text(std::string(100'000, 'x')); });
    } else if (row.set_list) {
      attempt(row.name, [](Option& o) { o.set_list({}); });
      attempt(row.name, [](Option& o) { o.set_list({"", std::string(100'000, 'x')}); });
    } else if (row.set_map) {
      attempt(row.name, [](Option& o) { o.set_map({{"", ""}, {"x", std::string(100'000, 'x')}}); });
    }
  }
  if (found.empty())
    found.push_back(
        {"configuration", Kind::good, std::to_string(tried) + " extreme values were taken or refused in words"});
  return found;
}

Findings look_at_life_cycle(const loft_gate& gate, unsigned cycles) {
  std::string without_setup;
  const auto live = [&] {
    Trial trial(gate);
    fill_required(trial.options);
    if (!trial.plugin().configure()) {
      without_setup = "`setup` was not called: its required options can only be said by an operator";
      return;
    }
    try {
      trial.plugin().setup(trial.host);
    } catch (const std::exception& e) {
      without_setup = std::string("`setup` failed with a host of fakes: ") + e.what();
    }
    trial.host.freeze();
  };
  for (int i = 0; i < 20; ++i) live();  // what a library keeps once it was used
  const auto bytes = allocated(), files = entries("/proc/self/fd"), threads = entries("/proc/self/task");
  for (unsigned i = 0; i < cycles; ++i) live();
  const auto now = allocated();
  const double each = (static_cast<double>(now) - static_cast<double>(bytes)) / cycles;
  Findings found;
  if (each >= 8) {
    found.push_back({"life cycle", Kind::bad,
                     "each life leaves " + std::to_string(std::llround(each)) +
                         " bytes behind; who owns what `setup` and the constructor make?"});
  }
  const auto more = [&](const char* what, std::size_t before, std::size_t after) {
    if (after > before)
      found.push_back(
          {"life cycle", Kind::bad,
           std::to_string(after - before) + " " + what + " are left after " + std::to_string(cycles) + " lives"});
  };
  more("open files", files, entries("/proc/self/fd"));
  more("threads", threads, entries("/proc/self/task"));
  if (found.empty())
    found.push_back({"life cycle", Kind::good, std::to_string(cycles) + " lives leave nothing behind"});
  if (!without_setup.empty()) found.push_back({"life cycle: setup", Kind::passed_over, without_setup});
  return found;
}

Findings look_at_start(const loft_gate& gate) {
  constexpr Millis deadline = 2000;
  std::string folder = (std::filesystem::temp_directory_path() / "loft-check-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return {{"start", Kind::passed_over, "no temporary folder: " + folder}};
  const auto passed_over = [&](const std::string& why) -> Findings { return {{"start", Kind::passed_over, why}}; };
  Findings found;
  {
    Trial trial(gate, folder);
    fill_required(trial.options);
    if (!trial.plugin().configure()) return passed_over("its required options can only be said by an operator");
    std::string failed;
    try {
      trial.plugin().setup(trial.host);
      trial.host.freeze();
      trial.plugin().start();
    } catch (const std::exception& e) {
      failed = e.what();
    }
    const auto begin = std::chrono::steady_clock::now();
    trial.plugin().stop(trial.host.clock().steady() + deadline);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    if (took.count() > deadline)
      found = {{"start", Kind::bad,
                "`stop` took " + std::to_string(took.count()) + " ms of the " + std::to_string(deadline) + " it had"}};
    else if (!failed.empty())
      found = passed_over("with a host of fakes it fails, and stops: " + failed);
    else
      found = {{"start", Kind::good, "it starts, and stops in time"}};
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return found;
}

Findings look_at_handlers(const loft_gate& gate) {
  Trial trial(gate);
  fill_required(trial.options);
  if (!trial.plugin().configure())
    return {{"handlers", Kind::passed_over, "its required options can only be said by an operator"}};
  try {
    trial.plugin().setup(trial.host);
  } catch (const std::exception& e) {
    return {{"handlers", Kind::passed_over, std::string("`setup` failed with a host of fakes: ") + e.what()}};
  }
  const Proposer<SubmitMessage> submit(trial.host.bus());
  trial.host.freeze();
  if (!submit.has_interceptors()) return {{"handlers", Kind::good, "none looks at messages that are sent"}};
  if (submit.has_waiting()) return {{"handlers", Kind::passed_over, "one that waits is for a running host"}};
  const std::string contents[] = {R"({"text":"hello"})", "{}", R"({"text":""})",
                                  R"({"text":5,"other":[{"text":null}]})",
                                  "{\"text\":\"" + std::string(16'000, 'x') + "\"}"};
  Findings found;
  double slowest = 0;
  constexpr int times = 200;
  for (const auto& content : contents) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) {
      SubmitMessage event;
      event.caller.user = static_cast<UserId>(1000);
      event.submission.domain = "Core:Text";
      event.submission.content = content;
      const auto verdict = submit.now(event);
      if (!verdict.passed() && verdict.refusal().reason.empty())
        return {{"handlers", Kind::bad, "one refuses without a reason; clients are answered with it"}};
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    slowest = std::max(slowest, took.count() / times);
  }
  for (const auto& failure : trial.host.bus().failures())
    return {{"handlers", Kind::bad, "one throws: " + failure.what + "; refuse with a reason, or pass"}};
  if (slowest > 1000) {
    return {{"handlers", Kind::bad,
             "a message of 16 KB takes them " + std::to_string(std::llround(slowest)) +
                 " µs, and I/O threads wait for it; use the blocking pool and the waiting form"}};
  }
  return {{"handlers", Kind::good, "at most " + std::to_string(std::llround(slowest)) + " µs a message"}};
}

}  // namespace loft::grade
