#include "messaging/reader.hpp"

#include <algorithm>

#include "messaging/page_room.hpp"

namespace loft {
namespace {

const Error not_member{Code::forbidden, "member.none", "not a member of this conversation"};

}  // namespace

Result<Reader::Window> Reader::window(ConversationState& conversation) {
  std::lock_guard lock(state_.mutex);
  const auto* view = state_.view(caller_);
  if (view == nullptr) return Error{Code::internal, "view.missing", {}};
  const auto it = view->entries.find(conversation.id());
  if (it == view->entries.end()) return not_member;
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
  while (!page.more && high >= seen->low) {
    auto records = log(conversation, seen->low, high, query.limit + 1, true);
    if (!records) return records.error();
    if (records->empty()) break;
    high = records->back().message->seq - 1;
    for (auto& record : *records) {
      if (hidden.contains(record.message->seq)) continue;
      if (!query.with_recalled && record.is_recalled()) continue;
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

// ---- counting

Result<std::uint64_t> Reader::unread_of(ConversationId id) {
  // The count belongs to one head and one set of marks: if either moved meanwhile, count again.
  for (int attempt = 0; attempt < 100; ++attempt) {
    IntervalSet read, hidden;
    Seq low = 0, head = 0;
    Position recall = 0;
    std::uint32_t forgotten = 0;
    bool recalling = false;
    {
      std::lock_guard lock(state_.mutex);
      auto* view = state_.view(caller_);
      if (view == nullptr) return Error{Code::internal, "view.missing", {}};
      const auto it = view->entries.find(id);
      if (it == view->entries.end()) return not_member;
      auto& mine = it->second;
      if (mine.is_counted()) return mine.unread + (mine.conversation->head - mine.counted_upto);
      if (const auto* mark = mine.find(MarkId::read)) read = mark->set;
      if (const auto* mark = mine.find(MarkId::hidden)) hidden = mark->set;
      low = mine.joined_seq + 1;
      head = mine.conversation->head;
      // The storage may count a message out before the memory has heard of its recall.
      recall = mine.conversation->last_recall;
      recalling = recall > state_.stable;
      forgotten = mine.conversation->forgotten;
    }
    std::uint64_t count = 0;
    std::optional<Error> problem;
    read.gaps(low, head, [&](Seq a, Seq b) {
      hidden.gaps(a, b, [&](Seq c, Seq d) {
        const auto foreign = core_.storage_.count_foreign(id, c, d, caller_);
        if (foreign)
          count += *foreign;
        else
          problem = foreign.error();
        return !problem;
      });
      return !problem;
    });
    if (problem) return *problem;
    std::lock_guard lock(state_.mutex);
    auto* view = state_.view(caller_);
    if (view == nullptr) return count;
    const auto it = view->entries.find(id);
    if (it == view->entries.end()) return not_member;
    auto& mine = it->second;
    const auto same = [&](MarkId mark, const IntervalSet& then) {
      const auto* now = mine.find(mark);
      return now != nullptr ? now->set == then : then.empty();
    };
    if (mine.conversation->head != head || !same(MarkId::read, read) || !same(MarkId::hidden, hidden)) continue;
    if (mine.conversation->last_recall != recall || mine.conversation->forgotten != forgotten) continue;
    if (recalling) return count;
    mine.unread = count;
    mine.counted_upto = head;
    mine.counted = true;
    mine.forgotten = forgotten;
    return count;
  }
  return Error{Code::unavailable, "view.busy", "try again later"};
}

Result<std::uint64_t> Reader::unread(const UnreadQuery& query, ConversationState* conversation) {
  if (conversation != nullptr && query.since != 0) {
    const auto seen = window(*conversation);
    if (!seen) return seen.error();
    const auto seq = core_.storage_.seq_at(conversation->id(), id::last_at(query.since));
    if (!seq) return seq.error();
    Runs runs;
    hidden_in(conversation->id()).gaps(std::max(seen->low, *seq + 1), seen->head, [&](Seq low, Seq high) {
      runs.emplace_back(low, high);
      return true;
    });
    return count(*conversation, runs);
  }
  if (conversation != nullptr) return unread_of(conversation->id());
  std::vector<ConversationId> ids;
  {
    std::lock_guard lock(state_.mutex);
    const auto* view = state_.view(caller_);
    if (view == nullptr) return Error{Code::internal, "view.missing", {}};
    for (const auto& [id, mine] : view->entries) ids.push_back(id);
  }
  std::uint64_t total = 0;
  for (const auto id : ids) {
    const auto count = unread_of(id);
    if (!count && count.error().reason == "member.none") continue;  // left meanwhile
    if (!count) return count.error();
    total += *count;
  }
  return total;
}

Result<MarkState> Reader::mark_state(ConversationState& conversation, MarkId mark) {
  std::lock_guard lock(state_.mutex);
  const auto* view = state_.view(caller_);
  if (view == nullptr) return Error{Code::internal, "view.missing", {}};
  const auto it = view->entries.find(conversation.id());
  if (it == view->entries.end()) return not_member;
  const auto* value = it->second.find(mark);
  return value != nullptr ? MarkState{value->newest, value->reached} : MarkState{};
}

}  // namespace loft
