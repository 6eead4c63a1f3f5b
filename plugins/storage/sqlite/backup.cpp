#include "backup.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <common/migration.hpp>

#include "check.hpp"
#include "schema.hpp"
#include "startup.hpp"

namespace loft::storage {
namespace {

// A mebibyte at a time with a pause behind each, and what is written goes to the disk as it comes: a flood at the end
// would hold up the commits of the host that runs beside.
constexpr int pages_at_once = 256;
constexpr int pause = 2;  // milliseconds
constexpr std::uint64_t unsynced = 32 << 20;

[[noreturn]] void refuse(const std::string& file, const std::string& what, int error) {
  throw StartError(file + " " + what + ": " + std::generic_category().message(error));
}

std::string folder_of(const std::string& file) {
  const auto folder = std::filesystem::path(file).parent_path().string();
  return folder.empty() ? "." : folder;
}

/// A file that goes away, unless it was given its name.
class Part {
 public:
  explicit Part(const std::string& file) : file_(file), name_(file + ".part-XXXXXX") {
    // Numbers of processes are not unique where containers share a folder.
    handle_ = ::mkostemp(name_.data(), O_CLOEXEC);
    if (handle_ < 0) refuse(file_, "cannot be made", errno);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() {
    ::close(handle_);
    for (const auto* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((name_ + suffix).c_str());
  }

  const std::string& name() const noexcept { return name_; }
  void sync() const {
    if (::fsync(handle_) != 0) refuse(name_, "cannot be written", errno);
  }
  /// False: there is a file of that name by now.
  bool publish() const {
    sync();
    if (::renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, file_.c_str(), RENAME_NOREPLACE) != 0) {
      // A file system that cannot do that can do this.
      if (errno != EEXIST && ::link(name_.c_str(), file_.c_str()) == 0) errno = 0;
      if (errno == EEXIST) return false;
      if (errno != 0) refuse(file_, "cannot be given its name", errno);
    }
    const auto folder = folder_of(file_);
    const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool is_synced = handle >= 0 && ::fsync(handle) == 0;
    const int error = errno;
    if (handle >= 0) ::close(handle);
    if (!is_synced) refuse(folder, "cannot be written to disk", error);
    return true;
  }

 private:
  std::string file_, name_;
  int handle_ = -1;
};

/// A plain connection: SOCI's would make a file that is not there.
class Copy {
 public:
  explicit Copy(const std::string& name) {
    const int result = sqlite3_open_v2(name.c_str(), &handle_, SQLITE_OPEN_READWRITE, nullptr);
    if (result == SQLITE_OK) return;
    SqliteFailure failure(handle_, result);
    sqlite3_close(handle_);
    throw failure;
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() { sqlite3_close(handle_); }
  sqlite3* handle() const noexcept { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

/// False: it was told to end.
bool copy_pages(Connection& source, const std::string& file, const Part& part, Progress& progress) {
  const Copy target(part.name());
  Schema(target.handle()).execute("PRAGMA synchronous = OFF");
  Schema(target.handle()).execute("PRAGMA journal_mode = MEMORY");
  // A view that is held makes all steps copy one state; without it each commit of the host would begin the copy anew.
  source.begin();
  if (source.ask("SELECT count(*) FROM sqlite_schema") == "0") throw StartError("there is nothing to copy");
  const auto page = static_cast<std::uint64_t>(std::stoll(source.ask("PRAGMA page_size")));
  auto* copying = sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
  if (copying == nullptr) throw SqliteFailure(target.handle(), sqlite3_errcode(target.handle()));
  int result = SQLITE_OK;
  bool goes_on = true;
  for (std::uint64_t synced = 0; goes_on && result == SQLITE_OK;) {
    result = sqlite3_backup_step(copying, pages_at_once);
    const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(copying)) * page;
    const auto done = total - static_cast<std::uint64_t>(sqlite3_backup_remaining(copying)) * page;
    if (progress) goes_on = progress(done, total);
    if (done - synced >= unsynced) part.sync(), synced = done;
    if (result == SQLITE_OK) ::poll(nullptr, 0, pause);
  }
  sqlite3_backup_finish(copying);
  source.end();
  if (goes_on && result == SQLITE_FULL) {
    throw StartError(file + " cannot be written, the disk is full: make room there, or name another place with --to");
  }
  if (goes_on && result != SQLITE_DONE) throw SqliteFailure(target.handle(), result);
  return goes_on;
}

/// As a host leaves a store that it stops in order, and sound.
void round_off(const std::string& name, const std::string& path) {
  const Copy copy(name);
  Schema schema(copy.handle());
  schema.execute("PRAGMA journal_mode = DELETE");
  const auto sound = schema.rows("PRAGMA quick_check(1)");
  if (sound.empty() || sound[0][0] != "ok") {
    throw StartError(path + " is damaged, so its copy was thrown away (" + (sound.empty() ? "" : sound[0][0]) +
                     "): stop the host, keep a copy of the files, restore an earlier backup");
  }
  check_heads(schema, path);
  schema.execute(
      "INSERT INTO meta (name, value) VALUES ('closed', 'yes') ON CONFLICT (name) DO UPDATE SET value = "
      "excluded.value");
}

}  // namespace

Result<void> back_up(const std::string& path, const Tuning& tuning, const std::string& file, Progress& progress) {
  const Error exists{Code::conflict, "storage.file_exists",
                     file + " exists already, and a backup overwrites nothing: name another file"};
  struct stat info {};
  if (::lstat(file.c_str(), &info) == 0) return exists;
  const Part part(file);
  {
    auto lean = tuning;
    lean.cache_bytes = 1 << 20;
    Connection source(path, lean);
    if (!copy_pages(source, file, part, progress)) {
      return Error{Code::unavailable, "storage.cancelled", "the backup was ended before it was complete"};
    }
  }
  round_off(part.name(), path);
  if (!part.publish()) return exists;
  return {};
}

}  // namespace loft::storage
