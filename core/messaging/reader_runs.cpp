// Which messages of a conversation a question is about: runs of the log, out of the caller's marks and of what went to
// its live sessions; and counting in them.
#include <algorithm>

#include "messaging/reader.hpp"

namespace loft {
namespace {

using Sets = std::span<const IntervalSet* const>;

/// Calls `found(low, high)` for each run inside `low` … `high` that is in none of the sets; null is an empty one.
template <class F>
void gaps_of_all(Sets sets, Seq low, Seq high, F& found) {
  if (low > high) return;
  if (sets.empty()) return found(low, high);
  if (sets.front() == nullptr) return gaps_of_all(sets.subspan(1), low, high, found);
  sets.front()->gaps(low, high, [&](Seq a, Seq b) {
    gaps_of_all(sets.subspan(1), a, b, found);
    return true;
  });
}

/// Calls `found(low, high)` for each run inside `low` … `high` that is in any of the sets.
template <class F>
void runs_of_any(Sets sets, Seq low, Seq high, F& found) {
  auto next = low;
  const auto between = [&](Seq a, Seq b) {
    if (next < a) found(next, a - 1);
    next = b + 1;
  };
  gaps_of_all(sets, low, high, between);
  if (next <= high) found(next, high);
}

const IntervalSet* set_of(const ViewEntry& mine, std::optional<MarkId> mark) {
  const auto* found = mark ? mine.find(*mark) : nullptr;
  return found != nullptr ? &found->set : nullptr;
}

/// Pieces of this length are read rather than counted.
constexpr Seq piece = 64;

}  // namespace

std::optional<IntervalSet> Reader::Pushed::in(const ConversationState& conversation) {
  IntervalSet set;
  if (!any) return set;
  const auto bound = since.in(conversation);
  if (!bound) return std::nullopt;
  auto low = *bound + 1;
  if (const auto it = withheld.find(conversation.id()); it != withheld.end()) {
    for (const auto seq : it->second) {
      if (seq < low || seq > conversation.head) continue;
      if (seq > low) set.insert(low, seq - 1, 0);
      low = seq + 1;
    }
  }
  if (low <= conversation.head) set.insert(low, conversation.head, 0);
  return set;
}

/// What went to a live session that sets the mark has it, as far as the caller is told.
Result<Reader::Pushed> Reader::pushed(std::optional<MarkId> mark) {
  Pushed pushed;
  if (!mark) return pushed;
  std::vector<MessageId> unknown;
  {
    std::lock_guard lock(state_.mutex);
    const auto* view = state_.view(caller_);
    if (view == nullptr) return Error{Code::internal, "view.missing", {}};
    std::vector<MessageId> withheld;
    Position since = id::limit;
    for (const auto& session : view->sessions) {
      if ((session.marks_on_push >> raw(*mark) & 1) == 0) continue;
      pushed.any = true;
      since = std::min(since, session.since);
      withheld.insert(withheld.end(), session.withheld.begin(), session.withheld.end());
    }
    pushed.since = Place(since);
    std::sort(withheld.begin(), withheld.end());
    withheld.erase(std::unique(withheld.begin(), withheld.end()), withheld.end());
    for (const auto id : withheld) {
      if (view->live(*mark, id)) continue;
      const auto place = State::recent_place(state_, id);
      if (place != state_.recent.end())
        pushed.withheld[place->conversation->id()].push_back(place->seq);
      else
        unknown.push_back(id);
    }
  }
  if (!unknown.empty()) {
    const auto found = core_.storage_.messages(unknown);
    if (!found) return found.error();
    for (const auto& message : *found) pushed.withheld[message.conversation].push_back(message.seq);
  }
  for (auto& [id, seqs] : pushed.withheld) std::sort(seqs.begin(), seqs.end());
  return pushed;
}

Result<Reader::Selection> Reader::select(std::optional<MarkId> lacking, std::optional<MarkId> having, Position after) {
  auto lacking_pushed = pushed(lacking);
  if (!lacking_pushed) return lacking_pushed.error();
  auto having_pushed = pushed(having);
  if (!having_pushed) return having_pushed.error();
  return Selection{lacking, having, Place(after), std::move(*lacking_pushed), std::move(*having_pushed)};
}

/// Ascending; nullopt: `learn` must ask the storage first. With the lock held.
std::optional<Reader::Runs> Reader::runs_in(Selection& wanted, const ViewEntry& mine) const {
  const auto& conversation = *mine.conversation;
  const auto after = wanted.after.in(conversation);
  const auto to_lack = wanted.lacking_pushed.in(conversation), to_have = wanted.having_pushed.in(conversation);
  if (!after || !to_lack || !to_have) return std::nullopt;
  const auto read_implies = [&](std::optional<MarkId> mark) {
    return mark && core_.marks_[raw(*mark)].implied_by_read ? set_of(mine, MarkId::read) : nullptr;
  };
  const bool shows_hidden = wanted.having == MarkId::hidden;
  const IntervalSet* const without[] = {set_of(mine, wanted.lacking), read_implies(wanted.lacking), &*to_lack,
                                        shows_hidden ? nullptr : set_of(mine, MarkId::hidden)};
  const IntervalSet* const with[] = {set_of(mine, wanted.having), read_implies(wanted.having), &*to_have};
  Runs runs;
  const auto add = [&](Seq low, Seq high) { runs.emplace_back(low, high); };
  const auto add_lacking = [&](Seq low, Seq high) { gaps_of_all(without, low, high, add); };
  const auto low = std::max(mine.joined_seq, *after) + 1;
  if (wanted.having)
    runs_of_any(with, low, conversation.head, add_lacking);
  else
    add_lacking(low, conversation.head);
  return runs;
}

/// Whether all was known.
Result<bool> Reader::learn(Selection& wanted) {
  bool complete = true;
  for (auto* place : {&wanted.after, &wanted.lacking_pushed.since, &wanted.having_pushed.since}) {
    const auto learnt = place->learn(core_.storage_);
    if (!learnt) return learnt.error();
    complete = complete && *learnt;
  }
  return complete;
}

/// Adds to each count the messages from others that stand in the runs.
Result<void> Reader::count(std::span<Tally> tallies) {
  for (; !tallies.empty(); tallies = tallies.subspan(std::min(counted_at_once, tallies.size()))) {
    if (auto counted = count_some(tallies.first(std::min(counted_at_once, tallies.size()))); !counted) return counted;
  }
  return {};
}

Result<void> Reader::count_some(std::span<Tally> tallies) {
  std::vector<Storage::ForeignRange> older;
  std::vector<std::size_t> of;  // [i]: whose the i-th of them is
  {
    std::lock_guard lock(state_.mutex);
    for (std::size_t i = 0; i < tallies.size(); ++i) {
      const auto& conversation = *tallies[i].conversation;
      const auto first = conversation.tail_first();
      for (const auto& [low, high] : tallies[i].runs) {
        for (auto seq = std::max(low, first); seq <= std::min(high, conversation.head); ++seq) {
          const auto& record = *conversation.in_tail(seq);
          tallies[i].count += record.message->sender != caller_ && !record.is_recalled();
        }
        if (low >= first) continue;
        older.push_back({conversation.id(), low, std::min(high, first - 1), caller_});
        of.push_back(i);
      }
    }
  }
  const auto counts = counts_of(older);
  if (!counts) return counts.error();
  for (std::size_t i = 0; i < of.size(); ++i) tallies[of[i]].count += (*counts)[i];
  return {};
}

/// Takes what was counted before from the view and leaves the runs behind it. With the lock held.
void Reader::count_on(const Selection& wanted, const UserView& view, Tally& tally) {
  const auto it = view.entries.find(tally.conversation->id());
  if (it == view.entries.end()) return;
  const auto& known = it->second.lacking;
  if (!known.known || known.mark != *wanted.lacking || !tally.basis.continues(known.basis)) return;
  tally.count = known.count;
  auto& runs = tally.runs;
  std::erase_if(runs, [&](const auto& run) { return run.second <= known.basis.head; });
  if (!runs.empty()) runs.front().first = std::max(runs.front().first, known.basis.head + 1);
}

/// The same in the runs of a selection. All of a mark's are counted once and from then on only what is new, so that a
/// list of counts does not go through the logs each time it is asked for.
Result<void> Reader::count(const Selection& wanted, std::span<Tally> tallies) {
  const bool is_whole = wanted.lacking && !wanted.having && wanted.after.position() == 0 && !wanted.lacking_pushed.any;
  if (!is_whole) return count(tallies);
  Position stable = 0;
  {
    std::lock_guard lock(state_.mutex);
    stable = state_.stable;
    if (const auto* view = state_.view(caller_)) {
      for (auto& tally : tallies) count_on(wanted, *view, tally);
    }
  }
  if (auto counted = count(tallies); !counted) return counted;
  std::lock_guard lock(state_.mutex);
  auto* view = state_.view(caller_);
  if (view == nullptr) return {};
  for (const auto& tally : tallies) {
    // The storage may have counted a message out before the memory has heard of its recall.
    if (tally.basis.recall > stable) continue;
    const auto it = view->entries.find(tally.conversation->id());
    if (it != view->entries.end() && it->second.basis().continues(tally.basis)) {
      it->second.lacking = {true, *wanted.lacking, tally.count, tally.basis};
    }
  }
  return {};
}

/// Makes the last of the runs one that may hold a recalled message and is short; false: there is none left. The storage
/// counts what stands, so that long runs without any need not be read.
Result<bool> Reader::narrow(const ConversationState& conversation, Runs& runs, bool descending) {
  while (!runs.empty()) {
    const auto [low, high] = runs.back();
    Seq first = 0;
    {
      std::lock_guard lock(state_.mutex);
      first = conversation.tail_first();
    }
    if (low >= first) return true;
    auto middle = first - 1;
    if (high < first) {
      const auto standing = core_.storage_.count_foreign(conversation.id(), low, high, UserId::none);
      if (!standing) return standing.error();
      if (*standing == high - low + 1) {
        runs.pop_back();
        continue;
      }
      if (high - low < piece) return true;
      // Messages that were removed are not to be looked for: the log begins with the first that is left.
      const auto oldest = core_.storage_.log(conversation.id(), low, high, 1, false);
      if (!oldest) return oldest.error();
      if (oldest->empty()) {
        runs.pop_back();
        continue;
      }
      if (oldest->front().seq > low) {
        runs.back().first = oldest->front().seq;
        continue;
      }
      middle = low + (high - low) / 2;
    }
    runs.back() = descending ? std::pair(low, middle) : std::pair(middle + 1, high);
    runs.push_back(descending ? std::pair(middle + 1, high) : std::pair(low, middle));
  }
  return false;
}

/// Messages from others that are recalled.
Result<std::uint64_t> Reader::count_recalled(ConversationState& conversation, Runs runs) {
  std::uint64_t count = 0;
  for (;;) {
    const auto some = narrow(conversation, runs, false);
    if (!some) return some.error();
    if (!*some) return count;
    auto& [low, high] = runs.back();
    const auto records = log(conversation, low, high, piece, false);
    if (!records) return records.error();
    for (const auto& record : *records) count += record.is_recalled() && record.message->sender != caller_;
    if (records->empty() || records->back().message->seq >= high)
      runs.pop_back();
    else
      low = records->back().message->seq + 1;
  }
}

}  // namespace loft
