// `loft storage copy` and `loft storage verify`: two storages, without a host.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <loft/json.hpp>

#include "cli/actions.hpp"
#include "cli/progress_line.hpp"
#include "control/lock.hpp"
#include "transfer/copy.hpp"
#include "transfer/tables.hpp"
#include "transfer/verify.hpp"

namespace loft::cli {
namespace {

/// The storage that a file names, opened as a host opens it.
struct Opened {
  std::string file;
  Loaded loaded;
  std::optional<control::StoreLock> lock;
  std::unique_ptr<StorageAlone> alone;

  Storage& storage() const { return alone->storage(); }
  std::string data_dir() const {
    return std::filesystem::absolute(loaded.settings.data_dir).lexically_normal().string();
  }
  std::string name() const { return loaded.settings.storage.id + " of " + file; }
};

bool is_in_use(const Error& error) { return error.detail.find("in use by another") != std::string::npos; }

Error about(const Opened& opened, Error error) {
  auto detail = opened.name() + ": " + (error.detail.empty() ? error.reason : error.detail);
  if (error.reason == "lock.held" || is_in_use(error)) {
    detail = "stop the host first, a storage that is in use is neither copied nor compared: " + detail;
  }
  return {error.code, std::move(error.reason), std::move(detail)};
}

/// `must_exist`: a storage with no tables is not made but refused.
Result<void> open(HostCommands& host, Opened& opened, bool must_exist) {
  auto alone = host.open_storage(opened.loaded);
  if (!alone) return about(opened, alone.error());
  if (must_exist) {
    const auto schema = (*alone)->storage().schema();
    if (schema && schema->stored == 0) {
      return Error{Code::not_found, "transfer.empty",
                   opened.name() + " has no tables yet: there is nothing in it; is it the right file?"};
    }
  }
  if (const auto started = (*alone)->start(); !started) return about(opened, started.error());
  opened.alone = std::move(*alone);
  return {};
}

/// Both, or neither; `both_exist`: the second one is not made either. The same storage twice is found out by its own
/// lock: the second opens when the first has let go.
Result<void> open_both(HostCommands& host, Opened& first, Opened& second, bool both_exist) {
  std::error_code ignored;
  for (auto* opened : {&first, &second}) {
    if (opened == &second && std::filesystem::equivalent(first.data_dir(), second.data_dir(), ignored)) break;
    auto lock = control::StoreLock::take(opened->data_dir(), true);
    if (!lock) return about(*opened, lock.error());
    opened->lock.emplace(std::move(*lock));
  }
  if (auto done = open(host, first, true); !done) return done;
  auto done = open(host, second, both_exist);
  if (done || !is_in_use(done.error())) return done;
  first.alone.reset();
  if (!open(host, second, false)) return done;
  return Error{Code::invalid, "transfer.same",
               first.file + " and " + second.file + " name the same storage (" + first.loaded.settings.storage.id +
                   "); name two different ones"};
}

/// How many rows its tables have, by a question that its storage may not understand.
transfer::Count count_of(const Opened& opened) {
  return [&opened]() -> Result<std::optional<transfer::Counts>> {
    const auto said = opened.alone->command("storage.count");
    if (!said && said.error().reason == "control.unknown_command") return std::optional<transfer::Counts>();
    if (!said) return said.error();
    const auto object = json::parse(*said);
    const auto rows = object ? object->find("rows") : std::nullopt;
    if (!rows) return Error{Code::internal, "storage.broken", opened.name() + " counts its rows in no way known here"};
    transfer::Counts counts;
    for (const auto& [table, kind] : transfer::kinds) {
      const auto number = rows->find(table);
      counts.*kind = static_cast<std::uint64_t>(number ? number->integer().value_or(0) : 0);
    }
    return std::optional(counts);
  };
}

bool is_of_rows(const Error& error) {
  return error.reason == "transfer.damaged" || error.reason == "transfer.refused" ||
         error.reason == "storage.corrupt" || error.reason == "storage.broken";
}

/// What the storage's own check finds, a line each, so that an error about rows names them and what to do.
std::vector<std::string> found_by_check(const Opened& opened) {
  std::vector<std::string> lines;
  const auto said = opened.alone->command("storage.check");
  const auto object = said ? json::parse(*said) : Result<json::Value>(said.error());
  const auto problems = object ? object->find("problems") : std::nullopt;
  if (!problems) return lines;
  const auto text = [](const json::Value& problem, std::string_view key) {
    const auto value = problem.find(key);
    return value ? value->text().value_or("") : std::string();
  };
  problems->elements([&](const json::Value& problem) {
    lines.push_back("table " + text(problem, "table") + ": " + text(problem, "what") + "; " + text(problem, "remedy"));
    return true;
  });
  return lines;
}

void append(json::Writer& w, const transfer::Counts& counts) {
  w.object();
  w.key("users").number(counts.users).key("conversations").number(counts.conversations);
  w.key("members").number(counts.members).key("messages").number(counts.messages);
  w.key("changes").number(counts.changes).key("client_ids").number(counts.client_keys);
  w.key("marks").number(counts.marks).key("values").number(counts.key_values);
  w.key("followers").number(counts.followers).key("pushes").number(counts.pushes);
  w.key("devices").number(counts.devices).key("push_attempts").number(counts.attempts).end_object();
}

std::string in_words(const transfer::Counts& counts) {
  const std::pair<std::uint64_t, const char*> kinds[] = {
      {counts.users, "users"},         {counts.conversations, "conversations"},
      {counts.members, "members"},     {counts.messages, "messages"},
      {counts.changes, "changes"},     {counts.client_keys, "client ids"},
      {counts.marks, "marks"},         {counts.key_values, "values of plugins"},
      {counts.followers, "followers"}, {counts.pushes, "pushes"},
      {counts.devices, "devices"},     {counts.attempts, "attempts to push"}};
  std::string text;
  for (const auto& [count, name] : kinds) text += (text.empty() ? "" : ", ") + grouped(count) + " " + name;
  return text;
}

double seconds_since(ProgressLine::Clock::time_point begin) {
  return std::chrono::duration<double>(ProgressLine::Clock::now() - begin).count();
}

}  // namespace

/// `file` as `--config` takes it.
std::optional<Loaded> Actions::configuration_of(const std::string& file, int& exit) {
  auto loaded = load({file, {}, environment_});
  if (loaded.document->problems().empty()) return loaded;
  exit = report(loaded.document->problems());
  return std::nullopt;
}

/// Overrides would mean both files, and so one storage twice.
bool Actions::names_one_configuration() {
  if (words_.config.empty() && words_.set.empty()) return false;
  err_ << "loft: this command takes two files and neither --config nor --set; write what is to be set into the files\n";
  return true;
}

/// A failure, and what a check names of `file`'s storage. What rows are to blame for is no bug of the program.
int Actions::fail_by_rows(const Error& error, const std::string& file, const std::vector<std::string>& found) {
  const int exit = fail(error);
  if (found.empty()) return exit;
  constexpr std::size_t most = 10;
  for (std::size_t i = 0; i < std::min(found.size(), most); ++i) err_ << "  " << found[i] << "\n";
  if (found.size() > most) err_ << "  and " << found.size() - most << " more\n";
  err_ << "loft: keep a backup, mend these rows (`loft storage check --config " << file
       << "` names all), then run the same command again\n";
  return refused;
}

int Actions::storage_copy() {
  if (names_one_configuration()) return usage;
  int exit = success;
  auto from = configuration_of(words_.from, exit);
  if (!from) return exit;
  auto to = configuration_of(words_.to, exit);
  if (!to) return exit;
  Opened source{words_.from, std::move(*from), {}, {}}, target{words_.to, std::move(*to), {}, {}};
  if (const auto opened = open_both(host_, source, target, false); !opened) return fail(opened.error());

  const auto begin = ProgressLine::Clock::now();
  ProgressLine progress(err_, ::isatty(STDERR_FILENO) == 1);
  transfer::CopyOptions options;
  options.batch = words_.batch;
  options.from = source.name();
  options.watch = [&](const transfer::Step& step) { progress.tell(step.what, step.done, step.total); };
  options.count_source = count_of(source);
  const auto copied = transfer::copy(source.storage(), target.storage(), options);
  progress.end();
  if (!copied && is_of_rows(copied.error())) return fail_by_rows(copied.error(), source.file, found_by_check(source));
  if (!copied) return fail(copied.error());

  const auto seconds = seconds_since(begin);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(copied->written.all()) / std::max(seconds, 0.001));
  if (words_.json) {
    std::string line;
    json::Writer w(line);
    w.object().key("written");
    append(w, copied->written);
    w.key("found");
    append(w, copied->found);
    w.key("was_whole").boolean(copied->was_whole).key("milliseconds").number(std::llround(seconds * 1000));
    w.key("rows_a_second").number(rate).end_object();
    out_ << line << "\n";
  } else if (copied->was_whole) {
    out_ << target.name() << " has everything already: " << in_words(copied->found) << "\n";
  } else {
    if (copied->found.all() != 0) out_ << "had already: " << in_words(copied->found) << "\n";
    out_ << "copied to " << target.name() << ": " << in_words(copied->written) << "\n"
         << "in " << spoken(seconds) << ", " << grouped(rate) << " rows a second; now run loft storage verify "
         << words_.from << " " << words_.to << "\n";
  }
  return success;
}

