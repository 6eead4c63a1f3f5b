// A thin hold on prepared statements of SQLite.
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <common/failure.hpp>
#include <common/parameter.hpp>

namespace loft::storage {

/// What SQLite says when it cannot do something.
struct SqliteFailure : Failure {
  SqliteFailure(sqlite3* handle, int result) : SqliteFailure(exact(handle, result), sqlite3_errmsg(handle)) {}
  SqliteFailure(int number, std::string words)
      : Failure(kind_of(number & 0xff), std::move(words), std::to_string(number)), result(number) {}

  int primary() const noexcept { return result & 0xff; }

  int result;

 private:
  static int exact(sqlite3* handle, int result) noexcept {
    const int extended = sqlite3_extended_errcode(handle);
    return (extended & 0xff) == (result & 0xff) ? extended : result;
  }
  static Kind kind_of(int primary) noexcept {
    switch (primary) {
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        return Kind::damaged;
      case SQLITE_ERROR:
      case SQLITE_CONSTRAINT:
      case SQLITE_MISMATCH:
      case SQLITE_MISUSE:
      case SQLITE_RANGE:
      case SQLITE_TOOBIG:
      case SQLITE_SCHEMA:
        return Kind::caller;
      default:
        return Kind::unavailable;
    }
  }
};

/// A prepared statement in use: bound, stepped, and reset at the end, which ends its view of the database too.
/// Texts are bound without a copy: they must live as long as the cursor.
class Cursor {
 public:
  template <class... Args>
  explicit Cursor(sqlite3_stmt* statement, const Args&... args) : statement_(statement) {
    int place = 0;
    (bind(++place, args), ...);
  }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor() { sqlite3_reset(statement_); }

  /// True while there is a row.
  bool next() {
    const int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    throw SqliteFailure(sqlite3_db_handle(statement_), result);
  }

  std::uint64_t number(int column) const noexcept {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
  }
  std::string_view text(int column) const noexcept {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data == nullptr ? std::string_view() : std::string_view(data, size);
  }
  bool has_number(int column) const noexcept { return sqlite3_column_type(statement_, column) == SQLITE_INTEGER; }
  bool is_null(int column) const noexcept { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  template <std::integral T>
  void bind(int place, T value) {
    check(sqlite3_bind_int64(statement_, place, static_cast<sqlite3_int64>(value)));
  }
  template <class E>
  requires std::is_enum_v<E>
  void bind(int place, E value) { bind(place, static_cast<std::uint64_t>(value)); }
  void bind(int place, std::string_view text) {
    check(sqlite3_bind_text64(statement_, place, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                              SQLITE_UTF8));
  }
  void bind(int place, const std::string& text) { bind(place, std::string_view(text)); }
  void bind(int place, Blob blob) {
    check(sqlite3_bind_blob64(statement_, place, blob.bytes.empty() ? "" : blob.bytes.data(), blob.bytes.size(),
                              SQLITE_STATIC));
  }
  void bind(int place, Optional text) {
    if (!text.text.empty()) return bind(place, text.text);
    check(sqlite3_bind_null(statement_, place));
  }
  void bind(int place, std::optional<std::uint64_t> value) {
    if (value) return bind(place, *value);
    check(sqlite3_bind_null(statement_, place));
  }
  void check(int result) const {
    if (result != SQLITE_OK) throw SqliteFailure(sqlite3_db_handle(statement_), result);
  }

  sqlite3_stmt* statement_;
};

}  // namespace loft::storage
