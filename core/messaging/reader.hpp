// The waiting reads: run on the blocking pool (or on an I/O thread over an instant storage), one object per call.
#pragma once

#include <span>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "messaging/core.hpp"
#include "messaging/place.hpp"

namespace loft {

/// How a message stands with one who may read it, at this moment; for push.
struct Standing {
  /// Its `message` is null: gone, or not to be seen by the reader. `receipt` and `hidden` are the reader's.
  MessageRecord record;
  bool online = false;       ///< the reader has a live session
  std::uint64_t unread = 0;  ///< the reader's messages, of all conversations
};

class Reader {
 public:
  Reader(Core& core, const Caller& caller)
      : core_(core),
        state_(core.state_),
        caller_(caller.user),
        page_bytes_(caller.session != 0 ? core.options_.page_bytes : core.options_.http_page_bytes) {}

  Result<Page> history(const HistoryQuery& query, ConversationState& conversation);
  /// `in` is what `query.in` names; null: nothing.
  Result<Page> inbox(const InboxQuery& query, const ConversationState* in);
  Result<SyncPage> sync(const SyncQuery& query);
  Result<std::uint64_t> unread(const UnreadQuery& query, ConversationState* conversation);
  Result<std::vector<ConversationRecord>> conversations(const ConversationQuery& query);
  Result<ConversationRecord> conversation(ConversationState& conversation);
  Result<std::vector<MemberRecord>> members(ConversationState& conversation);
  Result<MarkState> mark_state(ConversationState& conversation, MarkId mark);

  /// `count`: fill in `unread` as well, where the message still concerns the reader.
  Result<Standing> standing(MessageId id, bool count);
  /// Leaves those without a live session, in their order. Never waits for the storage.
  static void leave_absent(const Core& core, std::vector<UserId>& users);
  /// Who may see a message, its sender apart, from memory; nullopt: not known there, or too many to say at once.
  static std::optional<std::vector<UserId>> audience(const Core& core, const Message& message);

  /// Fills in `receipt` as the caller is to see it.
  Result<void> receipts(std::vector<MessageRecord>& records);
  /// The same from memory alone; nullopt when something is missing. With the lock held.
  static std::optional<Receipt> receipt(const Core& core, UserId viewer, const MessageRecord& record);
  /// `receipt` and `hidden` as the caller is to see them.
  Result<MessageRecord> shown(MessageRecord record);
  /// The same from memory alone; false when something is missing. With the lock held.
  static bool show(const Core& core, UserId viewer, MessageRecord& record);

 private:
  struct Source;
  struct Stream;
  struct Reached;
  struct Listed;
  struct Window {
    Seq low = 0;  ///< what the caller may see begins here
    Seq head = 0;
  };

  /// How many conversations are counted with the lock held for all of them, and by one question to the storage.
  static constexpr std::size_t counted_at_once = 1024;

  using Runs = std::vector<std::pair<Seq, Seq>>;
  /// One of the counts that are asked for together.
  struct Tally {
    const ConversationState* conversation = nullptr;
    Runs runs;                ///< ascending
    ViewEntry::Basis basis;   ///< of `runs`
    std::uint64_t count = 0;  ///< the answer
  };
  /// What went to those live sessions of the caller's that set a mark.
  struct Pushed {
    bool any = false;  ///< there are such sessions
    Place since{0};    ///< what was committed behind it went to them …
    boost::unordered_flat_map<ConversationId, std::vector<Seq>> withheld;  ///< … but for these, ascending

    /// Nullopt: `since` must be learnt first. With the lock held.
    std::optional<IntervalSet> in(const ConversationState& conversation);
  };
  /// Which messages a question is about, whatever the conversation.
  struct Selection {
    std::optional<MarkId> lacking, having;
    Place after;
    Pushed lacking_pushed, having_pushed;
  };

