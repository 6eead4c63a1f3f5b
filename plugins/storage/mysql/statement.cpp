#include "statement.hpp"

#include <utility>

namespace loft::storage::mysql {
namespace {

constexpr std::size_t first_room = 512;
constexpr std::size_t kept_room = 1 << 20;
/// More than a packet has beside the texts in it.
constexpr std::size_t around_values = 64 << 10;

}  // namespace

void bind(MYSQL_BIND& place, const Value& value) {
  place = {};
  switch (value.type) {
    case Value::Type::null:
      place.buffer_type = MYSQL_TYPE_NULL;
      return;
    case Value::Type::number:
      place.buffer_type = MYSQL_TYPE_LONGLONG;
      place.buffer = const_cast<std::int64_t*>(&value.number);
      return;
    case Value::Type::text:
    case Value::Type::blob:
      place.buffer_type = value.type == Value::Type::text ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
      place.buffer = const_cast<char*>(value.bytes.empty() ? "" : value.bytes.data());
      place.buffer_length = value.bytes.size();
      return;
  }
}

Prepared::Prepared(Link& link, std::string_view sql, std::vector<std::uint16_t> order)
    : link_(link), statement_(mysql_stmt_init(link.handle())), order_(std::move(order)), parameters_(order_.size()) {
  if (statement_ == nullptr) throw Failure(Failure::Kind::unavailable, "out of memory");
  link_.asks();
  try {
    if (mysql_stmt_prepare(statement_, sql.data(), sql.size()) != 0) link_.fail(statement_);
    learn_columns();
  } catch (...) {
    mysql_stmt_close(statement_);
    throw;
  }
}

Prepared::~Prepared() { mysql_stmt_close(statement_); }

void Prepared::learn_columns() {
  auto* description = mysql_stmt_result_metadata(statement_);
  if (description == nullptr) return;
  slots_.resize(mysql_num_fields(description));
  columns_.resize(slots_.size());
  const auto* fields = mysql_fetch_fields(description);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    slots_[i].is_number = IS_NUM(fields[i].type);
    if (!slots_[i].is_number) slots_[i].bytes.resize(first_room);
  }
  mysql_free_result(description);
}

void Prepared::bind_slots() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[i];
    auto& column = columns_[i];
    column = {};
    column.buffer_type = slot.is_number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_BLOB;
    column.buffer = slot.is_number ? static_cast<void*>(&slot.number) : slot.bytes.data();
    column.buffer_length = slot.is_number ? sizeof slot.number : slot.bytes.size();
    column.length = &slot.length;
    column.is_null = &slot.is_null;
  }
  if (mysql_stmt_bind_result(statement_, columns_.data()) != 0) link_.fail(statement_);
}

void Prepared::execute(const Value* values) {
  std::size_t bytes = around_values;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    bind(parameters_[i], values[order_[i]]);
    bytes += values[order_[i]].bytes.size();
  }
  if (bytes > link_.packet()) {
    throw Failure(Failure::Kind::caller, "an entry of " + std::to_string(bytes) +
                                             " bytes is larger than the server's " + "max_allowed_packet of " +
                                             std::to_string(link_.packet()));
  }
  link_.asks();
  if (!parameters_.empty() && mysql_stmt_bind_param(statement_, parameters_.data()) != 0) link_.fail(statement_);
  if (mysql_stmt_execute(statement_) != 0) link_.fail(statement_);
  if (slots_.empty()) return;
  if (mysql_stmt_store_result(statement_) != 0) link_.fail(statement_);
  bind_slots();
}

void Prepared::execute_array(MYSQL_BIND* columns, std::size_t rows) {
  const auto count = static_cast<unsigned>(rows);
  if (mysql_stmt_attr_set(statement_, STMT_ATTR_ARRAY_SIZE, &count) != 0) link_.fail(statement_);
  if (mysql_stmt_bind_param(statement_, columns) != 0) link_.fail(statement_);
  link_.asks();
  if (mysql_stmt_execute(statement_) != 0) link_.fail(statement_);
}

bool Prepared::next() {
  const int result = mysql_stmt_fetch(statement_);
  if (result == MYSQL_NO_DATA) return false;
  if (result == MYSQL_DATA_TRUNCATED) {
    widen();
  } else if (result != 0) {
    link_.fail(statement_);
  }
  return true;
}

/// What did not fit is read once more, into room that is kept for the rows to come.
void Prepared::widen() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[i];
    if (slot.is_number || slot.is_null != 0 || slot.length <= slot.bytes.size()) continue;
    slot.bytes.resize(slot.length);
    columns_[i].buffer = slot.bytes.data();
    columns_[i].buffer_length = slot.bytes.size();
    if (mysql_stmt_fetch_column(statement_, &columns_[i], static_cast<unsigned>(i), 0) != 0) link_.fail(statement_);
  }
  if (mysql_stmt_bind_result(statement_, columns_.data()) != 0) link_.fail(statement_);
}

void Prepared::reset() noexcept {
  if (slots_.empty()) return;
  mysql_stmt_free_result(statement_);
  for (auto& slot : slots_) {
    if (slot.bytes.size() > kept_room) std::vector<char>(first_room).swap(slot.bytes);
  }
}

}  // namespace loft::storage::mysql
