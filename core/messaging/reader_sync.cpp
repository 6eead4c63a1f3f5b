// Sync: a merge by position over the logs and the changes of the caller's conversations, bounded by the stable point.
#include <algorithm>
#include <queue>

#include "messaging/page_room.hpp"
#include "messaging/reader.hpp"

namespace loft {

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
  MessageRecord own;                                    ///< changes: the caller's newest message that stands …
  Seq own_upto = 0;                                     ///< … up to here, as far as it was looked for
  boost::unordered_flat_map<UserId, IntervalSet> read;  ///< changes: what others have read
  std::vector<SyncEntry> ready;
  std::size_t at = 0;

  Position position() const noexcept { return ready[at].position; }
};

/// What a member has read of the stream's conversation.
Result<const IntervalSet*> Reader::read_by(Stream& stream, UserId reader) {
  const auto [known, is_new] = stream.read.try_emplace(reader);
  if (!is_new) return &known->second;
  const auto id = stream.conversation->id();
  {
    std::lock_guard lock(state_.mutex);
    if (const auto* view = state_.view(reader)) {
      if (const auto mine = view->entries.find(id); mine != view->entries.end()) {
        if (const auto* mark = mine->second.find(MarkId::read)) known->second = mark->set;
        return &known->second;
      }
    }
  }
  const auto stored = stored_marks(id, MarkId::read);
  if (!stored) return stored.error();
  for (const auto& [user, mark] : **stored) {
    if (user == reader) known->second = mark.set;
  }
  return &known->second;
}

/// The caller's newest message that stands among those that somebody else has read, up to the one that `read` names.
Result<MessageRecord> Reader::own_among(Stream& stream, const Change& read) {
  constexpr Seq looked_at = 1000, looked_at_again = 200;
  auto& conversation = *stream.conversation;
  Place place(raw(read.message));
  std::optional<Seq> upto;
  while (!upto) {
    {
      std::lock_guard lock(state_.mutex);
      upto = place.in(conversation);
    }
    if (auto learnt = place.learn(core_.storage_); !learnt) return learnt.error();
  }
  const auto is_own = [&](const MessageRecord& record) {
    return record.message->sender == caller_ && !record.is_recalled();
  };
  // Changes of one log come in order, so most of them go on where the last one ended.
  const bool goes_on = *upto >= stream.own_upto;
  const auto low = std::max(stream.low, goes_on ? stream.own_upto + 1 : 1);
  auto found = newest(conversation, low, *upto, looked_at, is_own);
  if (!found) return found;
  if (goes_on) {
    stream.own_upto = *upto;
    if (found->message != nullptr) stream.own = std::move(*found);
    const bool is_near = stream.own.message != nullptr && stream.own.message->seq + looked_at > *upto;
    found = is_near ? stream.own : MessageRecord{};
  }
  if (found->message == nullptr || found->message->id == read.message) return found;
  // Who reads single messages of a group may have left out the newest of the caller's.
  const auto seen = read_by(stream, read.actor);
  if (!seen) return seen.error();
  const auto seq = found->message->seq;
  if ((*seen)->contains(seq)) return found;
  return newest(conversation, stream.low, seq - 1, looked_at_again,
                [&](const MessageRecord& record) { return is_own(record) && (*seen)->contains(record.message->seq); });
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
  } else if (change.kind == ChangeKind::read && change.actor != caller_) {
    auto own = own_among(stream, change);
    if (!own) return own.error();
    entry.record = std::move(*own);
  } else if (change.kind == ChangeKind::read && change.message != MessageId::none) {
    auto record = core_.record_of(change.message);
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
  stream.next += records->size();
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
      const auto has = fill(stream, query.limit + 1);
      if (!has) return has.error();
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
