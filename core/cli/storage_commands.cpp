// What an operator does with the store: look at it, bring its schema up to date, check it, back it up.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include <loft/json.hpp>
#include <loft/storage.hpp>

#include "cli/actions.hpp"
#include "cli/interrupt.hpp"
#include "control/lock.hpp"

namespace loft::cli {
namespace {

namespace fs = std::filesystem;

/// What a storage says of itself beyond its schema; a plugin may not say it.
struct Description {
  std::string where;
  std::string owner;
  bool is_known = false;  ///< whether the owner was told
  bool may_migrate = true;
  std::vector<std::pair<std::uint64_t, std::string>> sql;  ///< by number
  std::vector<std::string> lacks;                          ///< what the taken steps made and is not there
  std::string unfinished;                                  ///< where a copy into it comes from that has not ended
};

std::string text(const json::Value& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? value->text().value_or(std::string(value->raw())) : std::string();
}

Result<Description> describe(StorageAlone& alone) {
  Description description;
  const auto said = alone.command("storage.describe");
  if (!said && said.error().reason == "control.unknown_command") return description;
  if (!said) return said.error();
  const auto object = json::parse(*said);
  if (!object) return object.error();
  description.where = text(*object, "where");
  description.owner = text(*object, "owner");
  description.is_known = true;
  description.may_migrate = text(*object, "may_migrate") != "false";
  if (const auto steps = object->find("steps")) {
    steps->elements([&](const json::Value& step) {
      description.sql.emplace_back(std::stoull(text(step, "number")), text(step, "sql"));
      return true;
    });
  }
  description.unfinished = text(*object, "unfinished_copy_of");
  if (const auto lacks = object->find("lacks")) {
    lacks->elements([&](const json::Value& lack) {
      description.lacks.push_back(lack.text().value_or(std::string()));
      return true;
    });
  }
  return description;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

const StorageSchema::Step* stranger(const StorageSchema& schema) {
  const auto found = std::find_if(schema.steps.begin(), schema.steps.end(),
                                  [](const StorageSchema::Step& step) { return step.taken && !step.known; });
  return found == schema.steps.end() ? nullptr : &*found;
}

std::uint32_t missing(const StorageSchema& schema) {
  return static_cast<std::uint32_t>(std::count_if(schema.steps.begin(), schema.steps.end(),
                                                  [](const StorageSchema::Step& step) { return !step.taken; }));
}

/// In a word for programs, and in words.
std::pair<std::string_view, std::string> verdict(const StorageSchema& schema, const Description& description) {
  if (const auto* step = stranger(schema)) {
    if (schema.stored > schema.newest) {
      return {"refused",
              "a start is refused: a newer loft has changed the schema; start that one, or restore a backup "
              "made before the upgrade"};
    }
    return {"refused", "a start is refused: step " + std::to_string(step->number) +
                           " was taken with another text; start the build of loft that made it, or restore a backup"};
  }
  if (!description.lacks.empty()) {
    return {"refused", "a start is refused: missing of its tables are " + joined(description.lacks) +
                           "; restore the whole backup into an empty database, or undo the change that took them away"};
  }
  if (!description.unfinished.empty()) {
    return {"refused", "a start is refused: it holds an unfinished copy of " + description.unfinished +
                           "; run `loft storage copy` again with the same two files, or empty it"};
  }
  if (schema.stored == 0) return {"sets_up", "a start sets it up"};
  const auto steps = missing(schema);
  if (steps == 0) return {"ready", "a start changes nothing"};
  const auto count = std::to_string(steps) + (steps == 1 ? " step" : " steps");
  if (description.may_migrate)
    return {"migrates", "a start takes " + count + "; `loft storage plan` shows what that is"};
  return {"refused", "a start is refused: " + count +
                         " must be taken, and auto_migrate is false; take a backup, then run `loft storage migrate`"};
}

std::string_view state(const StorageSchema::Step& step) {
  return !step.taken ? "missing" : step.known ? "taken" : "unknown";
}

void write_steps(json::Writer& w, const StorageSchema& schema) {
  w.key("stored").number(schema.stored).key("newest").number(schema.newest).key("steps").array();
  for (const auto& step : schema.steps) {
    w.object().key("number").number(step.number).key("name").string(step.name).key("checksum").string(step.checksum);
    w.key("taken").boolean(step.taken).key("known").boolean(step.known).end_object();
  }
  w.end_array();
}

std::string two_digits(int number) { return (number < 10 ? "0" : "") + std::to_string(number); }

/// `loft-20260131T235959Z`
std::string name_of_now() {
  const auto now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  return "loft-" + std::to_string(1900 + utc.tm_year) + two_digits(1 + utc.tm_mon) + two_digits(utc.tm_mday) + "T" +
         two_digits(utc.tm_hour) + two_digits(utc.tm_min) + two_digits(utc.tm_sec) + "Z";
}

/// A name of now that no backup in the folder has, neither one that is complete nor one that is being made.
std::string new_name_in(const fs::path& folder) {
  const auto now = name_of_now();
  for (int number = 1;; ++number) {
    const auto name = now + (number == 1 ? "" : "-" + std::to_string(number)) + ".db";
    std::error_code error;
    bool is_taken = false;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      is_taken = is_taken || entry->path().filename().string().starts_with(name);
    }
    if (!is_taken) return (folder / name).string();
  }
}

/// Where a backup goes. Empty, with `problem` set, when the folder of backups cannot be made.
std::string target_of(const std::string& to, const std::string& data_dir, std::string& problem) {
  std::error_code error;
  if (!to.empty()) return fs::is_directory(to, error) ? new_name_in(to) : to;
  const auto folder = fs::path(data_dir) / "backups";
  const int failed = ::mkdir(folder.c_str(), 0700) != 0 ? errno : 0;
  if (failed != 0 && !fs::is_directory(folder, error)) {
    problem = "the folder " + folder.string() + " cannot be made: " + std::strerror(failed) +
              "; look at data_dir, or name a file with --to";
    return {};
  }
  return new_name_in(folder);
}

std::uint64_t mebibytes(std::uint64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

}  // namespace

Result<std::string> StorageAlone::command(std::string_view name) {
  return Error{Code::not_found, "control.unknown_command", "there is no command " + std::string(name)};
}

/// Calls `use` with what is to be known of the configured storage without a start.
template <class F>
int Actions::look_at_storage(F use) {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  const auto alone = host_.open_storage(*loaded);
  if (!alone) return fail(alone.error());
  const auto schema = (*alone)->storage().schema();
  if (!schema) return fail(schema.error());
  const auto description = describe(**alone);
  if (!description) return fail(description.error());
  return use(*loaded, *schema, *description);
}

int Actions::storage_status() {
  return look_at_storage([&](const Loaded& loaded, const StorageSchema& schema, const Description& description) {
    const auto [word, words] = verdict(schema, description);
    const auto& id = loaded.settings.storage.id;
    if (words_.json) {
      std::string out;
      json::Writer w(out);
      w.object().key("storage").string(id).key("where").string(description.where);
      if (description.is_known) w.key("owner").string(description.owner);
      w.key("start").string(word);
      if (!description.lacks.empty()) {
        w.key("lacks").array();
        for (const auto& lack : description.lacks) w.string(lack);
        w.end_array();
      }
      write_steps(w, schema);
      w.end_object();
      out_ << out << "\n";
      return success;
    }
    out_ << "storage  " << id << (description.where.empty() ? "" : ", " + description.where) << "\n";
    if (description.is_known) {
      out_ << "owner    " << (description.owner.empty() ? "nobody: no host runs on it" : description.owner) << "\n";
    }
    out_ << "schema   " << schema.stored << ", this program knows " << schema.newest << "\n";
    for (const auto& step : schema.steps) {
      out_ << "         " << step.number << " " << step.name << ": " << state(step) << "\n";
    }
    out_ << "start    " << words << "\n";
    return success;
  });
}

int Actions::storage_plan() {
  return look_at_storage([&](const Loaded&, const StorageSchema& schema, const Description& description) -> int {
    if (stranger(schema) != nullptr) {
      return fail({Code::conflict, "storage.schema", verdict(schema, {}).second});
    }
    std::string out;
    json::Writer w(out);
    w.array();
    for (const auto& step : schema.steps) {
      if (step.taken) continue;
      const auto found = std::find_if(description.sql.begin(), description.sql.end(),
                                      [&](const auto& row) { return row.first == step.number; });
      const auto sql = found == description.sql.end() ? std::string() : found->second;
      w.object().key("number").number(step.number).key("name").string(step.name);
      w.key("checksum").string(step.checksum).key("sql").string(sql).end_object();
      if (words_.json) continue;
      out_ << step.number << " " << step.name << "\n";
      if (words_.sql) out_ << sql << "\n";
    }
    w.end_array();
    if (words_.json) {
      out_ << out << "\n";
    } else if (missing(schema) == 0) {
      out_ << "nothing is missing: the schema is number " << schema.stored << "\n";
    }
    return success;
  });
}

int Actions::storage_migrate() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  // A host on this machine is told by its number; one elsewhere by the lock of the database.
  auto lock = control::StoreLock::take(loaded->settings.data_dir, true);
  if (!lock) return fail(lock.error(), lock.error().reason == "lock.held" ? "cannot migrate while a host runs: " : "");
  const auto alone = host_.open_storage(*loaded);
  if (!alone) return fail(alone.error());
  const auto before = (*alone)->storage().schema();
  if (!before) return fail(before.error());
  const auto after = (*alone)->storage().migrate();
  if (!after) return fail(after.error());
  if (words_.json) {
    std::string out;
    json::Writer w(out);
    w.object().key("before").number(before->stored);
    write_steps(w, *after);
    w.end_object();
    out_ << out << "\n";
    return success;
  }
  for (const auto& step : before->steps) {
    if (!step.taken) out_ << "took step " << step.number << " " << step.name << "\n";
  }
  out_ << (before->stored == after->stored ? "nothing was missing: " : "") << "the schema is number " << after->stored
       << "\n";
  return success;
}

int Actions::storage_check() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  const auto alone = host_.open_storage(*loaded);
  if (!alone) return fail(alone.error());
  const auto said = (*alone)->command("storage.check");
  if (!said && said.error().reason == "control.unknown_command") {
    return fail({Code::invalid, "storage.unsupported", loaded->settings.storage.id + " has no check of its own"});
  }
  if (!said) return fail(said.error());
  const auto object = json::parse(*said);
  if (!object) return fail(object.error());
  std::size_t count = 0;
  if (const auto problems = object->find("problems")) {
    problems->elements([&](const json::Value& problem) {
      ++count;
      if (!words_.json) {
        out_ << "table " << text(problem, "table") << ": " << text(problem, "what") << "; " << text(problem, "remedy")
             << "\n";
      }
      return true;
    });
  }
  if (words_.json) {
    out_ << *said << "\n";
  } else if (count == 0) {
    out_ << "nothing is wrong\n";
  } else {
    err_ << "loft: " << count << (count == 1 ? " problem" : " problems")
         << ": keep a backup before you mend anything\n";
  }
  return count == 0 ? success : refused;
}

