#include "connection.hpp"

namespace loft::storage {

Connection::Connection(const std::string& path, const Tuning& tuning) : session_(path), handle_(session_.native()) {
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, static_cast<int>(tuning.busy_timeout));
  // No memory map: an I/O error in mapped memory is a signal that ends the process, and here it is an answer.
  execute("PRAGMA mmap_size = 0");
  execute("PRAGMA synchronous = FULL");
  execute("PRAGMA foreign_keys = OFF");
  execute("PRAGMA temp_store = MEMORY");
  execute("PRAGMA cache_size = -" + std::to_string(std::max<std::int64_t>(tuning.cache_bytes / 1024, 64)));
  execute("PRAGMA wal_autocheckpoint = " + std::to_string(tuning.checkpoint_pages));
  execute("PRAGMA journal_size_limit = " + std::to_string(tuning.wal_limit));
}

Connection::~Connection() {
  for (auto* statement : statements_) sqlite3_finalize(statement);
  for (auto* statement : {begin_, begin_writing_, commit_}) sqlite3_finalize(statement);
}

sqlite3_stmt* Connection::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
  if (result != SQLITE_OK) throw SqliteFailure(handle_, result);
  return statement;
}

void Connection::step(sqlite3_stmt*& slot) {
  if (slot == nullptr) {
    slot = prepare(&slot == &begin_ ? "BEGIN" : &slot == &commit_ ? "COMMIT" : "BEGIN IMMEDIATE");
  }
  Cursor(slot).next();
}

void Connection::rollback() noexcept {
  // Some errors roll back by themselves; then there is nothing left to do.
  if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Connection::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) throw SqliteFailure(handle_, result);
}

std::string Connection::ask(const std::string& sql) {
  std::string answer;
  auto* statement = prepare(sql);
  try {
    Cursor row(statement);
    if (row.next()) answer = row.text(0);
  } catch (...) {
    sqlite3_finalize(statement);
    throw;
  }
  sqlite3_finalize(statement);
  return answer;
}

}  // namespace loft::storage
