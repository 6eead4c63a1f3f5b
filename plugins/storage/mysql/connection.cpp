#include "connection.hpp"

#include <algorithm>
#include <numeric>

namespace loft::storage::mysql {
namespace {

/// How many ids one statement takes; what is left over is filled up by repeating the last one.
constexpr std::array<std::size_t, 3> sizes = {8, 64, 512};

/// How many questions one statement unites.
constexpr std::array<std::size_t, 3> united_at_once = {16, 4, 1};

/// The i-th placeholder stands for the i-th argument.
std::vector<std::uint16_t> in_order(std::size_t count) {
  std::vector<std::uint16_t> order(count);
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  return order;
}

std::vector<std::uint16_t> wide(const std::vector<std::uint8_t>& order) { return {order.begin(), order.end()}; }

std::string replace_once(std::string text, std::string_view what, const std::string& by) {
  const auto at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

}  // namespace

void Connection::rollback() noexcept {
  if (!link_.usable()) return;
  try {
    link_.execute("ROLLBACK");
  } catch (const Failure&) {  // the connection is gone, and the transaction with it
  }
}

int Connection::repeats_after(const Failure& failure, bool committing) const noexcept {
  if (committing) return 0;
  if (failure.code == deadlock || failure.code == row_has_changed) return 4;  // which is over at once
  if (failure.code == lock_wait_timeout) return 1;                            // which has taken its time
  return failure.kind == Failure::Kind::lost ? 1 : 0;
}

Prepared& Connection::prepared(Query query) {
  auto& slot = statements_[static_cast<std::size_t>(query)];
  if (!slot) {
    auto [sql, order] = phrased(phrasing, query);
    slot = std::make_unique<Prepared>(link_, sql, wide(order));
  }
  return *slot;
}

Prepared& Connection::prepared(Extra extra) {
  auto& slot = extras_[static_cast<std::size_t>(extra)];
  if (!slot) {
    auto [sql, order] = placed(extra_texts[static_cast<std::size_t>(extra)], Placeholder::question);
    slot = std::make_unique<Prepared>(link_, sql, wide(order));
  }
  return *slot;
}

Prepared& Connection::execute(Query query, const Value* values) {
  auto& statement = prepared(query);
  statement.execute(values);
  return statement;
}

Prepared& Connection::execute(Extra extra, const Value* values) {
  auto& statement = prepared(extra);
  statement.execute(values);
  return statement;
}

Prepared& Connection::with_rows(Query query, std::size_t rows) {
  auto& slot = sized_[{query, rows}];
  if (slot) return *slot;
  auto [sql, order] = phrased(phrasing, query);
  if (rows < 2) return *(slot = std::make_unique<Prepared>(link_, sql, wide(order)));
  std::vector<std::uint16_t> places;
  for (std::size_t row = 0; row < rows; ++row) {
    for (const auto place : order) places.push_back(static_cast<std::uint16_t>(row * order.size() + place));
  }
  const auto from = sql.find("VALUES (") + 7, end = sql.find(')', from) + 1;
  const auto tuple = sql.substr(from, end - from);
  std::string more;
  for (std::size_t row = 1; row < rows; ++row) more.append(", ").append(tuple);
  slot = std::make_unique<Prepared>(link_, sql.insert(end, more), std::move(places));
  return *slot;
}

Prepared& Connection::for_arrays(Query query) {
  // No number of rows is 0: that place is free for the statement whose array size was set.
  return with_rows(query, 0);
}

/// A query of one row for so many lists of arguments, each with its place. The server looks for the best way of each
/// part with its values, which it would not do for the rows of a table.
Prepared& Connection::united(Query query, std::size_t parts, std::size_t arguments) {
  auto& slot = sized_[{query, parts}];
  if (slot) return *slot;
  const auto [one, order] = phrased(phrasing, query);
  constexpr std::string_view select = "SELECT ";
  std::string sql;
  std::vector<std::uint16_t> places;
  for (std::size_t i = 0; i < parts; ++i) {
    if (i != 0) sql += " UNION ALL ";
    sql.append(select).append(std::to_string(i)).append(", ").append(one, select.size());
    for (const auto place : order) places.push_back(static_cast<std::uint16_t>(i * arguments + place));
  }
  slot = std::make_unique<Prepared>(link_, sql, std::move(places));
  return *slot;
}

std::vector<std::array<std::uint64_t, 2>> Connection::pairs(Query query, std::span<const Value> values,
                                                            std::size_t arguments) {
  std::vector<std::array<std::uint64_t, 2>> list(values.size() / arguments);
  for (std::size_t from = 0; from < list.size();) {
    const auto left = list.size() - from;
    const auto size =
        *std::find_if(united_at_once.begin(), united_at_once.end(), [left](std::size_t most) { return most <= left; });
    auto& statement = united(query, size, arguments);
    statement.execute(&values[from * arguments]);
    Cursor rows(statement);
    while (rows.next()) list[from + rows.number(0)] = {rows.number(1), rows.number(2)};
    from += size;
  }
  return list;
}

Prepared& Connection::execute_many(Query query, std::span<const Value> ids, std::size_t& taken) {
  const auto fits = std::find_if(sizes.begin(), sizes.end(), [&](std::size_t size) { return size >= ids.size(); });
  const auto size = fits == sizes.end() ? sizes.back() : *fits;
  taken = std::min(size, ids.size());
  auto& slot = sized_[{query, size}];
  if (!slot) {
    std::string places = "WHERE id IN (?";
    for (std::size_t i = 1; i < size; ++i) places += ", ?";
    const auto sql = replace_once(phrased(phrasing, query).sql, "WHERE id = ?", places + ") ORDER BY id");
    slot = std::make_unique<Prepared>(link_, sql, in_order(size));
  }
  std::vector<Value> values(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(taken));
  values.resize(size, values.back());
  slot->execute(values.data());
  return *slot;
}

}  // namespace loft::storage::mysql
