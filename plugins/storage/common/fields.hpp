// One row of an answer, column by column, none of which is taken for what it cannot be.
#pragma once

#include <string>

#include <loft/utf8.hpp>

#include "failure.hpp"
#include "row_rules.hpp"

namespace loft::storage::reads {

/// Row: a cursor, see reads.hpp. Lives as long as the row does.
template <class Row>
class Fields {
 public:
  Fields(const Row& row, const RowRules& rules) noexcept : row_(row), rules_(rules) {}

  /// 0 for NULL, where that may be. Throws Failure.
  std::uint64_t number(int at) const {
    const auto& column = rules_.columns[static_cast<std::size_t>(at)];
    const auto value = row_.number(at);
    if (row_.has_number(at) ? !column.takes(static_cast<std::int64_t>(value))
                            : !column.may_be_null || !row_.is_null(at)) {
      refuse(at, row_.has_number(at) ? "is " + std::to_string(static_cast<std::int64_t>(value)) + ", which it cannot be"
                 : row_.is_null(at)  ? "is NULL"
                                     : "is no whole number");
    }
    return value;
  }
  template <class T>
  T as(int at) const {
    return static_cast<T>(number(at));
  }
  /// Empty for NULL, where that may be. Throws Failure.
  std::string text(int at) const {
    if (row_.is_null(at) && !rules_.columns[static_cast<std::size_t>(at)].may_be_null) refuse(at, "is NULL");
    return std::string(row_.text(at));
  }

  /// `what`: "is 9, which …".
  [[noreturn]] void refuse(int at, const std::string& what) const {
    // "table conversation, row 20001: ": who goes over rows reads the number, to go on behind it.
    std::string keys;
    for (std::size_t i = 0; i < rules_.keys; ++i) {
      keys += (i == 0 ? "" : ", ") +
              (rules_.columns[i].is_text ? quoted(row_.text(static_cast<int>(i)))
                                         : std::to_string(static_cast<std::int64_t>(row_.number(static_cast<int>(i)))));
    }
    throw Failure(Failure::Kind::corrupt, "table " + std::string(rules_.table) + ", row " + keys + ": column " +
                                              std::string(rules_.columns[static_cast<std::size_t>(at)].name) + " " +
                                              what);
  }

 private:
  static std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text.substr(0, 60)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    return utf8::valid(out) ? out + "'" : "one that is not UTF-8";
  }

  const Row& row_;
  const RowRules& rules_;
};

}  // namespace loft::storage::reads
