// storage.null: acknowledges at once and keeps no messages. For measurements of everything else.
#include <loft/storage.hpp>

#include "directory.hpp"

namespace loft::storage {
namespace {

class NullStorage final : public Storage {
 public:
  void setup(Host& host) override { host_ = &host; }
  void start() override { host_->log().warn("storage.null keeps no messages: it is for measurements"); }

  bool instant() const noexcept override { return true; }

  Result<Conflict> commit(const Batch& batch) override { return directory_.apply(batch); }
  Result<Position> last_position() override { return directory_.last_position(); }

  Result<std::optional<User>> user_by_id(UserId id) override { return directory_.user(id); }
  Result<std::optional<User>> user_by_handle(std::string_view handle) override {
    return directory_.user_by_handle(handle);
  }
  Result<std::optional<User>> user_by_uuid(std::string_view uuid) override { return directory_.user_by_uuid(uuid); }
  Result<std::vector<User>> users(UserId after, std::size_t limit) override { return directory_.users(after, limit); }

  Result<std::optional<StoredConversation>> conversation(ConversationId id) override {
    return directory_.conversation(id);
  }
  Result<std::optional<StoredConversation>> conversation_by_handle(std::string_view handle) override {
    return directory_.conversation_by_handle(handle);
  }
  Result<std::optional<StoredConversation>> conversation_by_uuid(std::string_view uuid) override {
    return directory_.conversation_by_uuid(uuid);
  }
  Result<std::optional<StoredConversation>> conversation_by_pair(UserId low, UserId high) override {
    return directory_.conversation_by_pair(low, high);
  }
  Result<std::vector<StoredConversation>> conversations(std::span<const ConversationId> ids) override {
    std::vector<StoredConversation> list;
    for (const auto id : ids) {
      if (auto found = directory_.conversation(id)) list.push_back(std::move(*found));
    }
    return list;
  }

  Result<std::vector<Member>> members(ConversationId id) override { return directory_.members(id); }
  Result<std::vector<Membership>> memberships(UserId user) override { return directory_.memberships(user); }

  // What follows is about messages and marks, of which there are none.
  Result<std::vector<MarkWrite>> marks(ConversationId, std::string_view) override { return std::vector<MarkWrite>(); }
  Result<std::vector<Message>> log(ConversationId, Seq, Seq, std::size_t, bool) override {
    return std::vector<Message>();
  }
  Result<std::vector<Message>> messages(std::span<const MessageId>) override { return std::vector<Message>(); }
  Result<Seq> seq_at(ConversationId, Position) override { return Seq{0}; }
  Result<std::uint64_t> count_foreign(ConversationId, Seq, Seq, UserId) override { return std::uint64_t{0}; }
  Result<std::vector<std::uint64_t>> counts_foreign(std::span<const ForeignRange> ranges) override {
    return std::vector<std::uint64_t>(ranges.size());
  }
  Result<std::vector<Seq>> sent(ConversationId, UserId, Seq, Seq, std::size_t) override { return std::vector<Seq>(); }
  Result<std::vector<Change>> changes(ConversationId, Position, std::size_t) override { return std::vector<Change>(); }
  Result<Since> since(Position, std::size_t) override { return Since(); }

  Result<std::optional<std::string>> key_value(std::string_view space, std::string_view key) override {
    return directory_.key_value(space, key);
  }
  Result<std::vector<StoredValue>> key_values(std::string_view space, std::string_view prefix, std::string_view after,
                                              std::size_t limit) override {
    return directory_.key_values(space, prefix, after, limit);
  }
  Result<std::vector<StoredConversation>> broadcasts() override { return directory_.broadcasts(); }
  Result<std::optional<Position>> follower(std::string_view name) override { return directory_.follower(name); }
  Result<void> set_follower(std::string_view name, Position position) override {
    directory_.set_follower(name, position);
    return {};
  }
  Result<std::size_t> forget_client_keys(Position, std::size_t) override { return std::size_t{0}; }
  Result<std::size_t> forget_messages(ConversationId, Seq, std::size_t) override { return std::size_t{0}; }

  Result<std::vector<StoredConversation>> all_conversations(ConversationId after, std::size_t limit) override {
    return directory_.all_conversations(after, limit);
  }
  Result<std::vector<Member>> all_members(const Member& after, std::size_t limit) override {
    return directory_.all_members(after, limit);
  }
  Result<std::vector<StoredKey>> client_keys(MessageId, std::size_t) override { return std::vector<StoredKey>(); }
  Result<std::vector<MarkWrite>> all_marks(const MarkWrite&, std::size_t) override { return std::vector<MarkWrite>(); }
  Result<std::vector<KeyValueWrite>> all_key_values(const KeyValueWrite& after, std::size_t limit) override {
    return directory_.all_key_values(after, limit);
  }
  Result<std::vector<StoredFollower>> followers() override { return directory_.followers(); }

 private:
  Host* host_ = nullptr;
  Directory directory_;
};

}  // namespace
}  // namespace loft::storage

using loft::storage::NullStorage;
LOFT_PLUGIN(NullStorage, "storage.null", "0.1.0", "Keeps no messages; for measurements")
