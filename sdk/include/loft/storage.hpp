// Storage back ends: one commit, and primitive reads. All views (inbox, unread, lists) are computed in the core.
// The numbered promises (S1 …) are what the storage suite checks; its test names carry the numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/message.hpp>
#include <loft/messaging.hpp>
#include <loft/plugin.hpp>

namespace loft {

class PushLedger;

/// Identity of a client's own message id: a hash of sender and id, with a digest of the content it stood for.
struct ClientKey {
  std::array<std::uint64_t, 2> hash{};
  std::uint64_t digest = 0;
  bool operator==(const ClientKey&) const = default;
};

struct NewMessage {
  const Message* message = nullptr;
  std::optional<ClientKey> key;
};

/// What a batch does to one conversation's log.
struct HeadUpdate {
  ConversationId conversation = ConversationId::none;
  Seq expected_head = 0;             ///< the head before this batch
  Seq head = 0;                      ///< after it
  MessageId last = MessageId::none;  ///< the id at `head`
};

/// One member's mark in one conversation, replacing what was stored. `set` is opaque to the storage.
struct MarkWrite {
  UserId user = UserId::none;
  ConversationId conversation = ConversationId::none;
  std::string mark;  ///< the mark's name
  std::string set;
};

struct RecallWrite {
  MessageId message = MessageId::none;
  Position position = 0;
  UserId by = UserId::none;
};

/// A key of a plugin's own state; nullopt removes it.
struct KeyValueWrite {
  std::string space;
  std::string key;
  std::optional<std::string> value;
};

struct Batch {
  Position applied_upto = 0;                    ///< every position up to this one is in this or an earlier batch
  std::span<const User> users;                  ///< new ones
  std::span<const Conversation> conversations;  ///< new or changed
  std::span<const Member> members;              ///< new or changed
  std::span<const HeadUpdate> heads;            ///< one per conversation with messages in this batch
  std::span<const NewMessage> messages;         ///< ascending ids
  std::span<const Change> changes;
  std::span<const RecallWrite> recalls;
  /// S20: of these messages only that they were there is left: `content` becomes `{}`, `extras` empty. Ids of messages
  /// that are not stored are passed over.
  std::span<const MessageId> erased;
  std::span<const MarkWrite> marks;
  std::span<const KeyValueWrite> key_values;  ///< of a key named twice the last one stands
};

/// Why a batch was not stored. Nothing of it was.
struct Conflict {
  struct Stale {
    ConversationId conversation = ConversationId::none;
    Seq head = 0;  ///< what the storage has
    MessageId last = MessageId::none;
  };
  struct Duplicate {
    std::size_t index = 0;  ///< into Batch::messages
    MessageId original = MessageId::none;
    std::uint64_t digest = 0;  ///< of the original's content
  };
  std::vector<Stale> stale;
  std::vector<Duplicate> duplicates;

  bool empty() const noexcept { return stale.empty() && duplicates.empty(); }
};

/// A conversation with its head, as `conversations` returns it.
struct StoredConversation {
  Conversation conversation;
  Seq head = 0;
  MessageId last = MessageId::none;
  Position last_change = 0;  ///< position of its newest change; 0: none
};

struct Membership {
  Member member;
  std::vector<MarkWrite> marks;  ///< this member's, in this conversation
};

/// How a storage's tables came to be what they are.
struct StorageSchema {
  struct Step {
    std::uint32_t number = 0;  ///< from 1, without gaps
    std::string name;
    std::string checksum;
    bool taken = false;
    bool known = true;  ///< false: taken by a program that is newer than this one, or other than it was
  };
  std::vector<Step> steps;   ///< ascending
  std::uint32_t stored = 0;  ///< the number of the newest step that was taken; 0: nothing is set up
  std::uint32_t newest = 0;  ///< the newest step that this program knows
};

/// The end of a commit that runs beside others. Lifetime: the call it is given to.
class CommitTurn {
 public:
  /// Waits until every commit that was begun earlier has ended. False: one of them was not stored, or took too long,
  /// and this one must not be stored either. To be called at most once.
  virtual bool wait() = 0;

