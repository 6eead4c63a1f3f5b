// Sync: a merge by position over the logs and the changes of the caller's conversations, bounded by the stable point.
#include <algorithm>
#include <queue>

#include "messaging/newest.hpp"
#include "messaging/page_room.hpp"
#include "messaging/reader.hpp"

namespace loft {
namespace {

/// So many messages are looked through for own ones.
constexpr Seq looked_through = 256;

/// Narrows `low` … `high` to a short run that has the newest own message that stands; false: there is none.
Result<bool> narrow_to_own(Storage& storage, ConversationId id, UserId user, Seq& low, Seq& high) {
  const auto has_own = [&](Seq from, Seq to) -> Result<bool> {
    const Storage::ForeignRange asked[] = {{id, from, to, user}, {id, from, to, UserId::none}};
    const auto counts = storage.counts_foreign(asked);
    if (!counts) return counts.error();
    if (counts->size() != std::size(asked)) return Error{Code::internal, "storage.broken", {}};
    return counts->front() != counts->back();
  };
  auto has = has_own(low, high);
  if (!has || !*has) return has;
  while (high - low >= looked_through) {
    const auto middle = low + (high - low) / 2;
    has = has_own(middle + 1, high);
    if (!has) return has;
    (*has ? low : high) = *has ? middle + 1 : middle;
  }
  return true;
}

}  // namespace

/// One log, or the changes of one conversation: read on in pieces.
struct Reader::Stream {
  ConversationState* conversation = nullptr;
  bool of_changes = false;
  Seq next = 1;         ///< log: read on from here …
  Seq head = 0;         ///< … to here
  Position after = 0;   ///< changes: read on behind this one
  Position joined = 0;  ///< what the caller may see begins behind it
  Seq low = 1;          ///< … and with this message
  bool ended = false;
  std::size_t step = 8;  ///< how much is read at a time: the more has been needed, the more
  std::vector<SyncEntry> ready;
  std::size_t at = 0;

