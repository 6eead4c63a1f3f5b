// The table sent_count: how many messages each sender has in each block of a log. A block is written once, with the
// message at its end, so that most messages cost nothing more; an index by sender would cost each of them a place of
// its own. The number is part of the migrations.
#pragma once

#include <algorithm>
#include <cstdint>

#include <loft/message.hpp>

namespace loft::storage {

inline constexpr Seq sent_block = 256;

/// Whether the counts of a block are due once this message is stored; it begins at `seq - sent_block + 1`.
inline bool ends_block(const Message& message) noexcept { return message.seq % sent_block == 0; }

/// Whether counts are due to be removed, now that `forgotten` messages up to `upto` are: that looks at all counts of
/// the log, so it is done once for many blocks. Those that stay until then are in nobody's way.
inline bool ends_counts(Seq upto, std::int64_t forgotten) noexcept {
  constexpr Seq span = 64 * sent_block;
  return upto / span != (upto - std::min(upto, static_cast<Seq>(forgotten))) / span;
}

/// What is to be looked through of a run of a log: up to `last`, and from `next` on. Between them are whole blocks.
struct WholeBlocks {
  Seq last = 0;
  Seq next = 0;
};

/// 1 <= `low` <= `high`.
inline WholeBlocks whole_blocks(Seq low, Seq high) noexcept {
  const auto first = (low - 1 + sent_block - 1) / sent_block * sent_block, end = high / sent_block * sent_block;
  return first < end ? WholeBlocks{first, end + 1} : WholeBlocks{high, high + 1};
}

}  // namespace loft::storage