 protected:
  ~CommitTurn() = default;
};

/// How far something long has come; `total` 0: not known. Asked now and then; false ends it.
using Progress = Function<bool(std::uint64_t done, std::uint64_t total)>;

/// Thread role of `commit` and `commit_in_turn`: writer; beside the latter nothing else of that role runs. Of
/// everything else: pool, any number of calls at once, also beside a commit; each call sees a state between two commits
/// (S9). Errors: unavailable `storage.unavailable` (the call may be repeated), internal `storage.broken`; the plugin
/// logs the cause.
class Storage : public Plugin {
 public:
  /// True when `commit` never waits (no disk, no network): the host may then call it on an I/O thread.
  virtual bool instant() const noexcept { return false; }

  /// Stores all of a batch or nothing.
  /// S1: when it returns an empty Conflict, everything survives a crash of the process and of the machine.
  /// S2: a conversation whose head is not `expected_head` is answered in `stale`, with the true head.
  /// S3: a message whose key's hash is stored is answered in `duplicates`, with the original, however old.
  /// S4: after any conflict or error nothing of the batch is to be seen.
  /// S5: entries are idempotent: a batch that was stored but whose answer was lost may be sent again; it is answered
  ///     by conflicts that name the same ids.
  /// S6: texts are kept byte for byte (any UTF-8, any length up to 16 MiB), integers exactly up to 2^63 - 1.
  /// S10: handles, uuids and pairs are unique, empty ones apart. An entry that would break this, a head of a
  ///      conversation that is neither stored nor in the batch, and one key twice in a batch are the caller's mistakes:
  ///      internal `storage.broken`, and S4.
  /// S11: a user, conversation or member that is stored is replaced by what the batch says; head and last id move by
  ///      `heads` only. A change whose position is stored is left as it is.
  /// S24: when it is answered without an error, it is decided what became of every earlier batch whose answer was lost,
  ///      and `last_position` says so: it is at least that batch's `applied_upto`, or the batch will never be stored.
  ///      A batch of nothing is a good one.
  /// S12: a recall may concern a message of the same batch, one may come recalled; the first stands; content is kept.
  virtual Result<Conflict> commit(const Batch& batch) = 0;

  /// How many batches it stores faster beside each other than one after the other. Constant from `start` on. Thread
  /// role: any.
  virtual std::size_t writers() const noexcept { return 1; }

  /// As `commit`, beside up to `writers()` - 1 other calls of this, each with a `writer` of its own below that number.
  /// Batches that are under way together concern different conversations and client keys, and have heads, messages,
  /// changes, recalls and marks only.
  /// S26: when all but the end is done and no conflict found, it calls `turn.wait()`; false: nothing of the batch is
  ///      stored, and what the call returns says nothing. So batches end in the order in which they were begun (S9). A
  ///      batch that has not waited for its turn is not stored either: what it returns, conflict or error, comes at
  ///      once. Nothing that it holds before its turn keeps an earlier batch from its end.
  virtual Result<Conflict> commit_in_turn(std::size_t /*writer*/, const Batch& /*batch*/, CommitTurn& /*turn*/) {
    return unsupported();
  }

  /// The largest position of any stored entry; 0 for an empty store. S7: no position is ever forgotten, so that ids
  /// made after a restart are larger.
  virtual Result<Position> last_position() = 0;

  virtual Result<std::optional<User>> user_by_id(UserId id) = 0;
  virtual Result<std::optional<User>> user_by_handle(std::string_view handle) = 0;
  virtual Result<std::optional<User>> user_by_uuid(std::string_view uuid) = 0;
  /// Ascending ids, those above `after`.
  virtual Result<std::vector<User>> users(UserId after, std::size_t limit) = 0;