int Actions::storage_verify() {
  if (names_one_configuration()) return usage;
  int exit = success;
  auto one = configuration_of(words_.first, exit);
  if (!one) return exit;
  auto other = configuration_of(words_.second, exit);
  if (!other) return exit;
  Opened first{words_.first, std::move(*one), {}, {}}, second{words_.second, std::move(*other), {}, {}};
  if (const auto opened = open_both(host_, first, second, true); !opened) return fail(opened.error());

  const auto begin = ProgressLine::Clock::now();
  ProgressLine progress(err_, ::isatty(STDERR_FILENO) == 1);
  transfer::VerifyOptions options;
  options.watch = [&](const transfer::Step& step) { progress.tell(step.what, step.done, step.total); };
  options.count = {count_of(first), count_of(second)};
  const auto verified = transfer::verify(first.storage(), second.storage(), options);
  progress.end();
  if (!verified) return fail(verified.error());

  const bool equal = verified->differences.empty();
  if (words_.json) {
    std::string line;
    json::Writer w(line);
    w.object().key("equal").boolean(equal).key("first");
    append(w, verified->counts[0]);
    w.key("second");
    append(w, verified->counts[1]);
    w.key("differences").array();
    for (const auto& difference : verified->differences) w.string(difference);
    w.end_array().key("more").boolean(verified->more);
    w.key("milliseconds").number(std::llround(seconds_since(begin) * 1000)).end_object();
    out_ << line << "\n";
    return equal ? success : refused;
  }
  if (equal) {
    out_ << "equal: " << in_words(verified->counts[0]) << " (" << spoken(seconds_since(begin)) << ")\n";
    return success;
  }
  out_ << "different\nfirst, " << first.name() << ": " << in_words(verified->counts[0]) << "\nsecond, " << second.name()
       << ": " << in_words(verified->counts[1]) << "\n";
  for (const auto& difference : verified->differences) out_ << "- " << difference << "\n";
  if (verified->more) out_ << "- and more\n";
  return refused;
}

}  // namespace loft::cli
