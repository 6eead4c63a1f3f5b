// The database file seen from outside, with plain sqlite3.
#pragma once

#include <sqlite3.h>

#include <stdexcept>
#include <string>

namespace storage_test {

class Raw {
 public:
  explicit Raw(const std::string& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) throw std::runtime_error("cannot open " + path);
  }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  ~Raw() { sqlite3_close(handle_); }

  /// Runs statements; the last column of the last row, as text.
  std::string run(const std::string& sql) {
    std::string answer;
    char* error = nullptr;
    const auto keep = [](void* out, int count, char** values, char**) {
      *static_cast<std::string*>(out) = values[count - 1] == nullptr ? "" : values[count - 1];
      return 0;
    };
    if (sqlite3_exec(handle_, sql.c_str(), keep, &answer, &error) != SQLITE_OK) {
      const std::string text = error == nullptr ? "unknown error" : error;
      sqlite3_free(error);
      throw std::runtime_error(sql + ": " + text);
    }
    return answer;
  }
  sqlite3* handle() const noexcept { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

}  // namespace storage_test
