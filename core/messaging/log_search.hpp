// Finding the messages of a log that somebody wants behind any number of others: the storage counts in runs of the log,
// which are halved, and no message is read for it.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <loft/storage.hpp>

namespace loft {

/// Runs of a log, the one that is looked at next at the end.
using SeqRuns = std::vector<std::pair<Seq, Seq>>;

/// Messages of a conversation that are not from `except` (UserId::none: from anybody) and stand. `with_recalled`: also
/// recalled ones, and then `except`'s own recalled ones too, which the storage does not tell apart by counting.
class LogSearch {
 public:
  /// Lifetime of the storage: beyond this one.
  LogSearch(Storage& storage, ConversationId conversation, UserId except, bool with_recalled)
      : storage_(storage), conversation_(conversation), except_(except), with_recalled_(with_recalled) {}

  /// Drops from the end of the runs what has no such message: the last run begins with one then, at its high end if
  /// `newest_first`, else at its low end. False: there is none left. O(log n) questions to the storage, for which it
  /// waits: not with the state's lock held.
  Result<bool> skip(SeqRuns& runs, bool newest_first) const;

  /// Takes from the last run what has been looked at, up to `reached`.
  static void cut_off(SeqRuns& runs, Seq reached, bool newest_first);

 private:
  Result<std::vector<bool>> has_any(std::span<const std::pair<Seq, Seq>> runs) const;
  Result<bool> begins_with_one(std::pair<Seq, Seq>& run, bool newest_first) const;

  Storage& storage_;
  ConversationId conversation_;
  UserId except_;
  bool with_recalled_;
};

}  // namespace loft
