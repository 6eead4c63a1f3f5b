// Changes of lists: stored first, then in force.
#pragma once

#include <functional>
#include <memory>

#include <loft/key_values.hpp>
#include <loft/messaging.hpp>

#include "block_list/table.hpp"

namespace loft::block_list {

/// Thread role: as Messaging, and `load` control. Lifetime: longer than what it was asked to do.
class Editor {
 public:
  Editor(Table& table, KeyValues& store, Messaging& messaging, std::size_t limit)
      : table_(table), store_(store), messaging_(messaging), limit_(limit) {}

  /// Reads all lists into the table. Errors as KeyValues, and internal `blocks.damaged`, with the key in the detail.
  Result<void> load();

  /// Blocks, or lets in again; what is so already is fine. Answered when it is durable and in force. Errors: invalid
  /// `blocks.self`; conflict `blocks.too_many`, `blocks.busy`; what KeyValues and Messaging answer.
  void block(const Caller& caller, const User& owner, UserId other, Done<bool> done);
  void unblock(const Caller& caller, const User& owner, UserId other, Done<bool> done);

 private:
  struct Edit;
  void apply(std::shared_ptr<Edit> edit);
  void again(std::shared_ptr<Edit> edit);

  Table& table_;
  KeyValues& store_;
  Messaging& messaging_;
  std::size_t limit_;
};

}  // namespace loft::block_list
