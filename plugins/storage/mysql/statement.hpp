// Prepared statements of the server, in the binary protocol.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <common/parameter.hpp>
#include <common/phrasing.hpp>

#include "link.hpp"

namespace loft::storage::mysql {

/// One parameter. Texts are not copied: they must live until the statement has run.
struct Value {
  enum class Type : std::uint8_t { null, number, text, blob };

  Value() = default;
  template <std::integral T>
  Value(T value) : type(Type::number), number(static_cast<std::int64_t>(value)) {}
  template <class E>
  requires std::is_enum_v<E> Value(E value) : Value(static_cast<std::uint64_t>(value)) {}
  Value(std::string_view words) : type(Type::text), bytes(words) {}
  Value(const std::string& words) : Value(std::string_view(words)) {}
  Value(Blob blob) : type(Type::blob), bytes(blob.bytes) {}
  Value(Optional text) : type(text.text.empty() ? Type::null : Type::text), bytes(text.text) {}
  Value(std::optional<std::uint64_t> value) : Value() {
    if (value) *this = Value(*value);
  }

  Type type = Type::null;
  std::int64_t number = 0;
  std::string_view bytes;
};

/// One statement with room for its rows. All rows are read when it runs, so that others may run beside it.
class Prepared {
 public:
  Prepared(Link& link, std::string_view sql, std::vector<std::uint16_t> order);
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  ~Prepared();

  /// `values` are the arguments; which placeholder has which was said at the beginning.
  void execute(const Value* values);
  /// What `columns` has been bound to by the caller, array-wise (MariaDB's bulk).
  void execute_array(MYSQL_BIND* columns, std::size_t rows);
  /// Which argument each placeholder stands for.
  const std::vector<std::uint16_t>& order() const noexcept { return order_; }
  std::uint64_t affected() const noexcept { return mysql_stmt_affected_rows(statement_); }

  /// True while there is a row.
  bool next();
  std::uint64_t number(int column) const noexcept {
    const auto& slot = slots_[static_cast<std::size_t>(column)];
    return slot.is_null != 0 ? 0 : static_cast<std::uint64_t>(slot.number);
  }
  std::string_view text(int column) const noexcept {
    const auto& slot = slots_[static_cast<std::size_t>(column)];
    return slot.is_null != 0 ? std::string_view() : std::string_view(slot.bytes.data(), slot.length);
  }
  bool is_null(int column) const noexcept { return slots_[static_cast<std::size_t>(column)].is_null != 0; }
  bool has_number(int column) const noexcept {
    return slots_[static_cast<std::size_t>(column)].is_number && !is_null(column);
  }
  /// Lets go of the rows.
  void reset() noexcept;

 private:
  struct Slot {
    bool is_number = false;
    my_bool is_null = 0;
    std::int64_t number = 0;
    unsigned long length = 0;
    std::vector<char> bytes;
  };

  void learn_columns();
  void bind_slots();
  void widen();

  Link& link_;
  MYSQL_STMT* statement_;
  std::vector<std::uint16_t> order_;
  std::vector<MYSQL_BIND> parameters_;
  std::vector<Slot> slots_;
  std::vector<MYSQL_BIND> columns_;
};

/// A statement in use.
class Cursor {
 public:
  explicit Cursor(Prepared& statement) : statement_(statement) {}
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor() { statement_.reset(); }

  bool next() { return statement_.next(); }
  std::uint64_t number(int column) const noexcept { return statement_.number(column); }
  std::string_view text(int column) const noexcept { return statement_.text(column); }
  bool is_null(int column) const noexcept { return statement_.is_null(column); }
  bool has_number(int column) const noexcept { return statement_.has_number(column); }

 private:
  Prepared& statement_;
};

/// How one value is told to the client's library; `value` must stay where it is.
void bind(MYSQL_BIND& place, const Value& value);

}  // namespace loft::storage::mysql
