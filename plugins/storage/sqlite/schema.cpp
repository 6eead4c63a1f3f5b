#include "schema.hpp"

#include <sys/stat.h>

#include <loft/utf8.hpp>

#include <common/migration.hpp>

#include "startup.hpp"
#include "statement.hpp"

namespace loft::storage {
namespace {

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
using Handle = std::unique_ptr<sqlite3, Close>;

/// loft_utf8(value): false for bytes that are no UTF-8; NULL is.
void is_utf8(sqlite3_context* context, int, sqlite3_value** values) {
  const auto* data = static_cast<const char*>(sqlite3_value_blob(values[0]));
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(values[0]));
  sqlite3_result_int(context, data == nullptr || utf8::valid(std::string_view(data, size)) ? 1 : 0);
}

/// A connection with the view on it.
class Looking final : public Schema {
 public:
  explicit Looking(Handle handle) : Schema(handle.get()), handle_(std::move(handle)) {}

 private:
  Handle handle_;
};

std::string as_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += '%';
      uri += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
      uri += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 15];
    } else {
      uri += c;
    }
  }
  return uri;
}

bool has_bytes(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && info.st_size != 0;
}

}  // namespace

Schema::Schema(sqlite3* handle) : handle_(handle) {
  const int result = sqlite3_create_function_v2(handle_, "loft_utf8", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
                                                is_utf8, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) throw SqliteFailure(handle_, result);
}

void Schema::rollback() noexcept {
  // Some errors roll back by themselves; then there is nothing left to do.
  if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

long long Schema::table_count() {
  return std::stoll(rows("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")[0][0]);
}

bool Schema::has_table(const std::string& name) {
  return !rows("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '" + name + "'").empty();
}

void Schema::execute(const std::string& statement) {
  const int result = sqlite3_exec(handle_, statement.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) throw SqliteFailure(handle_, result);
}

TextRows Schema::rows(const std::string& question) {
  sqlite3_stmt* made = nullptr;
  if (const int result = sqlite3_prepare_v2(handle_, question.c_str(), -1, &made, nullptr); result != SQLITE_OK) {
    throw SqliteFailure(handle_, result);
  }
  const std::unique_ptr<sqlite3_stmt, Finalize> statement(made);
  TextRows list;
  for (Cursor row(made); row.next();) {
    auto& line = list.emplace_back();
    for (int i = 0; i < sqlite3_column_count(made); ++i) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(made, i));
      line.emplace_back(text == nullptr ? "" : text);
    }
  }
  return list;
}

std::unique_ptr<SchemaDatabase> look_into(const std::string& path, int busy_timeout) {
  const auto file = real_file(path);  // its log is beside it, not beside a link to it
  check_place(path);
  if (!has_bytes(path)) {
    check_folder(path);
    check_log(path);
    return nullptr;
  }
  // A log is there while a host runs and after one that was killed. Where there is none the file is all, and SQLite
  // shall not make a log to find that out.
  const auto name = as_uri(file) + (has_bytes(file + "-wal") || has_bytes(file + "-shm") ? "" : "?immutable=1");
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(name.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
  Handle handle(opened);
  if (result != SQLITE_OK) throw SqliteFailure(opened, result);
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_timeout(opened, busy_timeout);
  auto looking = std::make_unique<Looking>(std::move(handle));
  try {
    looking->table_count();
  } catch (const SqliteFailure& e) {
    if (e.primary() != SQLITE_NOTADB) throw;
    throw StartError(path + " is not a SQLite database: move it away or change option `path` of the storage");
  }
  return looking;
}

}  // namespace loft::storage
