// The waiting reads: run on the blocking pool (or on an I/O thread over an instant storage), one object per call.
#pragma once

#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "messaging/core.hpp"

namespace loft {

class Reader {
 public:
  Reader(Core& core, UserId caller) : core_(core), state_(core.state_), caller_(caller) {}

  Result<Page> history(const HistoryQuery& query, ConversationState& conversation);
  Result<Page> inbox(const InboxQuery& query);
  Result<SyncPage> sync(const SyncQuery& query);
  Result<std::uint64_t> unread(const UnreadQuery& query, ConversationState* conversation);
  Result<std::vector<ConversationRecord>> conversations(const ConversationQuery& query);
  Result<ConversationRecord> conversation(ConversationState& conversation);
  Result<std::vector<MemberRecord>> members(ConversationState& conversation);
  Result<MarkState> mark_state(ConversationState& conversation, MarkId mark);

  /// Fills in `receipt` as the caller is to see it.
  Result<void> receipts(std::vector<MessageRecord>& records);
  /// The same from memory alone; nullopt when something is missing. With the lock held.
  static std::optional<Receipt> receipt(const Core& core, UserId viewer, const MessageRecord& record);

 private:
  struct Source;
  struct Stream;
  struct Window {
    Seq low = 0;  ///< what the caller may see begins here
    Seq head = 0;
  };

  Result<std::vector<Source>> sources(const InboxQuery& query, std::vector<SessionInfo>& sessions);
  template <class F>
  Result<bool> advance(Source& source, std::size_t limit, F& wanted);
  Result<Window> window(ConversationState& conversation);
  /// Messages of a range, newest or oldest first, from memory where they are.
  Result<std::vector<MessageRecord>> log(ConversationState& conversation, Seq low, Seq high, std::size_t limit,
                                         bool descending);
  Result<SyncEntry> entry_of(ConversationState& conversation, const Change& change);
  static std::vector<Stream> streams_of(const UserView& view, Position after);
  Result<bool> fill(Stream& stream, std::size_t limit);
  Result<void> fill_changes(Stream& stream, std::size_t limit);
  Result<void> fill_messages(Stream& stream, std::size_t limit);
  Result<std::uint64_t> unread_of(ConversationId id);
  Result<Receipt> receipt_of_many(ConversationState& conversation, const Message& message);
  Result<Receipt> receipt_of_group(const MessageRecord& record);
  Result<const std::vector<std::pair<UserId, Mark>>*> stored_marks(ConversationId id, MarkId mark);

  Core& core_;
  State& state_;
  UserId caller_;
  // Marks of members whose views are not in memory, read once per call.
  boost::unordered_flat_map<std::uint64_t, std::vector<std::pair<UserId, Mark>>> marks_;
};

}  // namespace loft
