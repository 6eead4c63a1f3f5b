// Reading down a log for one message, past those that nobody wants.
#pragma once

#include <algorithm>

#include "messaging/log_search.hpp"

namespace loft {

/// The newest message in the runs that `fits(record)`, an empty record when none does. `read(low, high, limit)` reads
/// messages, newest first; `search` knows where one that fits may be.
template <class Read, class Fits>
Result<MessageRecord> newest_in(SeqRuns runs, const LogSearch& search, Read read, Fits fits) {
  // Mostly it is the first one.
  for (std::size_t at_once = 1; !runs.empty(); at_once = std::min<std::size_t>(at_once * 4, 256)) {
    if (at_once > 1) {
      const auto some = search.skip(runs, true);
      if (!some) return some.error();
      if (!*some) break;
    }
    const auto [low, high] = runs.back();
    Result<std::vector<MessageRecord>> records = read(low, high, at_once);
    if (!records) return records.error();
    for (auto& record : *records) {
      if (fits(record)) return std::move(record);
    }
    LogSearch::cut_off(runs, records->empty() ? low : records->back().message->seq, true);
  }
  return MessageRecord{};
}

}  // namespace loft
