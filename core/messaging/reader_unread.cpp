// Unread counts: kept with the view; what is not counted yet is counted by one question for many conversations.
#include <numeric>

#include "messaging/reader.hpp"

namespace loft {
namespace {

const Error view_missing{Code::internal, "view.missing", {}};

/// The count of one conversation, under way.
struct Question {
  std::size_t place = 0;  ///< among those that are asked for
  ViewEntry::Basis basis;
  bool recalling = false;  ///< the storage may count a message out before the memory has heard of its recall
  std::size_t ranges = 0;  ///< how many ranges are its
};

/// With the lock held.
std::size_t add_unread(const ViewEntry& mine, UserId reader, std::vector<Storage::ForeignRange>& ranges) {
  const IntervalSet nothing;
  const auto* read = mine.find(MarkId::read);
  const auto* hidden = mine.find(MarkId::hidden);
  const auto before = ranges.size();
  (read != nullptr ? read->set : nothing).gaps(mine.joined_seq + 1, mine.conversation->head, [&](Seq a, Seq b) {
    (hidden != nullptr ? hidden->set : nothing).gaps(a, b, [&](Seq low, Seq high) {
      ranges.push_back({mine.conversation->id(), low, high, reader});
      return true;
    });
    return true;
  });
  return ranges.size() - before;
}

}  // namespace

/// In the order of the ranges.
Result<std::vector<std::uint64_t>> Reader::counts_of(std::span<const Storage::ForeignRange> ranges) {
  if (ranges.empty()) return std::vector<std::uint64_t>();
  auto counts = core_.storage_.counts_foreign(ranges);
  if (counts && counts->size() != ranges.size()) return Error{Code::internal, "storage.broken", {}};
  return counts;
}

/// Nullopt: left meanwhile.
Result<std::vector<std::optional<std::uint64_t>>> Reader::unread_of(std::span<const ConversationId> ids) {
  std::vector<std::optional<std::uint64_t>> counts(ids.size());
  for (std::size_t from = 0; from < ids.size(); from += counted_at_once) {
    const auto some = std::min(counted_at_once, ids.size() - from);
    const auto counted = count_unread(ids.subspan(from, some), std::span(counts).subspan(from, some));
    if (!counted) return counted.error();
  }
  return counts;
}

Result<void> Reader::count_unread(std::span<const ConversationId> ids, std::span<std::optional<std::uint64_t>> counts) {
  std::vector<std::size_t> open(ids.size());
  std::iota(open.begin(), open.end(), std::size_t{0});
  std::vector<Question> questions;
  std::vector<Storage::ForeignRange> ranges;
  // A count belongs to one head and one set of marks: if either moved meanwhile, count again.
  for (int attempt = 0; attempt < 100; ++attempt) {
    questions.clear();
    ranges.clear();
    {
      std::lock_guard lock(state_.mutex);
      const auto* view = state_.view(caller_);
      if (view == nullptr) return view_missing;
      for (const auto place : open) {
        counts[place].reset();
        const auto it = view->entries.find(ids[place]);
        if (it == view->entries.end()) continue;
        const auto& mine = it->second;
        if (mine.is_counted()) {
          counts[place] = mine.unread + (mine.conversation->head - mine.counted_upto);
          continue;
        }
        const auto basis = mine.basis();
        questions.push_back({place, basis, basis.recall > state_.stable, add_unread(mine, caller_, ranges)});
      }
    }
    const auto found = counts_of(ranges);
    if (!found) return found.error();
    open.clear();
    auto next = found->begin();
    std::lock_guard lock(state_.mutex);
    auto* view = state_.view(caller_);
    for (const auto& [place, basis, recalling, parts] : questions) {
      const auto end = next + static_cast<std::ptrdiff_t>(parts);
      const auto count = std::accumulate(next, end, std::uint64_t{0});
      next = end;
      counts[place] = count;
      if (view == nullptr) continue;
      const auto it = view->entries.find(ids[place]);
      if (it == view->entries.end()) {
        counts[place].reset();
      } else if (auto& mine = it->second; !(mine.basis() == basis)) {
        open.push_back(place);
      } else if (!recalling) {
        mine.unread = count;
        mine.counted_upto = basis.head;
        mine.counted = true;
        mine.forgotten = basis.forgotten;
      }
    }
    if (open.empty()) return {};
  }
  return Error{Code::unavailable, "view.busy", "try again later"};
}

Result<std::uint64_t> Reader::unread(const UnreadQuery& query, ConversationState* conversation) {
  if (conversation != nullptr && query.since != 0) return unread_since(query.since, *conversation);
  std::vector<ConversationId> ids;
  if (conversation != nullptr) {
    ids.push_back(conversation->id());
  } else {
    std::lock_guard lock(state_.mutex);
    const auto* view = state_.view(caller_);
    if (view == nullptr) return view_missing;
    ids.reserve(view->entries.size());
    for (const auto& [id, mine] : view->entries) ids.push_back(id);
  }
  const auto counts = unread_of(ids);
  if (!counts) return counts.error();
  if (conversation != nullptr && !counts->front()) return not_member();
  std::uint64_t total = 0;
  for (const auto& count : *counts) total += count.value_or(0);
  return total;
}

Result<std::uint64_t> Reader::unread_since(Millis since, ConversationState& conversation) {
  const auto seen = window(conversation);
  if (!seen) return seen.error();
  const auto seq = core_.storage_.seq_at(conversation.id(), id::last_at(since));
  if (!seq) return seq.error();
  Tally tally{&conversation};
  hidden_in(conversation.id()).gaps(std::max(seen->low, *seq + 1), seen->head, [&](Seq low, Seq high) {
    tally.runs.emplace_back(low, high);
    return true;
  });
  if (auto counted = count({&tally, 1}); !counted) return counted.error();
  return tally.count;
}

}  // namespace loft
