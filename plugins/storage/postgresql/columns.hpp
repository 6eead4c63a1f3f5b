// The arrays of one statement. Their memory is kept from batch to batch.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <string_view>
#include <vector>

#include "parameters.hpp"

namespace loft::storage::postgresql {

class Columns {
 public:
  /// `types[i]` is that of column i: i an integer, t a text, b bytes. All are empty then.
  void begin(std::string_view types) {
    used_.clear();
    std::array<std::size_t, 3> next{};
    for (const char type : types) {
      auto& pool = type == 'i' ? integers_ : type == 't' ? texts_ : bytes_;
      const auto array = type == 'i' ? Type::integer_array : type == 't' ? Type::text_array : Type::bytes_array;
      auto& place = next[type == 'i' ? 0 : type == 't' ? 1 : 2];
      if (place == pool.size()) pool.emplace_back(array);
      pool[place].clear();
      used_.push_back(&pool[place++]);
    }
  }
  template <class... Values>
  void row(const Values&... values) {
    std::size_t at = 0;
    (used_[at++]->add(values), ...);
  }
  Column* operator[](std::size_t at) const noexcept { return used_[at]; }

 private:
  std::deque<Column> integers_, texts_, bytes_;
  std::vector<Column*> used_;
};

}  // namespace loft::storage::postgresql
