#include "startup.hpp"

#include <common/migration.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace loft::storage {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& remedy) {
  throw StartError(path + " " + what + ": " + remedy);
}

[[noreturn]] void refuse_errno(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
      refuse(path, "cannot be made, its folder does not exist",
             "make the folder or change option `path` of the storage");
    case EACCES:
    case EPERM:
      refuse(path, "may not be opened for reading and writing by user " + std::to_string(geteuid()),
             "change its owner or permissions, or run loft as the user it belongs to");
    case EROFS:
      refuse(path, "is on a file system that is mounted read-only", "mount it for writing or change option `path`");
    case EISDIR:
      refuse(path, "is a directory", "name a file in option `path` of the storage");
    case ENOTDIR:
      refuse(path, "goes through something that is no directory", "change option `path` of the storage");
    case ENOSPC:
      refuse(path, "cannot be made, the disk is full", "free some space");
    default:
      refuse(path, "cannot be opened", std::generic_category().message(error));
  }
}

/// Who only asks whether there is an owner holds the lock for a moment.
bool locked(int file) {
  for (int attempts = 0; attempts < 10; ++attempts) {
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return true;
    ::poll(nullptr, 0, 5);
  }
  return false;
}

/// What the owner wrote.
std::string name_in(int file) {
  char owner[32] = {};
  const auto length = ::pread(file, owner, sizeof owner - 1, 0);
  return length > 0 ? owner : "";
}

}  // namespace

OwnerLock::OwnerLock(const std::string& path) {
  const auto name = real_file(path) + ".lock";
  file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) refuse_errno(errno == EISDIR ? name : path, errno);
  if (!locked(file_)) {
    const auto owner = name_in(file_);
    ::close(std::exchange(file_, -1));
    refuse(path, "is in use by another process" + (owner.empty() ? owner : " (" + owner + ")"),
           "one process owns a store; stop the other one, or use another `path`");
  }
  const auto text = "pid " + std::to_string(getpid());
  if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, text.data(), text.size(), 0) < 0) {
    // The number only makes the message nicer; a full disk shows itself where it matters.
  }
}

OwnerLock::OwnerLock(OwnerLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
OwnerLock& OwnerLock::operator=(OwnerLock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}
OwnerLock::~OwnerLock() {
  if (file_ >= 0) ::close(file_);
}

std::string real_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path file(path);
  // A link may lead to a file that is yet to be made. Rings of links are the kernel's to refuse.
  for (int links = 0; links < 40 && fs::is_symlink(fs::symlink_status(file, error)); ++links) {
    const auto target = fs::read_symlink(file, error);
    if (error) return path;
    file = file.parent_path() / target;
  }
  const auto folder = fs::canonical(file.has_parent_path() ? file.parent_path() : fs::path("."), error);
  return error ? path : (folder / file.filename()).string();
}

void check_place(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return;  // not made yet
    refuse_errno(path, errno);
  }
  if (!S_ISREG(info.st_mode)) {
    refuse(path, S_ISDIR(info.st_mode) ? "is a directory" : "is no regular file",
           "name a file in option `path` of the storage");
  }
  // SQLite keeps a log beside each name, and of the other's it would know nothing.
  if (info.st_nlink > 1) {
    refuse(path, "has " + std::to_string(info.st_nlink) + " names (hard links)",
           "make a copy with `loft backup`, or remove the other names");
  }
}

void check_log(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && info.st_size != 0) return;
  const auto log = real_file(path) + "-wal";
  if (::stat(log.c_str(), &info) != 0 || info.st_size == 0) return;
  refuse(
      path,
      "is missing or empty, and its write-ahead log " + log + " (" + std::to_string(info.st_size) +
          " bytes) is there, with what was stored last",
      "put the database that belongs to it back beside it; if there is none any more, move the log away, then restore "
      "a backup or start empty");
}

void check_folder(const std::string& path) {
  std::error_code error;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder, error)) {
    refuse_errno(path, error ? error.value() : ENOTDIR);
  }
}

std::string owner_of(const std::string& path) {
  const int file = ::open((real_file(path) + ".lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return {};
  if (file < 0) refuse_errno(path, errno);
  const bool is_owned = ::flock(file, LOCK_SH | LOCK_NB) != 0;
  const auto name = is_owned ? name_in(file) : std::string();
  ::close(file);
  return is_owned && name.empty() ? "another process" : name;
}

void prepare_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) refuse_errno(path, errno);
  constexpr std::string_view magic("SQLite format 3\0", 16);
  char head[16];
  const auto length = ::pread(file, head, sizeof head, 0);
  const int error = errno;
  ::close(file);
  if (length < 0) refuse_errno(path, error);
  if (length != 0 && std::string_view(head, static_cast<std::size_t>(length)) != magic) {
    refuse(path, "is not a SQLite database", "move it away or change option `path` of the storage");
  }
}

}  // namespace loft::storage