int Actions::backup() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  const auto alone = host_.open_storage(*loaded);
  if (!alone) return fail(alone.error());
  const bool shows = ::isatty(STDERR_FILENO) == 1 && !words_.json;
  std::uint64_t shown = 0;
  const Interrupt interrupt;
  const auto show = [&](std::uint64_t copied, std::uint64_t total) {
    if (shows && (mebibytes(copied) != shown || copied == total)) {
      shown = mebibytes(copied);
      err_ << "\r" << shown << " of " << mebibytes(total) << " MiB" << (copied == total ? "\n" : "") << std::flush;
    }
    return !interrupt.asked();
  };
  std::string problem, file;
  Result<void> done;
  do {
    file = target_of(words_.backup_to, loaded->settings.data_dir, problem);
    if (file.empty()) return fail({Code::unavailable, "storage.unavailable", problem});
    done = (*alone)->storage().backup(file, show);
    // Another backup may have taken a name that we chose at the same time; not one that the operator chose.
  } while (!done && done.error().reason == "storage.file_exists" && file != words_.backup_to);
  if (!done && done.error().reason == "storage.backup_elsewhere") {
    // The folder that is not needed, unless there is something in it.
    if (words_.backup_to.empty()) ::rmdir(fs::path(file).parent_path().c_str());
    const auto& detail = done.error().detail;
    const auto end = std::min(detail.find('\n'), detail.size());
    out_ << detail.substr(0, end) << "\n";
    err_ << "loft: nothing was copied: the database is on a server, and the command above makes a backup of it."
         << (words_.backup_to.empty() ? "" : " --to is not part of it: the command says where the backup goes.")
         << detail.substr(end) << "\n";
    return refused;
  }
  if (!done) return fail(done.error());
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (words_.json) {
    std::string out;
    json::Writer w(out);
    w.object().key("file").string(fs::absolute(file, error).string()).key("bytes").number(bytes).end_object();
    out_ << out << "\n";
  } else {
    out_ << "wrote " << file << ", " << mebibytes(bytes) << " MiB\n";
  }
  return success;
}

}  // namespace loft::cli
