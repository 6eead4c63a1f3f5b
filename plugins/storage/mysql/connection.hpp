// One connection with its prepared statements, as common/reads.hpp wants it. One thread at a time. Throws Failure.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include <common/domains.hpp>
#include <common/snapshot.hpp>

#include "statement.hpp"
#include "texts.hpp"

namespace loft::storage::mysql {

class Connection {
 public:
  /// The owner's signature, with a lock on it until the end of the transaction.
  static constexpr auto owner_shared = Extra::owner_shared, owner_alone = Extra::owner_alone;

  explicit Connection(const Settings& settings) : link_(settings), takes_arrays_(settings.bulk && link_.is_mariadb()) {}

  /// At most one cursor per query at a time.
  template <class... Args>
  Cursor run(Query query, const Args&... args) {
    const std::array<Value, sizeof...(Args)> values{Value(args)...};
    return Cursor(execute(query, values.data()));
  }
  /// For statements without rows. Returns the number of rows found (by an UPDATE) or changed.
  template <class... Args>
  std::uint64_t write(Query query, const Args&... args) {
    const std::array<Value, sizeof...(Args)> values{Value(args)...};
    return execute(query, values.data()).affected();
  }
  template <class... Args>
  std::uint64_t write(Extra extra, const Args&... args) {
    const std::array<Value, sizeof...(Args)> values{Value(args)...};
    return execute(extra, values.data()).affected();
  }
  template <class... Args>
  Cursor run(Extra extra, const Args&... args) {
    const std::array<Value, sizeof...(Args)> values{Value(args)...};
    return Cursor(execute(extra, values.data()));
  }

  /// Calls `row` for the row of each id that has one, in the order of ids. Ascending ids are asked for many at a time.
  template <class Id, class F>
  void each(Query query, std::span<const Id> ids, F row) {
    if (ids.empty()) return;
    const bool ascending =
        std::adjacent_find(ids.begin(), ids.end(), [](Id left, Id right) { return right <= left; }) == ids.end();
    if (ids.size() == 1 || !ascending) {
      const Snapshot snapshot(*this);
      for (const auto id : ids) {
        auto found = run(query, clamp(raw(id)));
        if (found.next()) row(found);
      }
      return;
    }
    std::vector<Value> values;
    for (const auto id : ids) values.push_back(clamp(raw(id)));
    const Snapshot snapshot(*this);
    for (std::size_t from = 0; from < values.size();) {
      std::size_t taken = 0;
      Cursor rows(execute_many(query, std::span(values).subspan(from), taken));
      while (rows.next()) row(rows);
      from += taken;
    }
  }

  template <std::size_t N>
  std::vector<std::array<std::uint64_t, 2>> pairs(Query query, std::span<const std::array<std::uint64_t, N>> asked) {
    std::vector<Value> values;
    values.reserve(asked.size() * N);
    for (const auto& arguments : asked) values.insert(values.end(), arguments.begin(), arguments.end());
    return pairs(query, values, N);
  }

  /// What is read until `end` is of one state.
  void begin() { link_.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"); }
  void end() noexcept { rollback(); }
  void begin_writing() { link_.execute("BEGIN"); }
  void commit() { link_.execute("COMMIT"); }
  /// Nothing is on its way that has not been answered.
  void settle() noexcept {}
  void rollback() noexcept;

  /// The name of a domain by its number, null when there is none. Valid as long as the connection.
  const std::string* domain(std::uint64_t number) { return domains_.name(*this, number); }
  bool usable() const noexcept { return link_.usable(); }
  bool alive() const noexcept { return link_.alive(); }
  /// How often a call may come again after a failure. `committing`: nobody knows whether it is stored.
  int repeats_after(const Failure& failure, bool committing) const noexcept;

  Link& link() noexcept { return link_; }
  /// A statement of `query`'s text with `rows` tuples behind VALUES. It lives as long as the connection.
  Prepared& with_rows(Query query, std::size_t rows);
  /// The same for arrays: one tuple, and no rows of its own.
  Prepared& for_arrays(Query query);
  /// Whether the server takes arrays of parameters.
  bool takes_arrays() const noexcept { return takes_arrays_; }
  /// For a server that would, and refuses them.
  void do_without_arrays() noexcept { takes_arrays_ = false; }

 private:
  Prepared& execute(Query query, const Value* values);
  Prepared& execute(Extra extra, const Value* values);
  Prepared& execute_many(Query query, std::span<const Value> ids, std::size_t& taken);
  std::vector<std::array<std::uint64_t, 2>> pairs(Query query, std::span<const Value> values, std::size_t arguments);
  Prepared& united(Query query, std::size_t parts, std::size_t arguments);
  Prepared& prepared(Query query);
  Prepared& prepared(Extra extra);

  Link link_;
  bool takes_arrays_;
  // Behind the link: they end before it.
  std::array<std::unique_ptr<Prepared>, query_count> statements_;
  std::array<std::unique_ptr<Prepared>, static_cast<std::size_t>(Extra::end)> extras_;
  std::map<std::pair<Query, std::size_t>, std::unique_ptr<Prepared>> sized_;
  DomainNames domains_;
};

}  // namespace loft::storage::mysql
