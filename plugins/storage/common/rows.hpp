// From a row to what it stands for: the columns are in the order of the macros in queries.hpp, which is that of
// row_rules.hpp. Throws Failure for a row that cannot be.
#pragma once

#include <loft/storage.hpp>

#include "fields.hpp"

namespace loft::storage::reads {

template <class Row>
User user_of(const Row& row) {
  const Fields f(row, row_rules::user);
  return {f.template as<UserId>(0), f.text(1), f.text(2), f.template as<Millis>(3), f.text(4)};
}

template <class Row>
StoredConversation conversation_of(const Row& row) {
  const Fields f(row, row_rules::conversation);
  StoredConversation stored;
  auto& c = stored.conversation;
  c.id = f.template as<ConversationId>(0);
  c.kind = f.template as<ConversationKind>(1);
  c.low = f.template as<UserId>(2);
  c.high = f.template as<UserId>(3);
  c.handle = f.text(4);
  c.uuid = f.text(5);
  c.name = f.text(6);
  c.description = f.text(7);
  c.avatar = f.text(8);
  c.owner = f.template as<UserId>(9);
  c.join = f.template as<JoinRule>(10);
  c.created = f.template as<Millis>(11);
  c.updated = f.template as<Millis>(12);
  c.topic = f.text(13);
  c.max_members = f.template as<std::uint32_t>(14);
  c.dissolved = f.number(15) != 0;
  stored.head = f.number(16);
  stored.last = f.template as<MessageId>(17);
  stored.last_change = row.number(18);  // a question of its own; NULL reads as 0
  return stored;
}

template <class Row>
Member member_of(const Row& row) {
  const Fields f(row, row_rules::member);
  Member member;
  member.conversation = f.template as<ConversationId>(0);
  member.user = f.template as<UserId>(1);
  member.role = f.template as<Role>(2);
  member.joined = f.number(3);
  member.joined_seq = f.number(4);
  member.muted_until = f.template as<Millis>(5);
  member.muted_by = f.template as<UserId>(6);
  member.muted_at = f.template as<Millis>(7);
  member.left = f.number(8) != 0;
  return member;
}

template <class Row>
MarkWrite mark_of(const Row& row) {
  const Fields f(row, row_rules::mark);
  return {f.template as<UserId>(0), f.template as<ConversationId>(1), f.text(2), f.text(3)};
}

template <class Connection, class Row>
Message message_of(Connection& db, const Row& row) {
  const Fields f(row, row_rules::message);
  Message m;
  m.id = f.template as<MessageId>(0);
  m.conversation = f.template as<ConversationId>(1);
  m.seq = f.number(2);
  m.sender = f.template as<UserId>(3);
  const auto number = f.number(4);
  const std::string* domain = db.domain(number);
  if (domain == nullptr) f.refuse(4, "is " + std::to_string(number) + ", which table domain does not have");
  m.domain = *domain;
  m.content = f.text(5);
  m.recalled = f.number(6);
  m.recalled_by = f.template as<UserId>(7);
  m.extras = f.text(8);
  return m;
}

template <class Row>
Change change_of(const Row& row) {
  const Fields f(row, row_rules::change);
  return {f.number(0),
          f.template as<ConversationId>(1),
          f.template as<ChangeKind>(2),
          f.template as<UserId>(3),
          f.template as<UserId>(4),
          f.template as<MessageId>(5),
          f.template as<Role>(6),
          f.text(7)};
}

template <class Row>
Storage::StoredKey key_of(const Row& row) {
  const Fields f(row, row_rules::client_message);
  return {f.template as<MessageId>(0), f.template as<UserId>(1), {{f.number(2), f.number(3)}, f.number(4)}};
}

template <class Row>
KeyValueWrite key_value_of(const Row& row) {
  const Fields f(row, row_rules::key_value);
  return {f.text(0), f.text(1), f.text(2)};
}

template <class Row>
Storage::StoredFollower follower_of(const Row& row) {
  const Fields f(row, row_rules::follower);
  return {f.text(0), f.number(1)};
}

}  // namespace loft::storage::reads
