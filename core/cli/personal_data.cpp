// `loft user export` and `loft user erase`.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <loft/json.hpp>

#include "cli/actions.hpp"
#include "cli/interrupt.hpp"
#include "control/control.hpp"
#include "control/lock.hpp"
#include "messaging/directory.hpp"

namespace loft::cli {
namespace {

constexpr Millis patience = 120'000;

/// Many questions to one host, or to one store that is opened once.
class Line {
 public:
  Line(HostCommands& host, Loaded& loaded) : host_(host), loaded_(loaded) {}

  Result<std::string> ask(std::string_view command, const std::string& arguments) {
    const auto& data_dir = loaded_.settings.data_dir;
    if (users_ == nullptr) {
      auto answer = control::control_call(data_dir, command, arguments, patience);
      if (answer || answer.error().reason != "control.no_host") return answer;
      auto lock = control::StoreLock::take(data_dir, true);
      if (!lock) return lock.error();
      lock_.emplace(std::move(*lock));
      auto users = host_.open_users(loaded_);
      if (!users) return users.error();
      users_ = std::move(*users);
    }
    return users_->command(command, arguments);
  }

 private:
  HostCommands& host_;
  Loaded& loaded_;
  std::optional<control::StoreLock> lock_;
  std::unique_ptr<UserStore> users_;
};

/// A file that nobody else may read and that was not there before. It has its name once it is whole.
class NewFile {
 public:
  static Result<std::unique_ptr<NewFile>> make(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) return refusal(path, EEXIST);
    auto part = path + ".part-XXXXXX";
    const int file = ::mkostemp(part.data(), O_CLOEXEC);
    if (file < 0) return refusal(path, errno);
    return std::unique_ptr<NewFile>(new NewFile(path, std::move(part), file));
  }
  ~NewFile() {
    ::close(file_);
    ::unlink(part_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  bool write(std::string_view text) {
    while (!text.empty()) {
      const auto written = ::write(file_, text.data(), text.size());
      if (written < 0 && errno != EINTR) return false;
      if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  bool sync() { return ::fsync(file_) == 0; }
  Result<void> publish() {
    // A link refuses a name that somebody has taken meanwhile.
    if (::link(part_.c_str(), path_.c_str()) != 0) return refusal(path_, errno);
    return {};
  }

 private:
  NewFile(std::string path, std::string part, int file) : path_(std::move(path)), part_(std::move(part)), file_(file) {}

  static Error refusal(const std::string& path, int error) {
    return {Code::conflict, "export.file",
            "cannot make " + path + ": " + std::strerror(error) +
                (error == EEXIST ? "; name one that does not exist yet" : "")};
  }

  std::string path_, part_;
  int file_;
};

std::string question(const Words& words, const std::string& uid, const std::string& next) {
  std::string arguments;
  json::Writer w(arguments);
  w.object();
  if (uid.empty())
    w.key("handle").string(words.handle);
  else
    w.key("uid").raw(uid).key("next").raw(next);
  w.key("received").boolean(words.with_received).end_object();
  return arguments;
}

void print(std::ostream& out, const json::Value& counts, const char* indent) {
  counts.members([&](const json::Value& name, const json::Value& rows) {
    out << indent << name.text().value_or("") << ": " << rows.raw() << "\n";
    return true;
  });
}

}  // namespace

/// No user can have another handle than what is_handle takes: a script has lost its variable.
bool Actions::names_a_user() {
  if (is_handle(words_.handle)) return true;
  err_ << "loft: " << (words_.handle.empty() ? "the handle is empty" : "this is no handle")
       << ": a handle has 1 to 50 bytes of UTF-8 without control characters and outer spaces; `loft user list` shows "
          "all\n";
  return false;
}

int Actions::user_export() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  if (!names_a_user()) return usage;
  const Interrupt interrupt;
  std::unique_ptr<NewFile> file;
  Line line(host_, *loaded);
  std::string uid, next;
  std::uint64_t lines = 0;
  for (bool more = true; more;) {
    if (interrupt.asked()) return refused;
    const auto answer = line.ask("user.export", question(words_, uid, next));
    if (!answer && answer.error().reason == "user.unknown") return unknown_user();
    if (!answer) return fail(answer.error(), "the export is not complete: ");
    const auto page = json::parse(*answer);
    const auto told = page ? page->find("lines") : std::nullopt;
    const auto number = page ? page->find("uid") : std::nullopt;
    const auto place = page ? page->find("next") : std::nullopt;
    if (!told || !number || !place) return fail({Code::internal, "control.malformed", "the host's answer is damaged"});
    uid = number->raw();
    next = place->raw();
    const auto flag = page->find("more");
    more = flag && flag->boolean() == true;
    std::string text;
    told->elements([&](const json::Value& one) {
      text.append(one.raw()).append("\n");
      ++lines;
      return true;
    });
    if (!words_.to.empty() && file == nullptr) {
      auto made = NewFile::make(words_.to);
      if (!made) return fail(made.error());
      file = std::move(*made);
    }
    const bool written = file != nullptr ? file->write(text) : static_cast<bool>(out_ << text);
    if (!written) {
      err_ << "loft: the export could not be written to its end; is the device full?\n";
      return output_lost;
    }
  }
  if (file != nullptr) {
    if (!file->sync()) {
      err_ << "loft: " << words_.to << " could not be written to its end; is the device full?\n";
      return output_lost;
    }
    if (const auto published = file->publish(); !published) return fail(published.error());
    out_ << "wrote " << lines << " lines to " << words_.to << "\n";
  }
  return success;
}

int Actions::user_erase() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  if (!names_a_user()) return usage;
  std::string arguments;
  json::Writer w(arguments);
  w.object().key("handle").string(words_.handle).key("dry_run").boolean(words_.dry_run).end_object();
  Line line(host_, *loaded);
  for (bool begun = false;; begun = true) {
    const auto answer = line.ask("user.erase", arguments);
    if (!answer && answer.error().reason == "user.unknown") {
      if (!begun) return unknown_user();
      // The host has finished it by itself between two of our questions.
      out_ << (words_.json ? "{\"done\":true}\n" : "erased " + words_.handle + "\n");
      return success;
    }
    if (!answer) {
      return fail(answer.error(), words_.dry_run ? ""
                                                 : "the erasure is not done; it goes on when the host runs, or with "
                                                   "the same command: ");
    }
    const auto report = json::parse(*answer);
    if (!report) return fail(report.error());
    const auto was_begun = report->find("was_begun");
    if (!begun && was_begun && was_begun->boolean() == true) {
      err_ << "loft: an erasure of this user was begun before; "
           << (words_.dry_run ? "this is what is left to do\n" : "this goes on with it\n");
    }
    const auto done = report->find("done");
    if (!words_.dry_run && !(done && done->boolean() == true)) continue;
    if (words_.json) {
      out_ << *answer << "\n";
      return success;
    }
    const auto uid = report->find("uid");
    out_ << (words_.dry_run ? "would erase " : "erased ") << words_.handle << ", uid " << (uid ? uid->raw() : "")
         << "\n";
    if (const auto tables = report->find("tables")) print(out_, *tables, "  ");
    if (const auto plugins = report->find("plugins")) print(out_, *plugins, "  ");
    return success;
  }
}

}  // namespace loft::cli
