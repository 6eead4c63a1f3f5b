// A storage of somebody else's: everything in maps, for as long as the process lives, by the name of the data folder.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include <loft/storage.hpp>

namespace acme {

using namespace loft;

struct Data {
  Position last = 0;
  std::map<UserId, User> users;
  std::map<ConversationId, StoredConversation> conversations;
  std::map<std::pair<ConversationId, UserId>, Member> members;
  std::map<std::tuple<UserId, ConversationId, std::string>, std::string> marks;
  std::map<MessageId, Message> messages;
  std::map<Position, Change> changes;
  std::map<MessageId, Storage::StoredKey> keys;
  std::map<std::pair<std::string, std::string>, std::string> values;
  std::map<std::string, Position, std::less<>> followers;

  /// False: the batch makes no sense (S10).
  bool apply(const Batch& batch);
  Conflict conflicts(const Batch& batch) const;
  const Storage::StoredKey* key_of(UserId sender, const ClientKey& key) const;

 private:
  bool put_names(const Batch& batch);
  bool put_messages(const Batch& batch);
  void put_rest(const Batch& batch);
};

class Memory final : public Storage {
 public:
  void setup(Host& host) override { name_ = host.data_dir(); }
  void start() override;

  bool instant() const noexcept override { return true; }
  Result<Conflict> commit(const Batch& batch) override;
  Result<Position> last_position() override;
  Result<std::optional<User>> user_by_id(UserId id) override;
  Result<std::optional<User>> user_by_handle(std::string_view handle) override;
  Result<std::optional<User>> user_by_uuid(std::string_view uuid) override;
  Result<std::vector<User>> users(UserId after, std::size_t limit) override;
  Result<std::optional<StoredConversation>> conversation(ConversationId id) override;
  Result<std::optional<StoredConversation>> conversation_by_handle(std::string_view handle) override;
  Result<std::optional<StoredConversation>> conversation_by_uuid(std::string_view uuid) override;
  Result<std::optional<StoredConversation>> conversation_by_pair(UserId low, UserId high) override;
  Result<std::vector<StoredConversation>> conversations(std::span<const ConversationId> ids) override;
  Result<std::vector<Member>> members(ConversationId id) override;
  Result<std::vector<Membership>> memberships(UserId user) override;
  Result<std::vector<MarkWrite>> marks(ConversationId id, std::string_view mark) override;
  Result<std::vector<Message>> log(ConversationId id, Seq low, Seq high, std::size_t limit, bool descending) override;
  Result<std::vector<Message>> messages(std::span<const MessageId> ids) override;
  Result<Seq> seq_at(ConversationId id, Position position) override;
  Result<std::uint64_t> count_foreign(ConversationId id, Seq low, Seq high, UserId except) override;
  Result<std::vector<Seq>> sent(ConversationId id, UserId sender, Seq low, Seq high, std::size_t limit) override;
  Result<std::vector<Change>> changes(ConversationId id, Position after, std::size_t limit) override;
  Result<Since> since(Position after, std::size_t limit) override;
  Result<std::optional<std::string>> key_value(std::string_view space, std::string_view key) override;
  Result<std::vector<StoredValue>> key_values(std::string_view space, std::string_view prefix, std::string_view after,
                                              std::size_t limit) override;
  Result<std::vector<StoredConversation>> broadcasts() override;
  Result<std::optional<Position>> follower(std::string_view name) override;
  Result<void> set_follower(std::string_view name, Position position) override;
  Result<std::size_t> forget_client_keys(Position before, std::size_t limit) override;
  Result<std::size_t> forget_messages(ConversationId id, Seq upto, std::size_t limit) override;
  Result<std::vector<StoredConversation>> all_conversations(ConversationId after, std::size_t limit) override;
  Result<std::vector<Member>> all_members(const Member& after, std::size_t limit) override;
  Result<std::vector<StoredKey>> client_keys(MessageId after, std::size_t limit) override;
  Result<std::size_t> restore_client_keys(std::span<const StoredKey> keys) override;
  Result<std::vector<MarkWrite>> all_marks(const MarkWrite& after, std::size_t limit) override;
  Result<std::vector<KeyValueWrite>> all_key_values(const KeyValueWrite& after, std::size_t limit) override;
  Result<std::vector<StoredFollower>> followers() override;

 private:
  template <class F>
  std::optional<User> find_user(F is_it);
  template <class F>
  std::optional<StoredConversation> find_conversation(F is_it);
  std::vector<Message> log_of(ConversationId id, Seq low, Seq high) const;

  std::string name_;
  std::mutex mutex_;
  std::shared_ptr<Data> data_;
};

}  // namespace acme
