// The inbox: a merge over the conversations that have something, each read as far as it is needed.
#include <algorithm>
#include <queue>

#include "messaging/log_search.hpp"
#include "messaging/page_room.hpp"
#include "messaging/reader.hpp"

namespace loft {
namespace {

/// Of a log, at a time.
constexpr std::size_t most_at_once = 256;
constexpr std::size_t least_at_once = 8;
/// Reads without anything that is wanted, before the storage is asked where there is something.
constexpr int most_in_vain = 3;

bool is_of(const std::vector<ConversationClass>& classes, const Conversation& info) {
  return classes.empty() || std::any_of(classes.begin(), classes.end(), [&](const ConversationClass& one) {
           return one.kind == info.kind && one.topic == info.topic;
         });
}

}  // namespace

struct Reader::Source {
  ConversationState* conversation = nullptr;
  ViewEntry::Basis basis;  ///< of `runs`
  bool has_changes = false;
  Runs runs;             ///< what is still to be read; the last one comes next
  std::size_t step = 0;  ///< how much is read at a time: the more has been needed, the more
  /// Where the next message stands in the order of the page, or what it cannot come before. Most conversations are
  /// never read for a page, because no message of theirs can come before its end.
  MessageId place = MessageId::none;
  bool is_known = false;  ///< that there is a next one, and where
  std::vector<MessageRecord> read;
  std::size_t next = 0;
  int in_vain = 0;  ///< so many times in a row nothing of what was read was wanted
};

/// What may have something for the query.
Result<std::vector<Reader::Source>> Reader::sources(Selection& selection, const InboxQuery& query,
                                                    const ConversationState* in) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::vector<Source> sources;
    {
      std::lock_guard lock(state_.mutex);
      const auto* view = state_.view(caller_);
      if (view == nullptr) return Error{Code::internal, "view.missing", {}};
      for (const auto& [id, mine] : view->entries) {
        const auto& conversation = *mine.conversation;
        if (query.in && mine.conversation != in) continue;
        if (conversation.head <= mine.joined_seq || conversation.last <= query.after) continue;
        if (query.only_recalled && conversation.last_change == 0) continue;
        if (!is_of(query.classes, *conversation.info)) continue;
        auto runs = runs_in(selection, mine);
        if (!runs || runs->empty()) continue;
        if (!query.newest_first) std::reverse(runs->begin(), runs->end());
        const auto first = query.newest_first ? conversation.last : MessageId::none;
        sources.push_back(
            {mine.conversation, mine.basis(), conversation.last_change != 0, std::move(*runs), least_at_once, first});
      }
    }
    const auto complete = learn(selection);
    if (!complete) return complete.error();
    if (*complete) return sources;
  }
  return Error{Code::unavailable, "view.busy", "try again later"};
}

/// On to the source's next message that is wanted; false when there is none.
Result<bool> Reader::advance(Source& source, const InboxQuery& query) {
  auto& runs = source.runs;
  for (;;) {
    for (; source.next < source.read.size(); ++source.next) {
      const auto& record = source.read[source.next];
      if (record.message->sender == caller_) continue;
      if (record.is_recalled() ? query.with_recalled || query.only_recalled : !query.only_recalled) {
        source.in_vain = 0;
        return true;
      }
    }
    source.next = 0;
    source.read.clear();
    if (query.only_recalled) {
      const auto some = narrow(*source.conversation, runs, query.newest_first);
      if (!some) return some.error();
    }
    // Own messages, however many there are in a row, are counted and not read.
    if (source.in_vain >= most_in_vain && !query.only_recalled) {
      const LogSearch search(core_.storage_, source.conversation->id(), caller_, query.with_recalled);
      if (const auto some = search.skip(runs, query.newest_first); !some) return some.error();
    }
    if (runs.empty()) return false;
    const auto [low, high] = runs.back();
    auto read = log(*source.conversation, low, high, source.step, query.newest_first);
    if (!read) return read.error();
    source.read = std::move(*read);
    source.step = std::min(source.step * 2, most_at_once);
    const auto reached = source.read.empty() ? (query.newest_first ? low : high) : source.read.back().message->seq;
    LogSearch::cut_off(runs, reached, query.newest_first);
    ++source.in_vain;
  }
}

Result<std::uint64_t> Reader::total(const std::vector<Source>& sources, const Selection& selection,
                                    const InboxQuery& query) {
  std::uint64_t total = 0;
  std::vector<Tally> tallies;
  for (const auto& source : sources) {
    auto runs = source.runs;
    std::sort(runs.begin(), runs.end());
    // Without a change there was no recall.
    if ((query.with_recalled || query.only_recalled) && source.has_changes) {
      const auto recalled = count_recalled(*source.conversation, runs);
      if (!recalled) return recalled.error();
      total += *recalled;
    }
    if (!query.only_recalled) tallies.push_back({source.conversation, std::move(runs), source.basis});
  }
  if (auto standing = count(selection, tallies); !standing) return standing.error();
  for (const auto& tally : tallies) total += tally.count;
  return total;
}

Result<Page> Reader::inbox(const InboxQuery& query, const ConversationState* in) {
  auto selection = select(query.lacking, query.having, raw(query.after));
  if (!selection) return selection.error();
  auto found = sources(*selection, query, in);
  if (!found) return found.error();
  Page page;
  if (query.with_total) {
    const auto all = total(*found, *selection, query);
    if (!all) return all.error();
    page.total = *all;
  }
  // Of two in the same place the one that is only said not to come before it is looked at first.
  const auto behind = [&](const Source* a, const Source* b) {
    if (a->place != b->place) return query.newest_first ? a->place < b->place : a->place > b->place;
    return a->is_known && !b->is_known;
  };
  std::priority_queue<Source*, std::vector<Source*>, decltype(behind)> queue(behind);
  for (auto& source : *found) queue.push(&source);
  // One log alone is most likely to fill the page.
  if (found->size() == 1) found->front().step = std::clamp(query.limit, least_at_once, most_at_once - 1) + 1;
  PageRoom room(page_bytes_);
  for (auto skip = query.offset; !queue.empty();) {
    auto& source = *queue.top();
    if (!source.is_known) {
      queue.pop();
      const auto has = advance(source, query);
      if (!has) return has.error();
      if (!*has) continue;
      source.is_known = true;
      source.place = source.read[source.next].message->id;
      queue.push(&source);
      continue;
    }
    auto& record = source.read[source.next];
    page.more = skip == 0 && (page.messages.size() >= query.limit || !room.takes(record));
    if (page.more) break;
    queue.pop();
    if (skip == 0)
      page.messages.push_back(std::move(record));
    else
      --skip;
    ++source.next;
    source.is_known = false;
    queue.push(&source);
  }
  if (auto filled = receipts(page.messages); !filled) return filled.error();
  for (auto& record : page.messages) record.hidden = query.having == MarkId::hidden;
  return page;
}

}  // namespace loft
