// The reads of Storage on a leased connection of whatever driver. Each sees one state. Throws Failure.
//
// What a driver's Connection has, and what a call costs beyond it: nothing.
//   run(Query, args…)       a cursor: next(), then number(column) and text(column) of the row; NULL is 0 and empty,
//                           which is_null(column) tells; has_number(column): it is a whole number. A text of a row
//                           may live until the next call of next() only.
//   write(Query, args…)     the number of rows changed
//   each(Query, ids, f)     f(row) for the row of each id that has one, in the order of ids, all of one state
//   pairs(Query, asked)     the two numbers that the query's one row has for each list of arguments, in their order
//   begin(), end()          what is read between the two is of one state; end() does not throw
//   domain(number)          see DomainNames
//   usable()                false: to be thrown away
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "failure.hpp"
#include "parameter.hpp"
#include "queries.hpp"
#include "rows.hpp"
#include "sent_count.hpp"
#include "snapshot.hpp"

namespace loft::storage::reads {

template <class Connection>
Position last_position(Connection& db) {
  auto row = db.run(Query::last_position);
  if (!row.next()) throw Failure(Failure::Kind::damaged, "table progress is empty");
  return row.number(0);
}

template <class Connection>
std::optional<User> user(Connection& db, Query by, std::string_view name) {
  auto row = db.run(by, name);
  return row.next() ? std::optional(user_of(row)) : std::nullopt;
}

template <class Connection>
std::optional<User> user(Connection& db, UserId id) {
  auto row = db.run(Query::user_by_id, clamp(raw(id)));
  return row.next() ? std::optional(user_of(row)) : std::nullopt;
}

template <class Connection>
std::vector<User> users(Connection& db, UserId after, std::size_t limit) {
  std::vector<User> list;
  auto rows = db.run(Query::users, clamp(raw(after)), clamp(limit));
  while (rows.next()) list.push_back(user_of(rows));
  return list;
}

template <class Connection>
std::optional<StoredConversation> conversation(Connection& db, ConversationId id) {
  auto row = db.run(Query::conversation, clamp(raw(id)));
  return row.next() ? std::optional(conversation_of(row)) : std::nullopt;
}

template <class Connection>
std::optional<StoredConversation> conversation(Connection& db, Query by, std::string_view name) {
  auto row = db.run(by, name);
  return row.next() ? std::optional(conversation_of(row)) : std::nullopt;
}

template <class Connection>
std::optional<StoredConversation> conversation(Connection& db, UserId low, UserId high) {
  auto row = db.run(Query::conversation_by_pair, clamp(raw(low)), clamp(raw(high)));
  return row.next() ? std::optional(conversation_of(row)) : std::nullopt;
}

template <class Connection>
std::vector<StoredConversation> conversations(Connection& db, std::span<const ConversationId> ids) {
  std::vector<StoredConversation> list;
  list.reserve(ids.size());
  db.each(Query::conversation, ids, [&](const auto& row) { list.push_back(conversation_of(row)); });
  return list;
}

template <class Connection>
std::vector<StoredConversation> broadcasts(Connection& db) {
  std::vector<StoredConversation> list;
  auto rows = db.run(Query::broadcasts);
  while (rows.next()) list.push_back(conversation_of(rows));
  return list;
}

template <class Connection>
std::vector<Member> members(Connection& db, ConversationId id) {
  std::vector<Member> list;
  auto rows = db.run(Query::members, clamp(raw(id)));
  while (rows.next()) list.push_back(member_of(rows));
  return list;
}

template <class Connection>
std::vector<Membership> memberships(Connection& db, UserId user) {
  const Snapshot snapshot(db);
  std::vector<Membership> list;
  auto rows = db.run(Query::memberships, clamp(raw(user)));
  while (rows.next()) list.push_back({member_of(rows), {}});
  // Both come in the order of conversations.
  auto at = list.begin();
  auto marks = db.run(Query::member_marks, clamp(raw(user)));
  while (marks.next()) {
    auto mark = mark_of(marks);
    while (at != list.end() && at->member.conversation < mark.conversation) ++at;
    if (at == list.end()) break;
    if (at->member.conversation == mark.conversation) at->marks.push_back(std::move(mark));
  }
  return list;
}

template <class Connection>
std::vector<MarkWrite> marks(Connection& db, ConversationId id, std::string_view mark) {
  std::vector<MarkWrite> list;
  auto rows = db.run(Query::marks, mark, clamp(raw(id)));
  while (rows.next()) list.push_back(mark_of(rows));
  return list;
}

template <class Connection>
std::vector<Message> log(Connection& db, ConversationId id, Seq low, Seq high, std::size_t limit, bool descending) {
  std::vector<Message> list;
  auto rows =
      db.run(descending ? Query::log_down : Query::log_up, clamp(raw(id)), clamp(low), clamp(high), clamp(limit));
  while (rows.next()) list.push_back(message_of(db, rows));
  return list;
}

template <class Connection>
std::vector<Message> messages(Connection& db, std::span<const MessageId> ids) {
  std::vector<MessageId> wanted(ids.begin(), ids.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<Message> list;
  list.reserve(wanted.size());
  db.each(Query::message, std::span<const MessageId>(wanted),
          [&](const auto& row) { list.push_back(message_of(db, row)); });
  return list;
}

template <class Connection>
Seq seq_at(Connection& db, ConversationId id, Position position) {
  const Snapshot snapshot(db);
  Seq high = 0;  // in the end: the highest seq that is not behind `position`
  {
    auto row = db.run(Query::head, clamp(raw(id)));
    if (!row.next() || row.number(0) == 0) return 0;
    high = row.number(0);
    if (row.number(1) <= position) return high;
  }
  // Invariant: every message at or below `low` is within `position`, every one above `high` is behind it.
  Seq low = 0;
  while (low < high) {
    const Seq middle = low + (high - low + 1) / 2;
    auto row = db.run(Query::probe, clamp(raw(id)), middle);
    if (row.next() && row.number(0) <= high && row.number(1) <= position) {
      low = row.number(0);
    } else {
      high = middle - 1;
    }
  }
  return low;
}

/// A log has no holes from its oldest message to its head: of what seqs say is there, the sender's own and what others
/// recalled are taken off. Whole blocks are not looked through for own messages (see sent_count.hpp).
template <class Connection>
std::vector<std::uint64_t> counts_foreign(Connection& db, std::span<const Storage::ForeignRange> ranges) {
  std::vector<std::array<std::uint64_t, 3>> runs;
  for (const auto& range : ranges) {
    runs.push_back({clamp(raw(range.conversation)), clamp(range.low), clamp(range.high)});
  }
  const Snapshot snapshot(db);
  const auto bounds = db.pairs(Query::bounds, std::span(std::as_const(runs)));
  std::vector<std::uint64_t> counts(ranges.size());
  std::vector<std::array<std::uint64_t, 6>> asked;
  std::vector<std::size_t> places;  // [i]: of what is asked
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto [low, high] = bounds[i];  // 0: there is none
    if (low == 0 || low > high) continue;
    const auto blocks = whole_blocks(low, high);
    counts[i] = high - low + 1;
    asked.push_back({runs[i][0], low, blocks.last, clamp(raw(ranges[i].except)), blocks.next, high});
    places.push_back(i);
  }
  const auto less = db.pairs(Query::own_and_recalled, std::span(std::as_const(asked)));
  for (std::size_t i = 0; i < places.size(); ++i) {
    auto& count = counts[places[i]];
    count -= std::min(count, less[i][0] + less[i][1]);
  }
  return counts;
}

template <class Connection>
std::uint64_t count_foreign(Connection& db, const Storage::ForeignRange& range) {
  return counts_foreign(db, std::span(&range, 1)).at(0);
}

template <class Connection>
std::vector<Seq> sent(Connection& db, ConversationId id, UserId sender, Seq low, Seq high, std::size_t limit) {
  std::vector<Seq> list;
  auto rows = db.run(Query::sent, clamp(raw(id)), clamp(low), clamp(high), clamp(raw(sender)), clamp(limit));
  while (rows.next()) list.push_back(rows.number(0));
  return list;
}

template <class Connection>
std::vector<Change> changes(Connection& db, ConversationId id, Position after, std::size_t limit) {
  std::vector<Change> list;
  auto rows = db.run(Query::changes_of, clamp(raw(id)), clamp(after), clamp(limit));
  while (rows.next()) list.push_back(change_of(rows));
  return list;
}

template <class Connection>
Storage::Since since(Connection& db, Position after, std::size_t limit) {
  const Snapshot snapshot(db);
  Storage::Since found;
  auto changes = db.run(Query::changes_since, clamp(after), clamp(limit));
  while (changes.next()) found.changes.push_back(change_of(changes));
  // One order over both: each step takes the smaller position, so messages are not read in vain.
  auto rows = db.run(Query::messages_since, clamp(after), clamp(limit));
  std::size_t taken = 0;
  bool more = rows.next();
  while (taken + found.messages.size() < limit) {
    const bool change_first = taken < found.changes.size() && (!more || found.changes[taken].position < rows.number(0));
    if (change_first) {
      ++taken;
    } else if (more) {
      found.messages.push_back(message_of(db, rows));
      more = rows.next();
    } else {
      break;
    }
  }
  found.changes.resize(taken);
  return found;
}

template <class Connection>
std::optional<std::string> key_value(Connection& db, std::string_view space, std::string_view key) {
  auto row = db.run(Query::key_value, space, key);
  return row.next() ? std::optional(std::string(row.text(0))) : std::nullopt;
}

template <class Connection>
std::vector<Storage::StoredValue> key_values(Connection& db, std::string_view space, std::string_view prefix,
                                             std::string_view after, std::size_t limit) {
  std::vector<Storage::StoredValue> list;
  // `after` itself is not wanted, so there may be one row more.
  auto rows = db.run(Query::key_values, space, std::max(prefix, after), clamp(std::max(limit, limit + 1)));
  while (list.size() < limit && rows.next()) {
    const auto key = rows.text(0);
    if (!key.starts_with(prefix)) break;
    if (key != after) list.push_back({std::string(key), std::string(rows.text(1))});
  }
  return list;
}

template <class Connection>
std::optional<Position> follower(Connection& db, std::string_view name) {
  auto row = db.run(Query::follower, name);
  return row.next() ? std::optional(row.number(0)) : std::nullopt;
}

}  // namespace loft::storage::reads
