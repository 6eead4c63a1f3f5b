#include "messaging/log_search.hpp"

#include <algorithm>

namespace loft {
namespace {

/// How many runs are asked about by one question.
constexpr std::size_t asked_at_once = 1024;

}  // namespace

/// Of each run, whether it has such a message.
Result<std::vector<bool>> LogSearch::has_any(std::span<const std::pair<Seq, Seq>> runs) const {
  std::vector<Storage::ForeignRange> asked;
  for (const auto& [low, high] : runs) asked.push_back({conversation_, low, high, except_});
  // What stands can only become less. Counted behind the others', the sender's own are never found to be too many.
  if (with_recalled_) {
    for (const auto& [low, high] : runs) asked.push_back({conversation_, low, high, UserId::none});
  }
  const auto counts = storage_.counts_foreign(asked);
  if (!counts) return counts.error();
  if (counts->size() != asked.size()) return Error{Code::internal, "storage.broken", {}};
  std::vector<bool> has(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto others = (*counts)[i];
    // Own ones that stand are not wanted. Whatever else there is may be.
    has[i] = others != 0 || (with_recalled_ && (*counts)[runs.size() + i] != runs[i].second - runs[i].first + 1);
  }
  return has;
}

/// Narrows a run that has one.
Result<bool> LogSearch::begins_with_one(std::pair<Seq, Seq>& run, bool newest_first) const {
  auto& [low, high] = run;
  if (with_recalled_) {
    // What was removed does not count, and is nobody's own: the log begins with the first message that is left.
    const auto oldest = storage_.log(conversation_, low, high, 1, false);
    if (!oldest) return oldest.error();
    if (oldest->empty()) return false;
    if (oldest->front().seq > low) {
      low = oldest->front().seq;
      const auto has = has_any({&run, 1});
      if (!has) return has.error();
      if (!has->front()) return false;
    }
  }
  auto first = low, last = high;
  while (first < last) {
    const auto middle = first + (last - first) / 2;
    const std::pair<Seq, Seq> next = newest_first ? std::pair(middle + 1, last) : std::pair(first, middle);
    const auto has = has_any({&next, 1});
    if (!has) return has.error();
    if (has->front() == newest_first)
      first = middle + 1;
    else
      last = middle;
  }
  (newest_first ? high : low) = first;
  return true;
}

Result<bool> LogSearch::skip(SeqRuns& runs, bool newest_first) const {
  for (std::size_t some = 1; !runs.empty(); some = std::min(some * 2, asked_at_once)) {
    auto left = std::min(some, runs.size());
    const auto has = has_any(std::span(runs).last(left));
    if (!has) return has.error();
    for (; left != 0 && !(*has)[left - 1]; --left) runs.pop_back();
    if (left == 0) continue;
    const auto found = begins_with_one(runs.back(), newest_first);
    if (!found || *found) return found;
    runs.pop_back();
  }
  return false;
}

void LogSearch::cut_off(SeqRuns& runs, Seq reached, bool newest_first) {
  auto& [low, high] = runs.back();
  if (newest_first ? reached <= low : reached >= high)
    runs.pop_back();
  else if (newest_first)
    high = reached - 1;
  else
    low = reached + 1;
}

}  // namespace loft
