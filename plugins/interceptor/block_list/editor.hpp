// Changes of lists: stored first, then in force.
#pragma once

#include <functional>
#include <memory>

#include <loft/key_values.hpp>

#include "block_list/table.hpp"

namespace loft::block_list {

/// Thread role: as KeyValues, and `load` control. Lifetime: longer than what it was asked to do.
class Editor {
 public:
  Editor(Table& table, KeyValues& store, std::size_t limit) : table_(table), store_(store), limit_(limit) {}

  /// Reads all lists into the table. Errors as KeyValues, and internal `blocks.damaged`, with the key in the detail.
  Result<void> load();

  /// Removes a user's list. Waits. Thread role: one that may wait. Errors as KeyValues.
  Result<void> forget(UserId owner);

  /// Blocks, or lets in again; what is so already is fine. Answered when it is durable and in force. Errors: invalid
  /// `blocks.self`; conflict `blocks.too_many`, `blocks.busy`; what KeyValues answers.
  void block(const Caller& caller, UserId owner, UserId other, Done<bool> done);
  void unblock(const Caller& caller, UserId owner, UserId other, Done<bool> done);

 private:
  struct Edit;
  void begin(std::shared_ptr<Edit> edit);
  void apply(std::shared_ptr<Edit> edit);
  void again(std::shared_ptr<Edit> edit);

  Table& table_;
  KeyValues& store_;
  std::size_t limit_;
};

}  // namespace loft::block_list
