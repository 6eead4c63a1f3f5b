// Reads of everything that is stored, page by page in the order of the primary keys (S22). See reads.hpp.
#pragma once

#include <string>
#include <vector>

#include "parameter.hpp"
#include "queries.hpp"
#include "rows.hpp"

namespace loft::storage::reads {

template <class Connection>
std::vector<StoredConversation> all_conversations(Connection& db, ConversationId after, std::size_t limit) {
  std::vector<StoredConversation> list;
  auto rows = db.run(Query::all_conversations, clamp(raw(after)), clamp(limit));
  while (rows.next()) list.push_back(conversation_of(rows));
  return list;
}

template <class Connection>
std::vector<Member> all_members(Connection& db, const Member& after, std::size_t limit) {
  std::vector<Member> list;
  auto rows = db.run(Query::all_members, clamp(raw(after.conversation)), clamp(raw(after.user)), clamp(limit));
  while (rows.next()) list.push_back(member_of(rows));
  return list;
}

template <class Connection>
std::vector<Storage::StoredKey> client_keys(Connection& db, MessageId after, std::size_t limit) {
  std::vector<Storage::StoredKey> list;
  auto rows = db.run(Query::client_keys, clamp(raw(after)), clamp(limit));
  while (rows.next()) list.push_back(key_of(rows));
  return list;
}

template <class Connection>
std::vector<MarkWrite> all_marks(Connection& db, const MarkWrite& after, std::size_t limit) {
  std::vector<MarkWrite> list;
  auto rows =
      db.run(Query::all_marks, clamp(raw(after.user)), clamp(raw(after.conversation)), after.mark, clamp(limit));
  while (rows.next()) list.push_back(mark_of(rows));
  return list;
}

template <class Connection>
std::vector<KeyValueWrite> all_key_values(Connection& db, const KeyValueWrite& after, std::size_t limit) {
  std::vector<KeyValueWrite> list;
  auto rows = db.run(Query::all_key_values, after.space, after.key, clamp(limit));
  while (rows.next()) list.push_back(key_value_of(rows));
  return list;
}

template <class Connection>
std::vector<Storage::StoredFollower> followers(Connection& db) {
  std::vector<Storage::StoredFollower> list;
  auto rows = db.run(Query::followers, std::string_view());
  while (rows.next()) list.push_back(follower_of(rows));
  return list;
}

}  // namespace loft::storage::reads
