// Whether the files that SQLite has open are still the ones that the next start will find.
#pragma once

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>

namespace loft::storage {

/// The database, its write-ahead log and the log's index, as they were when they were opened. Whatever is written into
/// a file that was moved, deleted or replaced is lost with the process, and no write would say so. Thread role: any,
/// once `remember` has returned; it must come before every other use.
class KeptFiles {
 public:
  /// Precondition: a connection is open and has written something, so that all three files are there. Throws Failure
  /// when one is not.
  void remember(const std::string& path);

  /// Looks at the names, which takes a few microseconds. Throws Failure (unavailable) that names the file and what to
  /// do. It passes again when the same files are in their places again.
  void check() const;

 private:
  struct File {
    std::string path;
    dev_t device = 0;
    ino_t number = 0;
  };
  static std::optional<File> look(const std::string& path);

  std::array<File, 3> files_;
};

}  // namespace loft::storage
