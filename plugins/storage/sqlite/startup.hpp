// What is looked at before SQLite opens the file, so that the operator reads about files and not about result codes.
#pragma once

#include <string>

namespace loft::storage {

/// Keeps a second process away from the store, as long as it lives. The kernel lets go when the process ends, however.
class OwnerLock {
 public:
  OwnerLock() = default;
  /// Takes `<file>.lock`, where `file` is what `path` leads to. Throws StartError naming the owner.
  explicit OwnerLock(const std::string& path);
  OwnerLock(OwnerLock&& other) noexcept;
  OwnerLock& operator=(OwnerLock&& other) noexcept;
  ~OwnerLock();

 private:
  int file_ = -1;
};

/// The file that `path` leads to, through whatever symbolic links, by the one name that has none. It need not be there.
std::string real_file(const std::string& path);

/// Throws StartError when something other than a file is at `path`, or a file that has a second name (a hard link).
/// Opens nothing: closing a file drops the locks this process has on it, so the owner lock must come first.
void check_place(const std::string& path);

/// Throws StartError when the folder that `path` is in is not there or cannot be looked into.
void check_folder(const std::string& path);

/// Who has the owner lock of that store, as it wrote it; empty: nobody. Takes nothing and makes no file.
std::string owner_of(const std::string& path);

/// Throws StartError when there is a write-ahead log with content at `path`, and no database that it belongs to: a
/// start would make an empty one and destroy the log, which may have what was acknowledged last.
void check_log(const std::string& path);

/// Makes an empty file, private to the user, when there is none. Throws StartError when it cannot be a database: no
/// permission, no such folder, a file of another format. Precondition: the owner lock is held.
void prepare_file(const std::string& path);

}  // namespace loft::storage
