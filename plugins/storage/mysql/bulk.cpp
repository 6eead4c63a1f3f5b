#include "bulk.hpp"

#include <algorithm>

namespace loft::storage::mysql {
namespace {

/// What the client's library wants of one parameter for all rows.
struct Column {
  std::vector<std::int64_t> numbers;
  std::vector<const char*> texts;
  std::vector<unsigned long> lengths;
  std::vector<char> indicators;
};

void fill(Column& column, MYSQL_BIND& place, const Value* first, std::size_t width, std::size_t rows) {
  auto type = Value::Type::null;
  for (std::size_t row = 0; row < rows && type == Value::Type::null; ++row) type = first[row * width].type;
  const bool number = type == Value::Type::number;
  column.indicators.resize(rows, STMT_INDICATOR_NONE);
  if (number) {
    column.numbers.resize(rows);
  } else {
    column.texts.resize(rows, "");
    column.lengths.resize(rows);
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const auto& value = first[row * width];
    if (value.type == Value::Type::null) {
      column.indicators[row] = STMT_INDICATOR_NULL;
    } else if (number) {
      column.numbers[row] = value.number;
    } else {
      if (!value.bytes.empty()) column.texts[row] = value.bytes.data();
      column.lengths[row] = value.bytes.size();
    }
  }
  place = {};
  place.buffer_type = number ? MYSQL_TYPE_LONGLONG : type == Value::Type::blob ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
  place.buffer = number ? static_cast<void*>(column.numbers.data()) : column.texts.data();
  place.length = number ? nullptr : column.lengths.data();
  place.u.indicator = column.indicators.data();
}

}  // namespace

void Bulk::run() {
  if (rows_ == 0) return;
  // An array of one row is a statement like any other, only longer on its way.
  if (rows_ > 1 && connection_.takes_arrays()) {
    run_array();
  } else {
    run_tuples();
  }
  rows_ = bytes_ = 0;
  values_.clear();
}

void Bulk::run_array() {
  auto& statement = connection_.for_arrays(query_);
  const auto& order = statement.order();
  std::vector<Column> columns(order.size());
  std::vector<MYSQL_BIND> places(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) fill(columns[i], places[i], &values_[order[i]], width_, rows_);
  statement.execute_array(places.data(), rows_);
  affected_ += statement.affected();
}

void Bulk::run_tuples() {
  const bool insert = text(query_).starts_with("INSERT");
  for (std::size_t row = 0; row < rows_;) {
    const auto left = rows_ - row;
    const std::size_t size = !insert ? 1 : left >= 64 ? 64 : left >= 8 ? 8 : 1;
    auto& statement = connection_.with_rows(query_, size);
    statement.execute(&values_[row * width_]);
    affected_ += statement.affected();
    row += size;
  }
}

}  // namespace loft::storage::mysql
