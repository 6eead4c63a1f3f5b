#include "messaging/reader.hpp"

#include <algorithm>

#include "messaging/log_search.hpp"
#include "messaging/page_room.hpp"

namespace loft {
namespace {

/// Fewer hidden messages than that are read with their neighbours and left out.
constexpr Seq few_hidden = 64;

/// What is between long runs of hidden messages.
SeqRuns shown_runs(const IntervalSet& hidden, Seq low, Seq high) {
  SeqRuns runs;
  hidden.gaps(low, high, [&](Seq a, Seq b) {
    if (!runs.empty() && a - runs.back().second <= few_hidden)
      runs.back().second = b;
    else
      runs.emplace_back(a, b);
    return true;
  });
  return runs;
}

}  // namespace

Error Reader::not_member() { return {Code::forbidden, "member.none", "not a member of this conversation"}; }

Result<Reader::Window> Reader::window(ConversationState& conversation) {
  std::lock_guard lock(state_.mutex);
  const auto* view = state_.view(caller_);
  if (view == nullptr) return Error{Code::internal, "view.missing", {}};
  const auto it = view->entries.find(conversation.id());
  if (it == view->entries.end()) return not_member();
  return Window{it->second.joined_seq + 1, conversation.head};
}

Result<std::vector<MessageRecord>> Reader::log(ConversationState& conversation, Seq low, Seq high, std::size_t limit,
                                               bool descending) {
  std::vector<MessageRecord> records;
  if (low > high || low == 0) return records;
  {
    std::lock_guard lock(state_.mutex);
    const Seq first = descending ? (high - low >= limit ? high - limit + 1 : low) : low;
    const Seq last = descending ? high : (high - low >= limit ? low + limit - 1 : high);
    if (conversation.in_tail(first) != nullptr && conversation.in_tail(last) != nullptr) {
      for (Seq seq = first; seq <= last; ++seq) records.push_back(*conversation.in_tail(seq));
      if (descending) std::reverse(records.begin(), records.end());
      return records;
    }
  }
  auto messages = core_.storage_.log(conversation.id(), low, high, limit, descending);
  if (!messages) return messages.error();
  records.reserve(messages->size());
  for (auto& message : *messages) {
    auto record = core_.complete(std::move(message));
    if (!record) return record.error();
    records.push_back(std::move(*record));
  }
  return records;
}

Result<Page> Reader::history(const HistoryQuery& query, ConversationState& conversation) {
  const auto seen = window(conversation);
  if (!seen) return seen.error();
  Seq high = seen->head;
  if (query.before != MessageId::none) {
    const MessageId ids[] = {query.before};
    const auto found = core_.storage_.messages(ids);
    if (!found) return found.error();
    if (found->empty() || found->front().conversation != conversation.id()) {
      const auto gone = is_forgotten(conversation, query.before);
      if (!gone) return gone.error();
      if (*gone) return Page{};  // and so is everything before it
      return Error{Code::not_found, "message.unknown", "no such message in this conversation"};
    }
    high = std::min(high, found->front().seq - 1);
  }
  if (query.until != 0) {
    const Position position = id::last_at(query.until);
    bool whole;
    {
      std::lock_guard lock(state_.mutex);
      whole = position >= raw(conversation.last);
    }
    if (!whole) {
      const auto seq = core_.storage_.seq_at(conversation.id(), position);
      if (!seq) return seq.error();
      high = std::min(high, *seq);
    }
  }
  const auto hidden = hidden_in(conversation.id());
  Page page;
  PageRoom room(page_bytes_);
  auto runs = shown_runs(hidden, seen->low, high);
  const LogSearch standing(core_.storage_, conversation.id(), UserId::none, false);
  for (bool in_vain = false; !page.more && !runs.empty();) {
    if (in_vain && !query.with_recalled) {
      const auto some = standing.skip(runs, true);
      if (!some) return some.error();
      if (!*some) break;
    }
    auto records = log(conversation, runs.back().first, runs.back().second, query.limit + 1, true);
    if (!records) return records.error();
    if (records->empty()) break;
    LogSearch::cut_off(runs, records->back().message->seq, true);
    in_vain = true;
    for (auto& record : *records) {
      if (hidden.contains(record.message->seq)) continue;
      if (!query.with_recalled && record.is_recalled()) continue;
      in_vain = false;
      page.more = page.messages.size() == query.limit || !room.takes(record);
      if (page.more) break;
      page.messages.push_back(std::move(record));
    }
  }
  if (auto filled = receipts(page.messages); !filled) return filled.error();
  return page;
}

/// Whether a message that is not there may have been one of those that were removed, which are older than all others.
Result<bool> Reader::is_forgotten(const ConversationState& conversation, MessageId id) {
  Seq head = 0;
  MessageId last = MessageId::none;
  {
    std::lock_guard lock(state_.mutex);
    head = conversation.head;
    last = conversation.last;
  }
  if (head == 0 || id > last || raw(id) <= raw(conversation.id())) return false;
  const auto oldest = core_.storage_.log(conversation.id(), 1, head, 1, false);
  if (!oldest) return oldest.error();
  return oldest->empty() || (oldest->front().seq > 1 && id < oldest->front().id);
}

IntervalSet Reader::hidden_in(ConversationId id) const {
  std::lock_guard lock(state_.mutex);
  if (const auto* view = state_.view(caller_)) {
    if (const auto it = view->entries.find(id); it != view->entries.end()) {
      if (const auto* mark = it->second.find(MarkId::hidden)) return mark->set;
    }
  }
  return {};
}

Result<MarkState> Reader::mark_state(ConversationState& conversation, MarkId mark) {
  std::lock_guard lock(state_.mutex);
  const auto* view = state_.view(caller_);
  if (view == nullptr) return Error{Code::internal, "view.missing", {}};
  const auto it = view->entries.find(conversation.id());
  if (it == view->entries.end()) return not_member();
  const auto* value = it->second.find(mark);
  return value != nullptr ? MarkState{value->newest, value->reached} : MarkState{};
}

}  // namespace loft
