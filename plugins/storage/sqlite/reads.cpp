#include "reads.hpp"

#include <algorithm>
#include <limits>

namespace loft::storage::reads {
namespace {

/// SQLite's integers end here; a seq beyond is asked for by "to the end".
std::uint64_t clamp(std::uint64_t value) {
  return std::min(value, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

User user_of(const Cursor& row) {
  return {static_cast<UserId>(row.number(0)), std::string(row.text(1)), std::string(row.text(2)),
          static_cast<Millis>(row.number(3)), std::string(row.text(4))};
}

StoredConversation conversation_of(const Cursor& row) {
  StoredConversation stored;
  auto& c = stored.conversation;
  c.id = static_cast<ConversationId>(row.number(0));
  c.kind = static_cast<ConversationKind>(row.number(1));
  c.low = static_cast<UserId>(row.number(2));
  c.high = static_cast<UserId>(row.number(3));
  c.handle = row.text(4);
  c.uuid = row.text(5);
  c.name = row.text(6);
  c.description = row.text(7);
  c.avatar = row.text(8);
  c.owner = static_cast<UserId>(row.number(9));
  c.join = static_cast<JoinRule>(row.number(10));
  c.created = static_cast<Millis>(row.number(11));
  c.updated = static_cast<Millis>(row.number(12));
  c.topic = row.text(13);
  c.max_members = static_cast<std::uint32_t>(row.number(14));
  c.dissolved = row.number(15) != 0;
  stored.head = row.number(16);
  stored.last = static_cast<MessageId>(row.number(17));
  stored.last_change = row.number(18);  // NULL reads as 0
  return stored;
}

Member member_of(const Cursor& row) {
  Member member;
  member.conversation = static_cast<ConversationId>(row.number(0));
  member.user = static_cast<UserId>(row.number(1));
  member.role = static_cast<Role>(row.number(2));
  member.joined = row.number(3);
  member.joined_seq = row.number(4);
  member.muted_until = static_cast<Millis>(row.number(5));
  member.muted_by = static_cast<UserId>(row.number(6));
  member.muted_at = static_cast<Millis>(row.number(7));
  member.left = row.number(8) != 0;
  return member;
}

MarkWrite mark_of(const Cursor& row) {
  return {static_cast<UserId>(row.number(0)), static_cast<ConversationId>(row.number(1)), std::string(row.text(2)),
          std::string(row.text(3))};
}

Message message_of(Connection& db, const Cursor& row) {
  Message m;
  m.id = static_cast<MessageId>(row.number(0));
  m.conversation = static_cast<ConversationId>(row.number(1));
  m.seq = row.number(2);
  m.sender = static_cast<UserId>(row.number(3));
  m.domain = db.domain(row.number(4));
  m.content = row.text(5);
  m.recalled = row.number(6);  // NULL reads as 0
  m.recalled_by = static_cast<UserId>(row.number(7));
  m.extras = row.text(8);  // NULL reads as empty
  return m;
}

Change change_of(const Cursor& row) {
  return {row.number(0),
          static_cast<ConversationId>(row.number(1)),
          static_cast<ChangeKind>(row.number(2)),
          static_cast<UserId>(row.number(3)),
          static_cast<UserId>(row.number(4)),
          static_cast<MessageId>(row.number(5)),
          static_cast<Role>(row.number(6)),
          std::string(row.text(7))};
}

}  // namespace

Position last_position(Connection& db) {
  auto row = db.run(Query::last_position);
  if (!row.next()) throw Failure(SQLITE_CORRUPT, "table progress is empty");
  return row.number(0);
}

std::optional<User> user(Connection& db, Query by, std::string_view name) {
  auto row = db.run(by, name);
  return row.next() ? std::optional(user_of(row)) : std::nullopt;
}

std::optional<User> user(Connection& db, UserId id) {
  auto row = db.run(Query::user_by_id, clamp(raw(id)));
  return row.next() ? std::optional(user_of(row)) : std::nullopt;
}

std::vector<User> users(Connection& db, UserId after, std::size_t limit) {
  std::vector<User> list;
  auto rows = db.run(Query::users, clamp(raw(after)), clamp(limit));
  while (rows.next()) list.push_back(user_of(rows));
  return list;
}

std::optional<StoredConversation> conversation(Connection& db, ConversationId id) {
  auto row = db.run(Query::conversation, clamp(raw(id)));
  return row.next() ? std::optional(conversation_of(row)) : std::nullopt;
}

std::optional<StoredConversation> conversation(Connection& db, Query by, std::string_view name) {
  auto row = db.run(by, name);
  return row.next() ? std::optional(conversation_of(row)) : std::nullopt;
}

std::optional<StoredConversation> conversation(Connection& db, UserId low, UserId high) {
  auto row = db.run(Query::conversation_by_pair, clamp(raw(low)), clamp(raw(high)));
  return row.next() ? std::optional(conversation_of(row)) : std::nullopt;
}

std::vector<StoredConversation> conversations(Connection& db, std::span<const ConversationId> ids) {
  const Snapshot snapshot(db);
  std::vector<StoredConversation> list;
  list.reserve(ids.size());
  for (const auto id : ids) {
    auto row = db.run(Query::conversation, clamp(raw(id)));
    if (row.next()) list.push_back(conversation_of(row));
  }
  return list;
}

std::vector<StoredConversation> broadcasts(Connection& db) {
  std::vector<StoredConversation> list;
  auto rows = db.run(Query::broadcasts);
  while (rows.next()) list.push_back(conversation_of(rows));
  return list;
}

std::vector<Member> members(Connection& db, ConversationId id) {
  std::vector<Member> list;
  auto rows = db.run(Query::members, clamp(raw(id)));
  while (rows.next()) list.push_back(member_of(rows));
  return list;
}

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

std::vector<MarkWrite> marks(Connection& db, ConversationId id, std::string_view mark) {
  std::vector<MarkWrite> list;
  auto rows = db.run(Query::marks, mark, clamp(raw(id)));
  while (rows.next()) list.push_back(mark_of(rows));
  return list;
}

std::vector<Message> log(Connection& db, ConversationId id, Seq low, Seq high, std::size_t limit, bool descending) {
  std::vector<Message> list;
  auto rows =
      db.run(descending ? Query::log_down : Query::log_up, clamp(raw(id)), clamp(low), clamp(high), clamp(limit));
  while (rows.next()) list.push_back(message_of(db, rows));
  return list;
}

std::vector<Message> messages(Connection& db, std::span<const MessageId> ids) {
  std::vector<MessageId> wanted(ids.begin(), ids.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::optional<Snapshot> snapshot;
  if (wanted.size() > 1) snapshot.emplace(db);
  std::vector<Message> list;
  list.reserve(wanted.size());
  for (const auto id : wanted) {
    auto row = db.run(Query::message, clamp(raw(id)));
    if (row.next()) list.push_back(message_of(db, row));
  }
  return list;
}

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

std::uint64_t count_foreign(Connection& db, ConversationId id, Seq low, Seq high, UserId except) {
  auto row = db.run(Query::count_foreign, clamp(raw(id)), clamp(low), clamp(high), clamp(raw(except)));
  return row.next() ? row.number(0) : 0;
}

std::vector<Seq> swallowed(Connection& db, ConversationId id, Seq low, Seq high, UserId user) {
  std::vector<Seq> list;
  auto rows = db.run(Query::swallowed, clamp(raw(id)), clamp(low), clamp(high), clamp(raw(user)));
  while (rows.next()) list.push_back(rows.number(0));
  return list;
}

std::vector<Change> changes(Connection& db, ConversationId id, Position after, std::size_t limit) {
  std::vector<Change> list;
  auto rows = db.run(Query::changes_of, clamp(raw(id)), clamp(after), clamp(limit));
  while (rows.next()) list.push_back(change_of(rows));
  return list;
}

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

std::optional<std::string> key_value(Connection& db, std::string_view space, std::string_view key) {
  auto row = db.run(Query::key_value, space, key);
  return row.next() ? std::optional(std::string(row.text(0))) : std::nullopt;
}

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

std::optional<Position> follower(Connection& db, std::string_view name) {
  auto row = db.run(Query::follower, name);
  return row.next() ? std::optional(row.number(0)) : std::nullopt;
}

}  // namespace loft::storage::reads
