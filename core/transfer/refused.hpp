// Which of many rows a target does not take.
#pragma once

#include <span>
#include <vector>

#include <loft/storage.hpp>

#include "transfer/failed.hpp"
#include "transfer/rows.hpp"

namespace loft::transfer {

inline std::string named(const Conversation& row) { return named(StoredConversation{row, 0, MessageId::none, 0}); }

/// Offers each by itself, in their order: those before the one that is refused are stored then. Throws Failed, invalid
/// `transfer.refused`, for that one.
template <class Row>
void offer_singly(Storage& target, const std::vector<Row>& rows, std::span<const Row> Batch::*place) {
  for (const auto& row : rows) {
    Batch one;
    one.*place = std::span(&row, 1);
    const auto done = target.commit(one);
    if (done || done.error().reason != "storage.broken") continue;
    throw Failed(
        Error{Code::invalid, "transfer.refused",
              "the target does not take " + named(row) +
                  ": another row has its name, or it is too long for that database (the log above says which)"});
  }
}

}  // namespace loft::transfer
