#include "control/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace loft::control {
namespace {

Error failed(const std::string& what, int error) {
  return {Code::unavailable, "lock.failed", what + ": " + std::strerror(error)};
}

/// Who holds it, as the holder wrote it; empty when that cannot be read.
std::string holder(int file) {
  char text[32];
  const auto size = pread(file, text, sizeof text, 0);
  std::string pid;
  for (ssize_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; ++i) pid += text[i];
  return pid;
}

}  // namespace

Result<StoreLock> StoreLock::take(const std::string& data_dir, bool make_folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(data_dir, error)) {
    if (!make_folder) return Error{Code::not_found, "lock.no_folder", "the folder " + data_dir + " does not exist"};
    fs::create_directories(data_dir, error);
    if (error) return failed("cannot make the folder " + data_dir, error.value());
    fs::permissions(data_dir, fs::perms::owner_all, error);
    if (error) return failed("cannot set the mode of " + data_dir, error.value());
  }
  const auto path = data_dir + "/lock";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return failed("cannot open " + path, errno);
  StoreLock lock(file);
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("cannot lock " + path, errno);
    const auto pid = holder(file);
    return Error{Code::conflict, "lock.held",
                 "another process" + (pid.empty() ? std::string() : " (pid " + pid + ")") + " owns " + data_dir +
                     "; stop it first, or give this one a data_dir of its own"};
  }
  const auto pid = std::to_string(getpid()) + "\n";
  if (ftruncate(file, 0) != 0 || pwrite(file, pid.data(), pid.size(), 0) < 0)
    return failed("cannot write " + path, errno);
  return lock;
}

StoreLock::~StoreLock() {
  if (file_ >= 0) close(file_);  // the lock goes with it; the file stays, removing it would let two hold "the" lock
}

}  // namespace loft::control
