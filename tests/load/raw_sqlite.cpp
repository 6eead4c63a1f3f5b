// The reference for durable messages: the rows and indexes that storage.sqlite writes per message, inserted with plain
// sqlite3 in batches of a given size, as fast as one thread can. Per batch, the heads of the conversations in it and
// the progress row are written as well, because the host writes them too.
//
//   raw_sqlite --batch N --rows M [--client-ids] [--conversations C] [--users U] [--content BYTES] --path P
//
// Prints one line of JSON.
#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <sqlite_migrations.hpp>

namespace {

struct Arguments {
  std::uint64_t batch = 100;
  std::uint64_t rows = 100'000;
  std::uint64_t conversations = 200;
  std::uint64_t users = 200;
  std::uint64_t content = 140;
  bool client_ids = false;
  std::string path;
};

[[noreturn]] void usage(const std::string& what) {
  std::fprintf(stderr,
               "raw_sqlite: %s\nusage: raw_sqlite --batch N --rows M [--client-ids] [--conversations C] [--users U] "
               "[--content BYTES] --path P\nP must not exist yet; numbers are 1 or more.\n",
               what.c_str());
  std::exit(2);
}

Arguments parse(int count, char** words) {
  Arguments a;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--client-ids") {
      a.client_ids = true;
      continue;
    }
    if (i + 1 == count) usage(word + " is unknown or lacks its value");
    const std::string value = words[++i];
    std::uint64_t* number = word == "--batch"           ? &a.batch
                            : word == "--rows"          ? &a.rows
                            : word == "--conversations" ? &a.conversations
                            : word == "--users"         ? &a.users
                            : word == "--content"       ? &a.content
                                                        : nullptr;
    if (word == "--path") {
      a.path = value;
    } else if (number == nullptr) {
      usage(word + " is unknown");
    } else {
      char* end = nullptr;
      *number = std::strtoull(value.c_str(), &end, 10);
      if (*end != '\0' || *number == 0) usage(word + " takes a number, not " + value);
    }
  }
  if (a.path.empty()) usage("--path is missing");
  if (std::filesystem::exists(a.path)) usage(a.path + " exists already");
  return a;
}

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

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void bind(sqlite3_stmt* statement, std::initializer_list<std::uint64_t> values) {
  int place = 0;
  for (const auto value : values) sqlite3_bind_int64(statement, ++place, static_cast<sqlite3_int64>(value));
}

class Inserter {
 public:
  Inserter(Database& db, const Arguments& a)
      : db_(db),
        a_(a),
        content_("{\"text\":\"" + std::string(std::max<std::uint64_t>(a.content, 12) - 11, 'x') + "\"}"),
        heads_(a.conversations, 0),
        last_(a.conversations, 0) {
    begin_ = db.prepare("BEGIN IMMEDIATE");
    commit_ = db.prepare("COMMIT");
    message_ = db.prepare(
        "INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content) VALUES (?, ?, ?, ?, ?, ?)");
    key_ =
        db.prepare("INSERT INTO client_message (message_id, sender_id, hash0, hash1, digest) VALUES (?, ?, ?, ?, ?)");
    head_ = db.prepare("UPDATE conversation SET head = ?, last_id = ? WHERE id = ? AND head = ?");
    progress_ = db.prepare("UPDATE progress SET applied_upto = ?, position = ? WHERE id = 1");
  }
  Inserter(const Inserter&) = delete;
  Inserter& operator=(const Inserter&) = delete;
  ~Inserter() {
    for (auto* statement : {begin_, commit_, message_, key_, head_, progress_}) sqlite3_finalize(statement);
  }

  void batch(std::uint64_t count) {
    touched_.clear();
    db_.step(begin_);
    for (std::uint64_t i = 0; i < count; ++i) row();
    for (const auto& [conversation, before] : touched_) {
      bind(head_, {heads_[conversation], last_[conversation], (conversation + 1) << 20, before});
      db_.step(head_);
    }
    bind(progress_, {id_, id_});
    db_.step(progress_);
    db_.step(commit_);
  }

 private:
  void row() {
    const auto conversation = random_() % a_.conversations;
    const auto sender = (random_() % a_.users + 1) << 20;
    id_ += 1 + random_() % 64;
    if (std::none_of(touched_.begin(), touched_.end(), [&](const auto& t) { return t.first == conversation; })) {
      touched_.emplace_back(conversation, heads_[conversation]);
    }
    if (a_.client_ids) {
      bind(key_, {id_, sender, random_(), random_(), random_()});
      db_.step(key_);
    }
    bind(message_, {id_, (conversation + 1) << 20, ++heads_[conversation], sender, 1});
    sqlite3_bind_text(message_, 6, content_.data(), static_cast<int>(content_.size()), SQLITE_STATIC);
    db_.step(message_);
    last_[conversation] = id_;
  }

  Database& db_;
  const Arguments& a_;
  std::string content_;
  std::vector<std::uint64_t> heads_;
  std::vector<std::uint64_t> last_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> touched_;
  std::mt19937_64 random_{1};
  std::uint64_t id_ = std::uint64_t{50} << 40;
  sqlite3_stmt *begin_, *commit_, *message_, *key_, *head_, *progress_;
};

void measure(const Arguments& a) {
  Database db(a.path);
  prepare_schema(db, a.conversations);
  Inserter inserter(db, a);
  const auto cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  std::vector<double> batches;
  for (std::uint64_t done = 0; done < a.rows;) {
    const auto count = std::min(a.batch, a.rows - done);
    const auto begin = std::chrono::steady_clock::now();
    inserter.batch(count);
    batches.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    done += count;
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const auto used = cpu_seconds() - cpu;
  const auto rows = static_cast<double>(a.rows);
  const auto middle = batches.begin() + static_cast<std::ptrdiff_t>(batches.size() / 2);
  std::nth_element(batches.begin(), middle, batches.end());
  std::printf(
      "{\"batch\":%llu,\"rows\":%llu,\"client_ids\":%s,\"rows_per_second\":%.0f,\"cpu_us_per_row\":%.3f,"
      "\"batch_p50_us\":%.1f}\n",
      static_cast<unsigned long long>(a.batch), static_cast<unsigned long long>(a.rows),
      a.client_ids ? "true" : "false", rows / wall.count(), used * 1e6 / rows, *middle);
}

}  // namespace

int main(int count, char** words) {
  try {
    measure(parse(count, words));
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "raw_sqlite: %s\n", e.what());
    return 1;
  }
}
