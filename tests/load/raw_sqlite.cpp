// The reference for durable messages: the rows and indexes that storage.sqlite writes per message, inserted with plain
// sqlite3 in batches of a given size, as fast as one thread can. Per batch, the heads of the conversations in it and
// the progress row are written as well, and per whole block of a log its counts, because the host writes them too.
//
//   raw_sqlite --batch N --rows M [--client-ids] [--conversations C] [--users U] [--content BYTES] --path P
//
// P must not exist. Prints one line of JSON.
#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>

#include <sqlite_migrations.hpp>

#include "raw.hpp"

namespace {

using namespace loft::load;

class Database {
 public:
  explicit Database(const std::string& path) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    check(sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr));
  }
  ~Database() { sqlite3_close_v2(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql) { check(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr)); }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
    return statement;
  }
  void step(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) check(SQLITE_ERROR);
    sqlite3_reset(statement);
  }

 private:
  void check(int result) const {
    if (result != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(handle_));
  }
  sqlite3* handle_ = nullptr;
};

void prepare_schema(Database& db, std::uint64_t conversations) {
  // The same settings as storage.sqlite's writer.
  db.run(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA mmap_size = 0; "
      "PRAGMA wal_autocheckpoint = 4000");
  db.run("BEGIN");
  for (const auto& migration : loft::storage::migrations) db.run(std::string(migration.sql));
  db.run("INSERT INTO domain (id, name) VALUES (1, 'Core:Text')");
  for (std::uint64_t id = 1; id <= conversations; ++id) {
    db.run(
        "INSERT INTO conversation (id, kind, uuid, name, description, avatar, owner_id, join_rule, created, updated) "
        "VALUES (" +
        std::to_string(id << 20) + ", 1, '00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + id) +
        "', 'group', '', '', 0, 0, 0, 0)");
  }
  db.run("COMMIT");
}

void bind(sqlite3_stmt* statement, std::initializer_list<std::uint64_t> values) {
  int place = 0;
  for (const auto value : values) sqlite3_bind_int64(statement, ++place, static_cast<sqlite3_int64>(value));
}

class Inserter {
 public:
  Inserter(Database& db, const Arguments& a) : db_(db), client_ids_(a.client_ids), rows_(a) {
    begin_ = db.prepare("BEGIN IMMEDIATE");
    commit_ = db.prepare("COMMIT");
    message_ = db.prepare(
        "INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content) VALUES (?, ?, ?, ?, ?, ?)");
    key_ =
        db.prepare("INSERT INTO client_message (message_id, sender_id, hash0, hash1, digest) VALUES (?, ?, ?, ?, ?)");
    sent_ = db.prepare("INSERT INTO sent_count (conversation_id, sender_id, upto, sent) VALUES (?, ?, ?, ?)");
    head_ = db.prepare("UPDATE conversation SET head = ?, last_id = ? WHERE id = ? AND head = ?");
    progress_ = db.prepare("UPDATE progress SET applied_upto = ?, position = ? WHERE id = 1");
  }
  Inserter(const Inserter&) = delete;
  Inserter& operator=(const Inserter&) = delete;
  ~Inserter() {
    for (auto* statement : {begin_, commit_, message_, key_, sent_, head_, progress_}) sqlite3_finalize(statement);
  }

  void batch(std::uint64_t count) {
    rows_.next(count);
    db_.step(begin_);
    for (const auto& m : rows_.messages()) {
      if (client_ids_) {
        bind(key_, {m.id, m.sender, m.key[0], m.key[1], m.key[2]});
        db_.step(key_);
      }
      bind(message_, {m.id, m.conversation, m.seq, m.sender, 1});
      sqlite3_bind_text(message_, 6, rows_.content().data(), static_cast<int>(rows_.content().size()), SQLITE_STATIC);
      db_.step(message_);
    }
    for (const auto& s : rows_.sent()) {
      bind(sent_, {s.conversation, s.sender, s.upto, s.sent});
      db_.step(sent_);
    }
    for (const auto& h : rows_.heads()) {
      bind(head_, {h.head, h.last, h.conversation, h.expected});
      db_.step(head_);
    }
    bind(progress_, {rows_.last(), rows_.last()});
    db_.step(progress_);
    db_.step(commit_);
  }

 private:
  Database& db_;
  bool client_ids_;
  Rows rows_;
  sqlite3_stmt *begin_, *commit_, *message_, *key_, *sent_, *head_, *progress_;
};

}  // namespace

int main(int count, char** words) {
  std::string path;
  const Arguments a(count, words, "--path P", [&](const std::string& word, const std::string& value) {
    if (word == "--path") path = value;
    return word == "--path";
  });
  try {
    if (path.empty()) throw std::runtime_error("--path is missing");
    if (std::filesystem::exists(path)) throw std::runtime_error(path + " exists already");
    if (a["writers"] != 1) throw std::runtime_error("SQLite has one writer");
    Database db(path);
    prepare_schema(db, a["conversations"]);
    Inserter inserter(db, a);
    measure(a, "prepared", {[&](std::uint64_t rows) { inserter.batch(rows); }});
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "raw_sqlite: %s\n", e.what());
    return 1;
  }
}
