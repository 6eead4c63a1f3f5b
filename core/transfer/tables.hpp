// The tables behind what is copied and compared: a row that belongs to nothing that is stored comes by in no read of
// Storage, and a source that is written to meanwhile gives a copy of no one state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "transfer/copy.hpp"

namespace loft::transfer {

/// In the order in which they are copied, under the names that the storages of this project give their tables.
inline constexpr std::pair<std::string_view, std::uint64_t Counts::*> kinds[] = {
    {"user", &Counts::users},         {"conversation", &Counts::conversations},
    {"member", &Counts::members},     {"message", &Counts::messages},
    {"change", &Counts::changes},     {"client_message", &Counts::client_keys},
    {"mark", &Counts::marks},         {"key_value", &Counts::key_values},
    {"follower", &Counts::followers}, {"push_queue", &Counts::pushes},
    {"device", &Counts::devices},     {"push_log", &Counts::attempts}};

/// What is wrong where a table has other rows than come by in the reads of its storage.
std::string unreached(std::string_view table, std::uint64_t rows, std::uint64_t reached);

/// A source as it was at the beginning. Thread role: one thread; `storage` and `count` outlive it. Throws Failed.
class Source {
 public:
  Source(Storage& storage, const Count& count) : storage_(storage), count_(count) {}

  void begin();
  Position last() const noexcept { return last_; }

  /// Throws conflict `transfer.changed` when something was written since.
  void check_unchanged() const;
  /// Throws invalid `transfer.damaged` when one of the first `most` tables has other rows than those that came by.
  void check_reached(const Counts& found, const Counts& written, std::size_t most) const;

 private:
  std::optional<Counts> count() const;

  Storage& storage_;
  const Count& count_;
  Position last_ = 0;
  std::optional<Counts> tables_;
};

}  // namespace loft::transfer