  Position position() const noexcept { return ready[at].position; }
};

/// The caller's newest message among those that somebody else has read; an empty record when none of them stands.
Result<MessageRecord> Reader::own_among(ConversationState& conversation, const IntervalSet& read, Seq low) {
  for (auto run = read.intervals().rbegin(); run != read.intervals().rend(); ++run) {
    const auto first = std::max(run->low, low);
    for (auto high = run->high; high >= first;) {
      // Most have written a small part of a log, or nothing: what they have is counted by blocks.
      auto from = first;
      const auto some = narrow_to_own(core_.storage_, conversation.id(), caller_, from, high);
      if (!some) return some.error();
      if (!*some) break;
      const auto sent = core_.storage_.sent(conversation.id(), caller_, from, high, 1);
      if (!sent) return sent.error();
      if (!sent->empty()) {
        auto record = log(conversation, sent->front(), sent->front(), 1, true);
        if (!record) return record.error();
        // It may have been recalled meanwhile.
        if (!record->empty() && !record->front().is_recalled()) return std::move(record->front());
      }
      high = (sent->empty() ? from : sent->front()) - 1;
    }
  }
  return MessageRecord{};
}

/// The newest message from others among those that the caller has read; an empty record when none of them stands.
Result<MessageRecord> Reader::foreign_among(ConversationState& conversation, const IntervalSet& read, Seq low) {
  const auto hidden = hidden_in(conversation.id());
  SeqRuns runs;
  for (const auto& run : read.intervals()) {
    hidden.gaps(std::max(run.low, low), run.high, [&](Seq a, Seq b) {
      runs.emplace_back(a, b);
      return true;
    });
  }
  return newest_in(
      std::move(runs), LogSearch(core_.storage_, conversation.id(), caller_, false),
      [&](Seq from, Seq to, std::size_t limit) { return log(conversation, from, to, limit, true); },
      [&](const MessageRecord& record) { return record.message->sender != caller_ && !record.is_recalled(); });
}

/// What a change of kind `read` is about, for the caller.
Result<MessageRecord> Reader::read_now(Stream& stream, const Change& change) {
  const auto read = change.note.empty() ? Result<IntervalSet>(IntervalSet()) : set_of(change.note);
  if (!read) return read.error();
  if (change.actor != caller_) return own_among(*stream.conversation, *read, stream.low);
  auto found = foreign_among(*stream.conversation, *read, stream.low);
  // Nothing of it stands any more: the tombstone says so.
  const bool is_gone = found && found->message == nullptr && change.message != MessageId::none;
  return is_gone ? core_.record_of(change.message) : found;
}

Result<SyncEntry> Reader::entry_of(Stream& stream, const Change& change) {
  auto& conversation = *stream.conversation;
  SyncEntry entry;
  entry.position = change.position;
  entry.change = change;
  {
    std::lock_guard lock(state_.mutex);
    entry.conversation = conversation.info;
  }
  if (change.kind == ChangeKind::recalled) {
    auto record = core_.record_of(change.message);
    if (!record) return record.error();
    entry.record = std::move(*record);
  } else if (change.kind == ChangeKind::read) {
    auto record = read_now(stream, change);
    if (!record) return record.error();
    entry.record = std::move(*record);
  }
  for (const auto& [id, user] : {std::pair(change.actor, &entry.actor), std::pair(change.subject, &entry.subject)}) {
    if (id == UserId::none) continue;
    auto found = core_.directory_.load(id);
    if (!found) return found.error();
    *user = std::move(*found);
  }
  return entry;
}

Result<void> Reader::fill_changes(Stream& stream, std::size_t limit) {
  auto changes = core_.storage_.changes(stream.conversation->id(), stream.after, limit);
  if (!changes) return changes.error();
  stream.ended = changes->size() < limit;
  if (!changes->empty()) stream.after = changes->back().position;
  for (const auto& change : *changes) {
    // What others do with messages from before the caller joined is not the caller's to know.
    if (change.message != MessageId::none && raw(change.message) < stream.joined) continue;
    auto entry = entry_of(stream, change);
    // Its message was removed, and so nobody is to hear of it any more.
    if (!entry && entry.error().reason == "message.unknown") continue;
    if (!entry) return entry.error();
    stream.ready.push_back(std::move(*entry));
  }
  return {};
}

Result<void> Reader::fill_messages(Stream& stream, std::size_t limit) {
  auto records = log(*stream.conversation, stream.next, stream.head, limit, false);
  if (!records) return records.error();
  stream.ended = records->size() < limit;
  for (auto& record : *records) {
    SyncEntry entry;
    entry.position = raw(record.message->id);
    entry.conversation = record.conversation;
    entry.actor = record.sender;
    entry.record = std::move(record);
    stream.ready.push_back(std::move(entry));
  }
  if (!records->empty()) stream.next = stream.ready.back().record.message->seq + 1;
  return {};
}

/// Reads the next piece; false when there is none.
Result<bool> Reader::fill(Stream& stream, std::size_t limit) {
  stream.ready.clear();
  stream.at = 0;
  while (stream.ready.empty() && !stream.ended) {
    const auto filled = stream.of_changes ? fill_changes(stream, limit) : fill_messages(stream, limit);
    if (!filled) return filled.error();
  }
  return !stream.ready.empty();
}

/// The logs and the changes that may have something behind `after`. With the lock held.
std::vector<Reader::Stream> Reader::streams_of(const UserView& view, Position after) {
  std::vector<Stream> streams;
  for (const auto& [id, mine] : view.entries) {
    auto& conversation = *mine.conversation;
    Stream stream;
    stream.conversation = &conversation;
    stream.joined = mine.joined;
    stream.low = mine.joined_seq + 1;
    if (raw(conversation.last) > after && conversation.head > mine.joined_seq) {
      stream.next = mine.joined_seq + 1;
      stream.head = conversation.head;
      streams.push_back(stream);
    }
    if (conversation.last_change > after) {
      stream.of_changes = true;
      stream.after = std::max(after, mine.joined - 1);
      streams.push_back(std::move(stream));
    }
  }
  return streams;
}

Result<SyncPage> Reader::sync(const SyncQuery& query) {
  std::vector<Stream> streams;
  Position stable = 0, durable = 0, after = query.after;
  {
    std::lock_guard lock(state_.mutex);
    const auto* view = state_.view(caller_);
    if (view == nullptr) return Error{Code::internal, "view.missing", {}};
    stable = state_.stable;
    durable = state_.durable;
    // A client that believes its own clock may ask ahead of all that happened. What happens next is not to be lost.
    after = std::min(after, stable);
    streams = streams_of(*view, after);
  }

  const auto later = [](const Stream* a, const Stream* b) { return a->position() > b->position(); };
  std::priority_queue<Stream*, std::vector<Stream*>, decltype(later)> queue(later);
  const auto enter = [&](Stream& stream) -> Result<void> {
    if (stream.at == stream.ready.size()) {
      const auto has = fill(stream, std::min(stream.step, query.limit + 1));
      if (!has) return has.error();
      stream.step *= 2;
      if (!*has) return {};
    }
    // What commits while this is read is for the next page.
    if (stream.position() <= stable) queue.push(&stream);
    return {};
  };
  for (auto& stream : streams) {
    if (!stream.of_changes && after != 0) {
      const auto seq = core_.storage_.seq_at(stream.conversation->id(), after);
      if (!seq) return seq.error();
      stream.next = std::max(stream.next, *seq + 1);
    }
    if (auto entered = enter(stream); !entered) return entered.error();
  }
  SyncPage page;
  PageRoom room(page_bytes_);
  while (!queue.empty() && page.entries.size() < query.limit) {
    auto* stream = queue.top();
    const auto& next = stream->ready[stream->at];
    if (next.record.message != nullptr && !room.takes(next.record)) break;
    queue.pop();
    page.entries.push_back(std::move(stream->ready[stream->at++]));
    if (auto entered = enter(*stream); !entered) return entered.error();
  }
  if (auto shown = show(page.entries); !shown) return shown.error();
  page.more = !queue.empty();
  page.next = page.entries.empty() ? after : page.entries.back().position;
  if (!page.more) page.next = std::max({page.next, after, std::min(stable, durable)});
  if (query.limit == 0) page.next = after;
  return page;
}

}  // namespace loft
