// The reads of Storage on a leased connection. Each sees one state. Throws Failure.
#pragma once

#include <loft/storage.hpp>

#include "connection.hpp"

namespace loft::storage::reads {

Position last_position(Connection& db);
std::optional<User> user(Connection& db, Query by, std::string_view name);
std::optional<User> user(Connection& db, UserId id);
std::vector<User> users(Connection& db, UserId after, std::size_t limit);
std::optional<StoredConversation> conversation(Connection& db, ConversationId id);
std::optional<StoredConversation> conversation(Connection& db, Query by, std::string_view name);
std::optional<StoredConversation> conversation(Connection& db, UserId low, UserId high);
std::vector<StoredConversation> conversations(Connection& db, std::span<const ConversationId> ids);
std::vector<StoredConversation> broadcasts(Connection& db);
std::vector<Member> members(Connection& db, ConversationId id);
std::vector<Membership> memberships(Connection& db, UserId user);
std::vector<MarkWrite> marks(Connection& db, ConversationId id, std::string_view mark);
std::vector<Message> log(Connection& db, ConversationId id, Seq low, Seq high, std::size_t limit, bool descending);
std::vector<Message> messages(Connection& db, std::span<const MessageId> ids);
Seq seq_at(Connection& db, ConversationId id, Position position);
std::uint64_t count_foreign(Connection& db, ConversationId id, Seq low, Seq high, UserId except);
std::vector<Seq> swallowed(Connection& db, ConversationId id, Seq low, Seq high, UserId user);
std::vector<Change> changes(Connection& db, ConversationId id, Position after, std::size_t limit);
Storage::Since since(Connection& db, Position after, std::size_t limit);
std::optional<std::string> key_value(Connection& db, std::string_view space, std::string_view key);
std::vector<Storage::StoredValue> key_values(Connection& db, std::string_view space, std::string_view prefix,
                                             std::string_view after, std::size_t limit);
std::optional<Position> follower(Connection& db, std::string_view name);

}  // namespace loft::storage::reads
