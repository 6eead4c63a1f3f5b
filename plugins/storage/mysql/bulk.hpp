// One statement for many rows: as an array of parameters where the server takes that (MariaDB), else with several
// tuples behind VALUES.
#pragma once

#include <iterator>
#include <vector>

#include "connection.hpp"

namespace loft::storage::mysql {

class Bulk {
 public:
  Bulk(Connection& connection, Query query) : connection_(connection), query_(query) {}

  /// Texts must live until `finish`.
  template <class... Args>
  void add(const Args&... args) {
    width_ = sizeof...(Args);
    const Value row[] = {Value(args)...};
    std::size_t bytes = 0;
    for (const auto& value : row) bytes += value.bytes.size();
    if (rows_ == most_rows || bytes_ + bytes > most_bytes) run();
    values_.insert(values_.end(), std::begin(row), std::end(row));
    bytes_ += bytes;
    ++rows_;
  }

  /// How many rows were changed or, by an UPDATE, found.
  std::uint64_t finish() {
    run();
    return affected_;
  }

 private:
  static constexpr std::size_t most_rows = 2000;
  static constexpr std::size_t most_bytes = 4 << 20;  ///< of several rows; far below what a server takes in one packet

  void run();
  void run_array();
  void run_tuples();

  Connection& connection_;
  Query query_;
  std::size_t width_ = 0;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Value> values_;  ///< row by row
  std::uint64_t affected_ = 0;
};

}  // namespace loft::storage::mysql
