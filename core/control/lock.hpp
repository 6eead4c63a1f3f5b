// One process owns the store: whoever holds `data_dir/lock`.
#pragma once

#include <string>

#include <loft/error.hpp>

namespace loft::control {

/// Held until destruction, or until the process ends in whatever way. Thread role: control.
class StoreLock {
 public:
  /// Takes the lock, without waiting; makes the folder (mode 0700) when it is missing and `make_folder` says so.
  /// Errors: conflict `lock.held` (the detail names the process), unavailable `lock.failed` (with the system's word),
  /// not_found `lock.no_folder`.
  static Result<StoreLock> take(const std::string& data_dir, bool make_folder);

  StoreLock(StoreLock&& other) noexcept : file_(other.file_) { other.file_ = -1; }
  StoreLock& operator=(StoreLock&&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(int file) noexcept : file_(file) {}
  int file_;
};

}  // namespace loft::control
