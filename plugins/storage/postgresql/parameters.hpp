// Parameters of a statement in PostgreSQL's binary format. Texts are not copied: they must live until the statement is
// sent.
//
// A TEXT of PostgreSQL has no U+0000, and S6 wants it: U+0001 stands for it. "\1\1" is a zero, "\1\2" is a one. JSON
// has neither, so what operators look at is as it was; the order by bytes and the beginnings of keys are kept too.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include <common/parameter.hpp>

namespace loft::storage::postgresql {

/// PostgreSQL's numbers of types; they never change.
enum class Type : unsigned {
  bytes = 17,
  integer = 20,
  text = 25,
  bytes_array = 1001,
  text_array = 1009,
  integer_array = 1016
};

inline std::uint64_t network_order(std::uint64_t value) noexcept { return __builtin_bswap64(value); }
inline std::uint32_t network_order(std::uint32_t value) noexcept { return __builtin_bswap32(value); }
static_assert(std::endian::native == std::endian::little);

/// True when a text cannot be stored as it is.
inline bool needs_escape(std::string_view text) noexcept {
  return !text.empty() &&
         (std::memchr(text.data(), 0, text.size()) != nullptr || std::memchr(text.data(), 1, text.size()) != nullptr);
}
std::string escaped(std::string_view text);
/// The opposite; `text` has a "\1".
std::string unescaped(std::string_view text);

/// A column of a batch: an array, which `unnest` makes rows of.
class Column {
 public:
  explicit Column(Type array) : type_(array) {}

  void clear() noexcept {
    bytes_.clear();
    count_ = 0;
    has_null_ = false;
  }
  template <std::integral T>
  void add(T value) {
    put_length(8);
    const auto number = network_order(static_cast<std::uint64_t>(value));
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  template <class E>
  requires std::is_enum_v<E>
  void add(E value) { add(static_cast<std::uint64_t>(value)); }
  void add(std::string_view text) {
    if (type_ == Type::text_array && needs_escape(text)) return put(escaped(text));
    put(text);
  }
  void add(const std::string& text) { add(std::string_view(text)); }
  void add(Optional text) { text.text.empty() ? add_null() : add(text.text); }
  void add(std::optional<std::uint64_t> value) { value ? add(*value) : add_null(); }
  void add_null() {
    put_length(0xffff'ffff);
    has_null_ = true;
  }

  std::size_t count() const noexcept { return count_; }
  Type type() const noexcept { return type_; }
  /// The array as it is sent. Valid until the next change.
  std::string_view finished();

 private:
  void put(std::string_view text) {
    put_length(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  void put_length(std::uint32_t length) {
    if (bytes_.empty()) bytes_.resize(header_size);
    const auto number = network_order(length);
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
    ++count_;
  }

  static constexpr std::size_t header_size = 20;

  Type type_;
  std::string bytes_;
  std::uint32_t count_ = 0;
  bool has_null_ = false;
};

/// The arguments of one statement.
class Parameters {
 public:
  template <class... Args>
  explicit Parameters(const Args&... args) {
    static_assert(sizeof...(args) <= most);
    (add(args), ...);
  }
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  int count() const noexcept { return count_; }
  const char* const* values() const noexcept { return values_.data(); }
  const int* lengths() const noexcept { return lengths_.data(); }
  const int* formats() const noexcept { return formats_.data(); }
  const unsigned* types() const noexcept { return types_.data(); }

 private:
  void put(const char* value, std::size_t length, Type type) {
    const auto at = static_cast<std::size_t>(count_++);
    values_[at] = value;
    lengths_[at] = static_cast<int>(length);
    formats_[at] = 1;
    types_[at] = static_cast<unsigned>(type);
  }
  template <std::integral T>
  void add(T value) {
    auto& number = numbers_[static_cast<std::size_t>(count_)];
    number = network_order(static_cast<std::uint64_t>(value));
    put(reinterpret_cast<const char*>(&number), sizeof number, Type::integer);
  }
  template <class E>
  requires std::is_enum_v<E>
  void add(E value) { add(static_cast<std::uint64_t>(value)); }
  void add(std::string_view text) {
    if (needs_escape(text)) text = escaped_.emplace_back(escaped(text));
    put(text.data() == nullptr ? "" : text.data(), text.size(), Type::text);
  }
  void add(const std::string& text) { add(std::string_view(text)); }
  void add(Column* column) {
    const auto array = column->finished();
    put(array.data(), array.size(), column->type());
  }

  static constexpr std::size_t most = 18;

  std::array<std::uint64_t, most> numbers_;
  std::array<const char*, most> values_;
  std::array<int, most> lengths_;
  std::array<int, most> formats_;
  std::array<unsigned, most> types_;
  int count_ = 0;
  std::deque<std::string> escaped_;
};

}  // namespace loft::storage::postgresql