  virtual Result<std::optional<StoredConversation>> conversation(ConversationId id) = 0;
  virtual Result<std::optional<StoredConversation>> conversation_by_handle(std::string_view handle) = 0;
  virtual Result<std::optional<StoredConversation>> conversation_by_uuid(std::string_view uuid) = 0;
  /// `low` <= `high`.
  virtual Result<std::optional<StoredConversation>> conversation_by_pair(UserId low, UserId high) = 0;
  virtual Result<std::vector<StoredConversation>> conversations(std::span<const ConversationId> ids) = 0;

  /// S13: in the order of joining (`joined`, then user), former members included.
  virtual Result<std::vector<Member>> members(ConversationId id) = 0;
  /// All memberships of a user with its marks, former ones included, ascending conversations (S13).
  virtual Result<std::vector<Membership>> memberships(UserId user) = 0;
  /// One mark of all members of a conversation.
  virtual Result<std::vector<MarkWrite>> marks(ConversationId id, std::string_view mark) = 0;

  /// Messages with `low` <= seq <= `high`, at most `limit`, ascending or descending.
  virtual Result<std::vector<Message>> log(ConversationId id, Seq low, Seq high, std::size_t limit,
                                           bool descending) = 0;
  /// Those that exist, ascending, each once however often it is named (S13).
  virtual Result<std::vector<Message>> messages(std::span<const MessageId> ids) = 0;
  /// The highest seq whose message id is <= `position`; 0 when there is none. S8: O(log n).
  virtual Result<Seq> seq_at(ConversationId id, Position position) = 0;
  /// How many messages with `low` <= seq <= `high` are neither from `except` nor recalled. From its oldest message to
  /// its head a log has no holes, which the caller sees to: nobody needs to look at each message to count them.
  virtual Result<std::uint64_t> count_foreign(ConversationId id, Seq low, Seq high, UserId except) = 0;
  struct ForeignRange {
    ConversationId conversation = ConversationId::none;
    Seq low = 0;
    Seq high = 0;
    UserId except = UserId::none;
  };
  /// S25: what `count_foreign` answers to each range, in their order, any number of them. Those of one call may be of
  /// different states. One that does not override this is asked range by range.
  virtual Result<std::vector<std::uint64_t>> counts_foreign(std::span<const ForeignRange> ranges) {
    std::vector<std::uint64_t> counts;
    counts.reserve(ranges.size());
    for (const auto& range : ranges) {
      const auto count = count_foreign(range.conversation, range.low, range.high, range.except);
      if (!count) return count.error();
      counts.push_back(*count);
    }
    return counts;
  }
  /// Seqs of the messages with `low` <= seq <= `high` that are from `sender` and not recalled, newest first, at most
  /// `limit`.
  virtual Result<std::vector<Seq>> sent(ConversationId id, UserId sender, Seq low, Seq high, std::size_t limit) = 0;

  /// S16: changes of one conversation with position > `after`, ascending, at most `limit`, in O(log n + limit);
  /// `StoredConversation::last_change` is the position of the newest one.
  virtual Result<std::vector<Change>> changes(ConversationId id, Position after, std::size_t limit) = 0;

  /// Messages and changes with position > `after`, ascending by position over both, at most `limit` in all.
  /// S14: asked again with the last position it returned, it goes on without a gap and without a repeat.
  struct Since {
    std::vector<Message> messages;
    std::vector<Change> changes;
  };
  virtual Result<Since> since(Position after, std::size_t limit) = 0;

  /// S17: values of a space, by key or ascending by the bytes of their keys: those that begin with `prefix` and are
  /// greater than `after`.
  virtual Result<std::optional<std::string>> key_value(std::string_view space, std::string_view key) = 0;
  struct StoredValue {
    std::string key;
    std::string value;
  };
  virtual Result<std::vector<StoredValue>> key_values(std::string_view space, std::string_view prefix,
                                                      std::string_view after, std::size_t limit) = 0;

  /// S18: all broadcast conversations, ascending ids.
  virtual Result<std::vector<StoredConversation>> broadcasts() = 0;

  /// The durable position of a follower; nullopt when it has none yet.
  virtual Result<std::optional<Position>> follower(std::string_view name) = 0;
  virtual Result<void> set_follower(std::string_view name, Position position) = 0;

