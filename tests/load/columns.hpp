// The rows of a batch column by column, as client libraries of servers take them.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "raw.hpp"

namespace loft::load {

/// The rows of one table: numbers, and a text that is the same in all of them.
struct Table {
  std::vector<std::vector<std::uint64_t>> numbers;  ///< [column][row]
  const std::string* text = nullptr;

  explicit Table(std::size_t count_of_numbers, const std::string* in_all = nullptr)
      : numbers(count_of_numbers), text(in_all) {}
  std::size_t count() const { return numbers[0].size(); }
  std::size_t columns() const { return numbers.size() + (text == nullptr ? 0 : 1); }
  void clear() {
    for (auto& column : numbers) column.clear();
  }
  void add(std::initializer_list<std::uint64_t> values) {
    auto column = numbers.begin();
    for (const auto value : values) (column++)->push_back(value);
  }
};

/// What one writer's batch brings.
class Columns {
 public:
  Columns(const Arguments& a, std::uint64_t writer)
      : client_ids_(a.client_ids), rows_(a, writer), messages(5, &rows_.content()) {}
  Columns(const Columns&) = delete;
  Columns& operator=(const Columns&) = delete;

  void next(std::uint64_t count) {
    rows_.next(count);
    for (auto* table : {&messages, &keys, &heads, &sent}) table->clear();
    for (const auto& m : rows_.messages()) {
      messages.add({m.id, m.conversation, m.seq, m.sender, 1});
      if (client_ids_) keys.add({m.id, m.sender, m.key[0], m.key[1], m.key[2]});
    }
    for (const auto& h : rows_.heads()) heads.add({h.head, h.last, h.conversation, h.expected});
    for (const auto& s : rows_.sent()) sent.add({s.conversation, s.sender, s.upto, s.sent});
  }

  /// Each writer has a row of its own.
  std::string progress() const {
    const auto last = std::to_string(rows_.last());
    return "UPDATE progress SET applied_upto = " + last + ", position = " + last +
           " WHERE id = " + std::to_string(rows_.writer() + 1);
  }

 private:
  bool client_ids_;
  Rows rows_;

 public:
  Table messages;  ///< id, conversation, seq, sender, domain; content
  Table keys{5};   ///< message, sender, hash, hash, digest
  Table heads{4};  ///< head, last id, conversation, expected head
  Table sent{4};   ///< conversation, sender, end of the block, messages of the sender
};

}  // namespace loft::load
