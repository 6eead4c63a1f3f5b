// Whether a log file could be opened, found without making it.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "log/log.hpp"

namespace loft {
namespace {
namespace fs = std::filesystem;

std::string writable(const fs::path& path, int mode) {
  if (access(path.c_str(), mode) == 0) return {};
  return "'" + path.string() + "' cannot be written: " + std::strerror(errno);
}

}  // namespace

std::string log_file_problem(const std::string& file) {
  if (file.empty()) return {};
  std::error_code error;
  const auto path = fs::absolute(file, error);
  if (fs::is_directory(path, error)) return "'" + file + "' is a folder; name a file in it";
  if (fs::exists(path, error)) return writable(path, W_OK);
  // Folders that are missing are made when it is opened.
  auto folder = path.parent_path();
  while (!fs::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  if (!fs::is_directory(folder, error)) return "'" + file + "' cannot be made: '" + folder.string() + "' is no folder";
  return writable(folder, W_OK | X_OK);
}

}  // namespace loft