  // reader_runs.cpp
  Result<Pushed> pushed(std::optional<MarkId> mark);
  Result<Selection> select(std::optional<MarkId> lacking, std::optional<MarkId> having, Position after);
  std::optional<Runs> runs_in(Selection& wanted, const ViewEntry& mine) const;
  Result<bool> learn(Selection& wanted);
  Result<void> count(std::span<Tally> tallies);
  Result<void> count_some(std::span<Tally> tallies);
  Result<void> count(const Selection& wanted, std::span<Tally> tallies);
  static void count_on(const Selection& wanted, const UserView& view, Tally& tally);
  Result<bool> narrow(const ConversationState& conversation, Runs& runs, bool descending);
  Result<std::uint64_t> count_recalled(ConversationState& conversation, Runs runs);

  Result<std::vector<Source>> sources(Selection& selection, const InboxQuery& query, const ConversationState* in);
  Result<bool> advance(Source& source, const InboxQuery& query);
  Result<std::uint64_t> total(const std::vector<Source>& sources, const Selection& selection, const InboxQuery& query);
  Result<Window> window(ConversationState& conversation);
  Result<bool> is_forgotten(const ConversationState& conversation, MessageId id);
  /// Messages of a range, newest or oldest first, from memory where they are.
  Result<std::vector<MessageRecord>> log(ConversationState& conversation, Seq low, Seq high, std::size_t limit,
                                         bool descending);
  IntervalSet hidden_in(ConversationId id) const;
  Result<SyncEntry> entry_of(Stream& stream, const Change& change);
  Result<MessageRecord> own_among(ConversationState& conversation, const IntervalSet& read, Seq low);
  Result<MessageRecord> foreign_among(ConversationState& conversation, const IntervalSet& read, Seq low);
  Result<MessageRecord> read_now(Stream& stream, const Change& change);
  static std::vector<Stream> streams_of(const UserView& view, Position after);
  Result<bool> fill(Stream& stream, std::size_t limit);
  Result<void> fill_changes(Stream& stream, std::size_t limit);
  Result<void> fill_messages(Stream& stream, std::size_t limit);
  static Error not_member();
  // reader_unread.cpp
  Result<std::vector<std::uint64_t>> counts_of(std::span<const Storage::ForeignRange> ranges);
  Result<std::uint64_t> unread_since(Millis since, ConversationState& conversation);
  Result<std::vector<std::optional<std::uint64_t>>> unread_of(std::span<const ConversationId> ids);
  Result<void> count_unread(std::span<const ConversationId> ids, std::span<std::optional<std::uint64_t>> counts);
  // reader_view.cpp
  template <class F>
  Result<void> in_view(F use);
  Result<void> show(std::vector<SyncEntry>& entries);
  // reader_conversations.cpp
  Result<std::vector<std::uint64_t>> lacking_in(Selection& wanted, std::span<const ConversationId> ids);
  Result<std::vector<Listed>> chosen(Selection& wanted, const ConversationQuery& query,
                                     std::span<ConversationState* const> states);
  Result<std::optional<ConversationRecord>> record_of(const ConversationQuery& query, const Listed& listed);
  Result<ConversationRecord> described(ConversationState& conversation);
  Result<void> fill_members(ConversationRecord& record, const ConversationState& conversation, std::size_t limit);
  Result<void> fill_read(std::span<ConversationRecord> records);
  Result<std::vector<Reached>> reached_in(std::span<ConversationRecord> records) const;
  Result<MessageId> read_below(ConversationId id, Seq high);
  bool has_read(ConversationId id, Seq seq) const;
  std::vector<Member> members_of(const ConversationState& conversation, std::size_t limit) const;
  std::vector<ConversationState*> listed(const ConversationQuery& query) const;
  Result<Receipt> receipt_of_many(ConversationState& conversation, const Message& message);
  Result<Receipt> receipt_of_group(const MessageRecord& record);
  Result<const std::vector<std::pair<UserId, Mark>>*> stored_marks(ConversationId id, MarkId mark);

  Core& core_;
  State& state_;
  UserId caller_;
  std::size_t page_bytes_;  ///< of one page of messages
  // Marks of members whose views are not in memory, read once per call.
  boost::unordered_flat_map<std::uint64_t, std::vector<std::pair<UserId, Mark>>> marks_;
};

}  // namespace loft
