// The inbox: a merge over the conversations that have something, each read as far as it is needed.
#include <algorithm>
#include <queue>

#include "messaging/page_room.hpp"
#include "messaging/reader.hpp"

namespace loft {

struct Reader::Source {
  ConversationState* conversation = nullptr;
  std::vector<std::pair<Seq, Seq>> runs;  ///< what is lacking, ascending
  std::size_t run = 0;
  std::vector<MessageRecord> read;
  std::size_t next = 0;
};

namespace {

/// Calls `found(low, high)` for each run inside `low` … `high` that is in none of the sets; null is an empty one.
template <class F>
void gaps_of_all(std::span<const Mark* const> marks, Seq low, Seq high, F& found) {
  if (marks.empty()) return found(low, high);
  if (marks.front() == nullptr) return gaps_of_all(marks.subspan(1), low, high, found);
  marks.front()->set.gaps(low, high, [&](Seq a, Seq b) {
    gaps_of_all(marks.subspan(1), a, b, found);
    return true;
  });
}

}  // namespace

/// What may have something for the query, and the sessions that the caller has.
Result<std::vector<Reader::Source>> Reader::sources(const InboxQuery& query, std::vector<SessionInfo>& sessions) {
  std::lock_guard lock(state_.mutex);
  const auto* view = state_.view(caller_);
  if (view == nullptr) return Error{Code::internal, "view.missing", {}};
  sessions = view->sessions;
  std::vector<Source> sources;
  for (const auto& [id, mine] : view->entries) {
    auto& conversation = *mine.conversation;
    if (conversation.head <= mine.joined_seq || conversation.last <= query.after) continue;
    Source source;
    source.conversation = &conversation;
    const bool implied = query.lacking && core_.marks_[raw(*query.lacking)].implied_by_read;
    const Mark* const marks[] = {query.lacking ? mine.find(*query.lacking) : nullptr,
                                 implied ? mine.find(MarkId::read) : nullptr, mine.find(MarkId::hidden)};
    const auto add = [&](Seq low, Seq high) { source.runs.emplace_back(low, high); };
    gaps_of_all(marks, mine.joined_seq + 1, conversation.head, add);
    if (!source.runs.empty()) sources.push_back(std::move(source));
  }
  return sources;
}

/// On to the source's next message that is wanted; false when there is none.
template <class F>
Result<bool> Reader::advance(Source& source, std::size_t limit, F& wanted) {
  for (;;) {
    while (source.next < source.read.size()) {
      if (wanted(source.read[source.next])) return true;
      ++source.next;
    }
    if (source.run == source.runs.size()) return false;
    auto& [low, high] = source.runs[source.run];
    auto read = log(*source.conversation, low, high, limit + 1, false);
    if (!read) return read.error();
    source.next = 0;
    source.read = std::move(*read);
    if (source.read.empty() || source.read.back().message->seq >= high)
      ++source.run;
    else
      low = source.read.back().message->seq + 1;
  }
}

Result<Page> Reader::inbox(const InboxQuery& query) {
  std::vector<SessionInfo> sessions;
  auto found = sources(query, sessions);
  if (!found) return found.error();
  for (auto& source : *found) {
    if (query.after == MessageId::none) break;
    // `after` becomes a place in each log.
    const auto seq = core_.storage_.seq_at(source.conversation->id(), raw(query.after));
    if (!seq) return seq.error();
    for (auto& [low, high] : source.runs) low = std::max(low, *seq + 1);
    std::erase_if(source.runs, [](const auto& run) { return run.first > run.second; });
  }

  const auto wanted = [&](const MessageRecord& record) {
    const auto& message = *record.message;
    if (message.sender == caller_ || (record.is_recalled() && !query.with_recalled)) return false;
    // What went to a live session is not lacking.
    return !query.lacking || std::none_of(sessions.begin(), sessions.end(), [&](const SessionInfo& session) {
      return session.has(*query.lacking, message.id);
    });
  };
  const auto later = [](const Source* a, const Source* b) {
    return a->read[a->next].message->id > b->read[b->next].message->id;
  };
  std::priority_queue<Source*, std::vector<Source*>, decltype(later)> queue(later);
  for (auto& source : *found) {
    const auto has = advance(source, query.limit, wanted);
    if (!has) return has.error();
    if (*has) queue.push(&source);
  }
  Page page;
  PageRoom room(core_.options_.page_bytes);
  while (!queue.empty() && page.messages.size() < query.limit) {
    auto* source = queue.top();
    if (!room.takes(source->read[source->next])) break;
    queue.pop();
    page.messages.push_back(source->read[source->next++]);
    const auto has = advance(*source, query.limit, wanted);
    if (!has) return has.error();
    if (*has) queue.push(source);
  }
  page.more = !queue.empty();
  if (auto filled = receipts(page.messages); !filled) return filled.error();
  return page;
}

}  // namespace loft
