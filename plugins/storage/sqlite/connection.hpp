// One connection with its prepared statements. One thread at a time.
#pragma once

#include <array>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <common/domains.hpp>
#include <common/queries.hpp>
#include <common/snapshot.hpp>

#include "kept_files.hpp"
#include "session.hpp"
#include "statement.hpp"

namespace loft::storage {

/// How a connection is tuned.
struct Tuning {
  Millis busy_timeout = 5000;
  std::int64_t cache_bytes = 0;
  std::int64_t checkpoint_pages = 0;
  std::int64_t wal_limit = 0;
};

class Connection {
 public:
  Connection(const std::string& path, const Tuning& tuning);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Binds a statement, prepared at its first use. At most one cursor per query at a time.
  template <class... Args>
  Cursor run(Query query, const Args&... args) {
    return Cursor(prepared(query), args...);
  }
  /// For statements without rows. Returns the number of rows changed.
  template <class... Args>
  std::int64_t write(Query query, const Args&... args) {
    Cursor(prepared(query), args...).next();
    return sqlite3_changes64(handle_);
  }

  /// Calls `row` for each id that has a row.
  template <class Id, class F>
  void each(Query query, std::span<const Id> ids, F row) {
    const auto all = [&] {
      for (const auto id : ids) {
        auto found = run(query, clamp(raw(id)));
        if (found.next()) row(found);
      }
    };
    if (ids.size() < 2) return all();
    const Snapshot snapshot(*this);
    all();
  }

  template <std::size_t N>
  std::vector<std::array<std::uint64_t, 2>> pairs(Query query, std::span<const std::array<std::uint64_t, N>> asked) {
    std::vector<std::array<std::uint64_t, 2>> list;
    list.reserve(asked.size());
    for (const auto& arguments : asked) {
      auto row = std::apply([&](auto... values) { return run(query, values...); }, arguments);
      row.next();
      list.push_back({row.number(0), row.number(1)});
    }
    return list;
  }

  void begin() { step(begin_); }  ///< a reader's: one state until `end`
  void end() noexcept { rollback(); }
  void begin_writing() { step(begin_writing_); }
  /// Throws Failure when the files are not in their places any more, and has not committed then.
  void commit() {
    check_files();
    step(commit_);
  }
  void rollback() noexcept;

  /// From now on what is written is refused when these files were moved, deleted or replaced. They must live longer.
  void guard(const KeptFiles& files) noexcept { files_ = &files; }
  void check_files() const {
    if (files_ != nullptr) files_->check();
  }

  /// Runs a text that is not kept, such as a pragma.
  void execute(const std::string& sql);
  /// The first column of the first row of such a text, empty when there is none.
  std::string ask(const std::string& sql);

  /// The name of a domain by its number, null when there is none. Valid as long as the connection.
  const std::string* domain(std::uint64_t number) { return domains_.name(*this, number); }

  bool usable() const noexcept { return true; }  ///< a file does not go away as a server does

  sqlite3* handle() const noexcept { return handle_; }
  Session& session() noexcept { return session_; }

 private:
  sqlite3_stmt* prepare(std::string_view sql) const;
  sqlite3_stmt* prepared(Query query) {
    auto& slot = statements_[static_cast<std::size_t>(query)];
    if (slot == nullptr) slot = prepare(text(query));
    return slot;
  }
  void step(sqlite3_stmt*& slot);

  Session session_;
  sqlite3* handle_;
  std::array<sqlite3_stmt*, query_count> statements_{};
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* begin_writing_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  DomainNames domains_;
  const KeptFiles* files_ = nullptr;
};

}  // namespace loft::storage
