#include "inspector.hpp"

#include <vector>

namespace loft::storage {

void Inspector::start(std::string path, Tuning tuning, std::function<void(const std::string&)> finished) {
  stopping_ = false;
  running_ = true;
  thread_ = std::thread([this, path = std::move(path), tuning, finished = std::move(finished)] {
    run(path, tuning, finished);
    running_ = false;
  });
}

void Inspector::stop() noexcept {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Inspector::run(const std::string& path, const Tuning& tuning,
                    const std::function<void(const std::string&)>& finished) {
  std::string damage;
  try {
    Connection db(path, tuning);
    const auto ask_to_stop = [](void* self) { return static_cast<Inspector*>(self)->stopping_.load() ? 1 : 0; };
    sqlite3_progress_handler(db.handle(), 1000, ask_to_stop, this);
    damage = check(db);
  } catch (const SqliteFailure& e) {
    if (e.primary() == SQLITE_INTERRUPT) return;
    damage = std::string("the check ended early: ") + e.what();
  } catch (const std::exception& e) {
    damage = std::string("the check could not be done: ") + e.what();
  }
  if (!stopping_) finished(damage);
}

std::string Inspector::check(Connection& db) {
  // Table by table: one long read would keep the write-ahead log from being emptied all the time.
  std::vector<std::string> tables;
  for (std::string name;;) {
    name = db.ask("SELECT min(name) FROM sqlite_schema WHERE type = 'table' AND name > '" + name + "'");
    if (name.empty()) break;
    tables.push_back(name);
  }
  for (const auto& table : tables) {
    std::string answer;
    try {
      answer = db.ask("PRAGMA quick_check('" + table + "')");
    } catch (const SqliteFailure& e) {
      if (e.primary() != SQLITE_CORRUPT) throw;
      answer = e.text;
    }
    if (answer != "ok") return table + ": " + answer;
  }
  return {};
}

}  // namespace loft::storage
