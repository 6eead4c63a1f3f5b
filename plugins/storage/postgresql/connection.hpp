// One connection in libpq's pipeline mode: statements are queued, sent together, and answered in their order. Nothing
// here waits longer than the time-out of a statement, but for what is allowed to. One thread at a time.
#pragma once

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <common/domains.hpp>
#include <common/schema_database.hpp>
#include <common/snapshot.hpp>

#include "cursor.hpp"
#include "session.hpp"
#include "statements.hpp"

namespace loft::storage::postgresql {

class Connection {
 public:
  /// The owner's signature, with a lock on it until the end of the transaction.
  static constexpr auto owner_shared = Own::owner_shared, owner_alone = Own::owner_alone;

  /// Throws Failure.
  explicit Connection(const Settings& settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// What a driver of loft::storage has, see common/reads.hpp.
  template <class... Args>
  Cursor run(Query query, const Args&... args) {
    return Cursor(ask(static_cast<unsigned>(query), Parameters(args...)));
  }
  template <class... Args>
  std::int64_t write(Query query, const Args&... args) {
    return changed(ask(static_cast<unsigned>(query), Parameters(args...)));
  }
  template <class Id, class F>
  void each(Query query, std::span<const Id> ids, F row) {
    if (ids.empty()) return;
    Column wanted(Type::integer_array);
    for (const auto id : ids) wanted.add(clamp(raw(id)));
    auto rows = run(query == Query::message ? Own::each_message : Own::each_conversation, &wanted);
    while (rows.next()) row(rows);
  }
  template <std::size_t N>
  std::vector<std::array<std::uint64_t, 2>> pairs(Query query, std::span<const std::array<std::uint64_t, N>> asked) {
    if (asked.empty()) return {};
    std::vector<Column> columns(N, Column(Type::integer_array));
    for (const auto& arguments : asked) {
      for (std::size_t i = 0; i < N; ++i) columns[i].add(arguments[i]);
    }
    std::vector<std::array<std::uint64_t, 2>> list;
    list.reserve(asked.size());
    const auto own = query == Query::bounds ? Own::each_bounds : Own::each_own_and_recalled;
    auto rows = [&]<std::size_t... I>(std::index_sequence<I...>) { return run(own, &columns[I]...); }
    (std::make_index_sequence<N>());
    while (rows.next()) list.push_back({rows.number(0), rows.number(1)});
    return list;
  }
  void begin() { queue(Own::begin_reading); }
  void end() noexcept;
  const std::string* domain(std::uint64_t number) { return domains_.name(*this, number); }
  bool usable() const noexcept { return !lost_; }
  /// How often a call may come again after a failure. `committing`: its COMMIT may have been sent.
  int repeats_after(const Failure& failure, bool committing) const noexcept;

  template <class... Args>
  Cursor run(Own own, const Args&... args) {
    return Cursor(ask(static_cast<unsigned>(own), Parameters(args...)));
  }

  /// Queues a statement. Its answer is not waited for, except for whether it failed, until `take` or the next `run`.
  template <class... Args>
  void queue(Own own, const Args&... args) {
    queue(static_cast<unsigned>(own), Parameters(args...), false);
  }
  template <class... Args>
  void queue(Query query, const Args&... args) {
    queue(static_cast<unsigned>(query), Parameters(args...), false);
  }
  /// The same for one whose answer is wanted, by `take`.
  template <class... Args>
  void queue_wanted(Own own, const Args&... args) {
    queue(static_cast<unsigned>(own), Parameters(args...), true);
  }
  template <class... Args>
  void queue_wanted(Query query, const Args&... args) {
    queue(static_cast<unsigned>(query), Parameters(args...), true);
  }
  /// Sends what is queued; answers are taken later.
  void send();
  /// The answer of the next wanted statement. Throws Failure of the first that failed, the rest is then dropped.
  Cursor take();
  /// The same for how many rows it changed.
  std::int64_t take_changed() { return changed(next_answer()); }
  /// Waits until everything that was sent is answered.
  void finish();

  /// Nothing is on its way any more that has not been answered.
  void settle() {
    send();
    finish();
  }

  /// Ends the transaction that runs. Does not throw: a connection that cannot is lost.
  void rollback() noexcept;

  /// False when the server has said goodbye meanwhile. Does not wait.
  bool alive() noexcept;

  /// Texts of ours without parameters; the rows of the last one. Not while something is queued, nor in pipeline mode.
  TextRows rows(const std::string& sql);
  /// The first column of the first row, empty when there is none.
  std::string ask(const std::string& sql);
  /// See SchemaDatabase.
  void allow_long(bool is_long) noexcept;

  /// What follows opening, and a Schema's use of the connection.
  void go_native();
  PGconn* native() const noexcept { return native_; }

 private:
  enum class Prepared : std::uint8_t { no, sent, yes };
  struct Expected {
    unsigned statement;
    bool is_prepare;
    bool is_wanted;
    bool is_end;  ///< of what was sent together
  };

  Answer ask(unsigned statement, const Parameters& parameters);
  void queue(unsigned statement, const Parameters& parameters, bool is_wanted);
  static std::int64_t changed(const Answer& answer);
  Answer next_answer();
  Answer receive();
  void drop_rest() noexcept;
  void wait();
  [[noreturn]] void lose(std::string_view what);
  void check(int result) {
    if (result != 1) lose("the server cannot be reached");
  }

  Session session_;
  PGconn* native_;
  Millis statement_timeout_;
  Millis patience_;  ///< how long an answer is waited for
  bool lost_ = false;
  bool gave_up_ = false;
  bool unsent_ = false;
  std::array<Prepared, statement_count> prepared_{};
  std::vector<Expected> expected_;
  std::size_t answered_ = 0;  ///< of those
  DomainNames domains_;
};

}  // namespace loft::storage::postgresql