  /// Client keys of messages below `before` are forgotten, at most `limit`; returns how many. Writer role, also beside
  /// `commit_in_turn` of writers above 0. S15: 0 only when none is left; a forgotten key may come again, others stay
  /// (S3).
  virtual Result<std::size_t> forget_client_keys(Position before, std::size_t limit) = 0;

  // ---- Upkeep. A storage that does not have one of these answers invalid `storage.unsupported`.

  /// Removes messages of a conversation with seq <= `upto`, the oldest first, at most `limit`, and returns how many.
  /// Writer role. S21: 0 only when none is left. The head, the last id, positions (S7), changes and client keys stay; a
  /// message that is gone is in no answer of any read.
  virtual Result<std::size_t> forget_messages(ConversationId, Seq /*upto*/, std::size_t /*limit*/) {
    return unsupported();
  }

  // S22: everything that is stored, ascending, what lies behind `after`, at most `limit` at a time. What is there from
  // the first call to the last comes once. Messages and changes: `since`; users: `users`.

  virtual Result<std::vector<StoredConversation>> all_conversations(ConversationId /*after*/, std::size_t /*limit*/) {
    return unsupported();
  }
  /// By conversation, then user. Only those two of `after` say something.
  virtual Result<std::vector<Member>> all_members(const Member& /*after*/, std::size_t /*limit*/) {
    return unsupported();
  }
  struct StoredKey {
    MessageId message = MessageId::none;
    UserId sender = UserId::none;
    ClientKey key;
  };
  virtual Result<std::vector<StoredKey>> client_keys(MessageId /*after*/, std::size_t /*limit*/) {
    return unsupported();
  }
  /// Stores client keys whose messages are not stored, because they are gone (S21), and returns how many were new.
  /// Writer role. S23: all or none; a message or a sender's hash that has a key already keeps it.
  virtual Result<std::size_t> restore_client_keys(std::span<const StoredKey>) { return unsupported(); }
  /// By user, then conversation, then the bytes of the name. `set` of `after` says nothing.
  virtual Result<std::vector<MarkWrite>> all_marks(const MarkWrite& /*after*/, std::size_t /*limit*/) {
    return unsupported();
  }
  /// By the bytes of space, then key. `value` of `after` says nothing, those of the answer have one.
  virtual Result<std::vector<KeyValueWrite>> all_key_values(const KeyValueWrite& /*after*/, std::size_t /*limit*/) {
    return unsupported();
  }
  struct StoredFollower {
    std::string name;
    Position position = 0;
  };
  virtual Result<std::vector<StoredFollower>> followers() { return unsupported(); }

  // ---- Instead of a start: after `setup`, while nothing else of the storage is called. Thread role: control. What
  // cannot be opened is answered unavailable `storage.unavailable`, whose detail is for the operator.

  /// Looks at the tables and changes nothing.
  virtual Result<StorageSchema> schema() { return unsupported(); }
  /// Sets up an empty store or takes the steps that are missing, and returns what is there then. Refuses, as a start
  /// does, what it cannot read and a store that another process uses. Error besides: conflict `storage.schema`.
  virtual Result<StorageSchema> migrate() { return unsupported(); }
  /// Writes a consistent copy to a file that does not exist yet; also while another process uses the store. A storage
  /// on a server answers invalid `storage.backup_elsewhere`, whose detail is the command that makes one.
  virtual Result<void> backup(const std::string& /*file*/, Progress) { return unsupported(); }

  /// What is owed to users who are away. Null: this storage cannot keep it, and a configuration with push is refused.
  /// Thread role: control; lifetime: this storage's, usable from `start` to `stop`.
  virtual PushLedger* push_ledger() noexcept { return nullptr; }

  /// One line for readiness: empty when all is well, else what is wrong. Thread role: any; must not wait.
  virtual std::string health() const { return {}; }

 private:
  static Error unsupported() {
    return {Code::invalid, "storage.unsupported", "this storage plugin does not have this function"};
  }
};

}  // namespace loft
