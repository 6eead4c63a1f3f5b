// Users, conversations and members, in memory: without them the host could not work at all.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include <loft/storage.hpp>

namespace loft::storage {

/// Thread role: any. Everything is lost with the process.
class Directory {
 public:
  /// Answers heads that are not as expected; then nothing is taken over.
  Conflict apply(const Batch& batch);
  Position last_position() const;
  void set_follower(std::string_view name, Position position);
  std::optional<Position> follower(std::string_view name) const;

  std::optional<User> user(UserId id) const;
  std::optional<User> user_by_handle(std::string_view handle) const;
  std::optional<User> user_by_uuid(std::string_view uuid) const;
  std::vector<User> users(UserId after, std::size_t limit) const;

  std::optional<StoredConversation> conversation(ConversationId id) const;
  std::optional<StoredConversation> conversation_by_handle(std::string_view handle) const;
  std::optional<StoredConversation> conversation_by_uuid(std::string_view uuid) const;
  std::optional<StoredConversation> conversation_by_pair(UserId low, UserId high) const;
  std::vector<StoredConversation> broadcasts() const;
  std::vector<StoredConversation> all_conversations(ConversationId after, std::size_t limit) const;
  std::vector<Member> members(ConversationId id) const;
  std::vector<Member> all_members(const Member& after, std::size_t limit) const;
  std::vector<Membership> memberships(UserId user) const;

  std::optional<std::string> key_value(std::string_view space, std::string_view key) const;
  std::vector<Storage::StoredValue> key_values(std::string_view space, std::string_view prefix, std::string_view after,
                                               std::size_t limit) const;
  std::vector<KeyValueWrite> all_key_values(const KeyValueWrite& after, std::size_t limit) const;
  std::vector<Storage::StoredFollower> followers() const;

 private:
  template <class Map>
  std::optional<StoredConversation> named(const Map& map, const typename Map::key_type& name) const;
  void put(const User& user);
  void put(const Conversation& conversation);

  mutable std::shared_mutex mutex_;
  Position last_ = 0;
  std::map<UserId, User> users_;
  std::unordered_map<std::string, UserId> user_handles_;
  std::unordered_map<std::string, UserId> user_uuids_;
  std::unordered_map<ConversationId, StoredConversation> conversations_;
  std::unordered_map<std::string, ConversationId> handles_;
  std::unordered_map<std::string, ConversationId> uuids_;
  std::map<std::pair<UserId, UserId>, ConversationId> pairs_;
  std::unordered_map<ConversationId, std::unordered_map<UserId, Member>> members_;
  std::unordered_map<UserId, std::set<ConversationId>> of_user_;
  std::unordered_map<std::string, Position> followers_;
  std::map<std::pair<std::string, std::string>, std::string> key_values_;  ///< by space and key
};

}  // namespace loft::storage
