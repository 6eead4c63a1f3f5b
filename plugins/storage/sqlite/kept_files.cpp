#include "kept_files.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include <common/failure.hpp>

#include "startup.hpp"

namespace loft::storage {
namespace {

[[noreturn]] void gone(const std::string& path, const std::string& what) {
  throw Failure(
      Failure::Kind::unavailable,
      path + " " + what +
          " while the host uses it, so what is stored now would be lost: put the same file back, or, if it is "
          "gone, stop the host, restore a backup and start");
}

}  // namespace

std::optional<KeptFiles::File> KeptFiles::look(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return File{path, info.st_dev, info.st_ino};
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw Failure(Failure::Kind::unavailable, path + " cannot be looked at: " + std::generic_category().message(errno));
}

void KeptFiles::remember(const std::string& path) {
  const auto file = real_file(path);  // the log is beside it, not beside a link to it
  const std::array names{path, file + "-wal", file + "-shm"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto found = look(names[i]);
    if (!found) gone(names[i], "was moved or deleted");
    files_[i] = std::move(*found);
  }
}

void KeptFiles::check() const {
  for (const auto& file : files_) {
    const auto found = look(file.path);
    if (!found) gone(file.path, "was moved or deleted");
    if (found->number != file.number || found->device != file.device) gone(file.path, "was replaced by another file");
  }
}

}  // namespace loft::storage
