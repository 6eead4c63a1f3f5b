// From a row to what it stands for: the columns are in the order of the macros in queries.hpp.
#pragma once

#include <loft/storage.hpp>

namespace loft::storage::reads {

template <class Row>
User user_of(const Row& row) {
  return {static_cast<UserId>(row.number(0)), std::string(row.text(1)), std::string(row.text(2)),
          static_cast<Millis>(row.number(3)), std::string(row.text(4))};
}

template <class Row>
StoredConversation conversation_of(const Row& row) {
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

template <class Row>
Member member_of(const Row& row) {
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

template <class Row>
MarkWrite mark_of(const Row& row) {
  return {static_cast<UserId>(row.number(0)), static_cast<ConversationId>(row.number(1)), std::string(row.text(2)),
          std::string(row.text(3))};
}

template <class Connection, class Row>
Message message_of(Connection& db, const Row& row) {
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

template <class Row>
Change change_of(const Row& row) {
  return {row.number(0),
          static_cast<ConversationId>(row.number(1)),
          static_cast<ChangeKind>(row.number(2)),
          static_cast<UserId>(row.number(3)),
          static_cast<UserId>(row.number(4)),
          static_cast<MessageId>(row.number(5)),
          static_cast<Role>(row.number(6)),
          std::string(row.text(7))};
}

}  // namespace loft::storage::reads
