// The rows of an answer, which libpq holds whole.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "parameters.hpp"

namespace loft::storage::postgresql {

struct ClearResult {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, ClearResult>;

class Cursor {
 public:
  explicit Cursor(Answer answer) : answer_(std::move(answer)), rows_(PQntuples(answer_.get())) {}

  bool next() {
    unescaped_.clear();
    return ++row_ < rows_;
  }
  int rows() const noexcept { return rows_; }

  bool is_null(int column) const noexcept { return PQgetisnull(answer_.get(), row_, column) != 0; }
  /// Columns have one type each, and it is asked for what it is.
  bool has_number(int column) const noexcept { return !is_null(column); }
  /// NULL is 0.
  std::uint64_t number(int column) const noexcept {
    const char* value = PQgetvalue(answer_.get(), row_, column);
    switch (PQgetlength(answer_.get(), row_, column)) {
      case 8: {
        std::uint64_t number = 0;
        std::memcpy(&number, value, sizeof number);
        return network_order(number);
      }
      case 4: {
        std::uint32_t number = 0;
        std::memcpy(&number, value, sizeof number);
        return static_cast<std::uint64_t>(static_cast<std::int32_t>(network_order(number)));
      }
      case 2:
        return static_cast<std::uint64_t>(static_cast<std::int16_t>(static_cast<unsigned char>(value[0]) << 8 |
                                                                    static_cast<unsigned char>(value[1])));
      default:
        return 0;
    }
  }
  /// NULL is empty.
  std::string_view text(int column) const {
    const auto size = static_cast<std::size_t>(PQgetlength(answer_.get(), row_, column));
    const std::string_view text(PQgetvalue(answer_.get(), row_, column), size);
    if (size == 0 || std::memchr(text.data(), 1, size) == nullptr) return text;
    if (PQftype(answer_.get(), column) == static_cast<Oid>(Type::bytes)) return text;
    return unescaped_.emplace_back(unescaped(text));
  }

 private:
  Answer answer_;
  int rows_;
  int row_ = -1;
  mutable std::deque<std::string> unescaped_;
};

}  // namespace loft::storage::postgresql
