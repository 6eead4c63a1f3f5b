// A storage that keeps vectors and scans them: slow to search, quick to understand, and able to fail on demand.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <loft/storage.hpp>

namespace loft::tests {

class MemoryStorage final : public Storage {
 public:
  // ---- faults, set by the test
  bool is_instant = true;
  std::atomic<int> commits_to_fail{0};  ///< the next commits answer unavailable and store nothing
  std::atomic<int> answers_to_lose{0};  ///< the next commits store everything and answer unavailable
  std::atomic<int> counts_to_fail{0};   ///< the next `count_foreign` fail
  std::atomic<int> forgets_to_fail{0};  ///< the next `forget_messages` remove nothing and answer unavailable
  std::atomic<bool> reads_fail{false};
  std::set<ConversationId> corrupt;              ///< `all_conversations` cannot read these rows
  std::set<ConversationId> corrupt_logs;         ///< `log` cannot read any of these
  std::function<void()> before_commit;           ///< called by `commit` with nothing locked
  std::function<void()> after_commit;            ///< the batch is stored, its answer not yet given
  std::size_t writer_count = 1;                  ///< several work beside each other
  bool ignores_turns = false;                    ///< `commit_in_turn` stores at once
  std::function<void(std::size_t)> before_turn;  ///< called by `commit_in_turn` when all is written, with its writer
  std::function<void()> in_read;                 ///< called by every read, before it looks
  std::function<void()> after_memberships;       ///< `memberships` has looked and not answered yet
  std::function<void()> in_count;                ///< called by `count_foreign`, after it has counted
  std::atomic<int> commits{0};
  std::atomic<int> commits_in_turn{0};  ///< of them
  std::atomic<int> forgotten_calls{0};
  std::atomic<int> logs_read{0};    ///< calls of `log`
  std::atomic<int> bulk_counts{0};  ///< calls of `counts_foreign`

  PushLedger* ledger = nullptr;  ///< the test's own

  PushLedger* push_ledger() noexcept override { return ledger; }
  bool instant() const noexcept override { return is_instant; }
  Result<Conflict> commit(const Batch& batch) override;
  std::size_t writers() const noexcept override { return writer_count; }
  Result<Conflict> commit_in_turn(std::size_t writer, const Batch& batch, CommitTurn& turn) override;
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
  Result<std::vector<std::uint64_t>> counts_foreign(std::span<const ForeignRange> ranges) override {
    ++bulk_counts;
    return Storage::counts_foreign(ranges);
  }
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

  // ---- for the test to look at
  std::vector<Message> all_messages() const;
  std::size_t conversation_count() const;
  std::vector<Change> all_changes() const;
  std::size_t key_count() const;
  std::size_t member_count() const;

 private:
  struct Key {
    ClientKey key;
    MessageId message;
  };
  bool begin_read();
  template <class F>
  Result<std::optional<StoredConversation>> find_conversation(F matches);
  template <class F>
  Result<std::optional<User>> find_user(F matches);
  bool is_sound(const Batch& batch) const;
  Conflict conflicts(const Batch& batch) const;
  Result<Conflict> try_store(const Batch& batch);
  void store(const Batch& batch);
  void store_entities(const Batch& batch);
  void store_messages(const Batch& batch);

  mutable std::mutex mutex_;
  Position last_ = 0;
  std::vector<User> users_;
  std::vector<StoredConversation> conversations_;
  std::vector<Member> members_;
  std::vector<Message> messages_;
  std::vector<Change> changes_;
  std::vector<MarkWrite> marks_;
  std::vector<Key> keys_;
  std::map<std::string, Position, std::less<>> followers_;
  std::map<std::pair<std::string, std::string>, std::string> key_values_;
};

}  // namespace loft::tests
