// Gives order to a round of entries. Two steps, both with the state's lock held: `take` drafts what a round will store
// without touching the state, so that a round the storage refuses leaves no trace; `apply` makes a stored round true.
#pragma once

#include <bitset>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include <loft/storage.hpp>

#include "messaging/core.hpp"
#include "messaging/log_search.hpp"
#include "messaging/outbound.hpp"

namespace loft {

class Sequencer {
 public:
  Sequencer(Core& core, State& state) : core_(core), state_(state) {}

  /// So many entries will come.
  void reserve(std::size_t entries) {
    steps_.reserve(entries);
    messages_.reserve(entries);
  }
  /// `lock` is the state's; it is released while the storage is asked.
  void take(Entry& entry, std::unique_lock<std::mutex>& lock);
  /// Valid until the next call of `take`.
  Batch batch();
  bool changes_nothing() const noexcept;
  std::size_t message_count() const noexcept { return messages_.size(); }
  const NewMessage& message(std::size_t index) const { return messages_[index]; }
  /// Whether a message of this round has that client id.
  bool has_key(const ClientKey& key) const { return keys_.contains(key.hash); }

  /// `entries` in the order they were taken.
  void apply(std::vector<Entry>& entries, Outbound& out);

  /// The entries were answered with a failure though the round may be stored: what `apply` makes of them later is told
  /// to everybody but to those who asked.
  void release(std::vector<Entry>& entries);

  /// Sessions come and go without the storage.
  void open(Entry& entry, OpenEntry& open, Outbound& out);
  void close(const CloseEntry& close, Outbound& out);

  /// An ack whose record must still be read from the storage.
  struct Late {
    unsigned thread;
    std::size_t item;  ///< into Outbound::by_thread[thread]
    MessageId original;
    RecordPtr repeat;  ///< what is known of an original that was removed meanwhile; may be null
  };
  const std::vector<Late>& late() const noexcept { return late_; }
  /// The same for one of several that were submitted together.
  struct LatePart {
    std::shared_ptr<Result<std::vector<Accepted>>> answer;
    std::size_t index;
    MessageId original;
    RecordPtr repeat;
  };
  const std::vector<LatePart>& late_parts() const noexcept { return late_parts_; }

  /// A submission with a client id that nobody remembers, refused because of who sends it.
  struct Doubtful {
    SubmitEntry* submit;
    ConversationState* conversation;
  };
  const std::vector<Doubtful>& doubtful() const noexcept { return doubtful_; }

 private:
  // What was decided about an entry.
  struct Submitted {
    ConversationState* conversation;
  };
  struct Repeated {
    MessageId original;
  };
  struct SubmittedAll {
    struct Part {
      ConversationState* conversation;  ///< null: a repeat
      MessageId original;
    };
    std::vector<Part> parts;
  };
  struct RecalledStep {
    ConversationState* conversation;
    std::shared_ptr<const Message> message;
    Position position;
    bool repeated;
  };
  struct MarkedStep {
    struct Part {
      ConversationState* conversation;
      std::uint64_t unread_less = 0;
      bool recount = false;        ///< the storage could not count
      bool read_advanced = false;  ///< `reached` or `newest` of read moved; then:
      MessageId newest = MessageId::none;
      Millis reached = 0;
      Position change = 0;  ///< that tells others; 0: none
      std::vector<std::pair<Seq, Seq>> newly_read;
    };
    std::vector<Part> parts;  ///< one per conversation
    Marked result;
  };
  struct CreatedStep {
    ConversationState* conversation;
    std::vector<UserPtr> users;
    Position position;
    bool existed = false;  ///< a direct one that was there
  };
  struct ChangedStep {
    ConversationState* conversation;
    Conversation info;
    Change change;
    std::vector<Member> members;  ///< as they are now: who left, or whose role is another one
    std::uint64_t count;          ///< of present ones
  };
  struct MemberStep {
    ConversationState* conversation;
    Member member;
    Change change;
  };
  struct UserStep {
    UserPtr existing;   ///< it was there
    std::size_t index;  ///< into users_, otherwise
  };
  struct DraftMember {
    std::size_t index;  ///< into members_
    bool moved;         ///< joined or left in this round
  };
  /// What a member reads of a conversation in a round.
  struct DraftRead {
    std::size_t change = 0;                                ///< into changes_
    IntervalSet read;                                      ///< that was unread
    boost::unordered_flat_map<UserId, MessageId> senders;  ///< who is told, with its newest message
  };
  /// What a run of a mark newly holds.
  struct Inserted {
    std::uint64_t newly = 0;                ///< foreign messages that stand
    std::uint64_t less = 0;                 ///< by how much unread falls
    bool unknown = false;                   ///< the storage could not count: both are too low
    std::vector<std::pair<Seq, Seq>> runs;  ///< of read
  };
  /// Messages of one conversation that an act concerns.
  struct MarkRun {
    ViewEntry* entry;
    Seq low, high;
    MessageId newest;  ///< the id at `high`
    Millis reached;
  };
  struct Opened {
    Position since;  ///< what is sequenced up to here is in the inbox, what comes behind is pushed
  };
  struct ErasedStep {
    struct Part {
      std::shared_ptr<const Message> message;
      bool recalled;  ///< by this
    };
    std::vector<Part> parts;
  };
  struct Nothing {};
  using Step = std::variant<Nothing, Error, Submitted, Repeated, SubmittedAll, RecalledStep, MarkedStep, CreatedStep,
                            ChangedStep, MemberStep, UserStep, Opened, ErasedStep>;

  // Marks of this round, so that two acts of one member build on each other.
  struct DraftKey {
    UserId user;
    ConversationState* conversation;
    MarkId mark;
    bool operator==(const DraftKey&) const = default;
  };
  struct DraftKeyHash {
    std::size_t operator()(const DraftKey& key) const noexcept {
      return raw(key.user) * 0x9E3779B97F4A7C15ull ^
             (raw(key.conversation->id()) + raw(key.mark)) * 0xD1B54A32D192ED03ull;
    }
  };

  static Error error(Code code, std::string reason, std::string detail = {}) {
    return {code, std::move(reason), std::move(detail)};
  }

  /// What is said of conversations that are not there, and so of those of which the user is not to know.
  static Error unknown_conversation() { return error(Code::not_found, "conversation.unknown", "no such conversation"); }

  Step decide(Entry& entry, SubmitEntry& submit);
  Step decide(Entry& entry, SubmitAllEntry& all);
  Step decide(Entry& entry, RecallEntry& recall);
  Step decide(Entry& entry, MarkEntry& mark);
  Step decide(Entry& entry, ProvenEntry& proven);
  Step decide(Entry& entry, CreateEntry& create);
  Step decide(Entry& entry, MembershipEntry& membership);
  Step decide(Entry& entry, UserEntry& user);
  Step decide(Entry& entry, ProfileEntry& profile);
  Step decide(Entry& entry, ChangeEntry& change);
  Step decide(Entry& entry, KeyValueEntry& put);
  void draft_value(KeyValueWrite value);
  Step decide(Entry&, OpenEntry&) { return Opened{core_.ids_.last()}; }
  Step decide(Entry&, CloseEntry&) { return Nothing{}; }
  Step decide(Entry&, ForgetEntry&) { return Nothing{}; }
  Step decide(Entry& entry, EraseEntry& erase);
  Step decide(Entry& entry, EntombEntry& entomb);

  void finish(Entry& entry, SubmitEntry& submit, Step& step, Outbound& out);
  void finish(Entry& entry, SubmitAllEntry& all, Step& step, Outbound& out);
  void finish(Entry& entry, RecallEntry& recall, Step& step, Outbound& out);
  void finish(Entry& entry, MarkEntry& mark, Step& step, Outbound& out);
  void finish(Entry& entry, ProvenEntry& proven, Step& step, Outbound& out);
  void finish(Entry& entry, CreateEntry& create, Step& step, Outbound& out);
  void finish(Entry& entry, MembershipEntry& membership, Step& step, Outbound& out);
  void finish(Entry& entry, UserEntry& user, Step& step, Outbound& out);
  void finish(Entry& entry, ProfileEntry& profile, Step& step, Outbound& out);
  void finish(Entry& entry, ChangeEntry& change, Step& step, Outbound& out);
  void finish(Entry& entry, KeyValueEntry& put, Step& step, Outbound& out);
  void finish(Entry& entry, OpenEntry& open, Step& step, Outbound& out);
  void finish(Entry& entry, CloseEntry& close, Step& step, Outbound& out);
  void finish(Entry& entry, ForgetEntry& forget, Step& step, Outbound& out);
  void finish(Entry& entry, EraseEntry& erase, Step& step, Outbound& out);
  void finish(Entry& entry, EntombEntry& entomb, Step& step, Outbound& out);
  bool is_of_erased(const Entry& entry) const;

  /// Makes `message` a recalled one.
  void draft_recall(ConversationState& conversation, const std::shared_ptr<Message>& message, UserId actor,
                    std::string reason);
  void replace_in_tail(ConversationState& conversation, const std::shared_ptr<const Message>& message);
  /// It does not count as unread for anybody any more.
  void uncount(const ConversationState& conversation, const Message& message);
  void tell_recalled(const Caller& caller, ConversationState& conversation, const MessageRecord& record,
                     const UserPtr& actor, const std::string& reason, Outbound& out);
  /// What a repeat is answered with when its original was removed; null where too little is known.
  RecordPtr repeat_of(SubmitEntry& submit, MessageId original) const;

  /// Whether a submission is refused or a repeat: then `step` says so. It changes nothing.
  bool is_settled(const Caller& caller, SubmitEntry& submit, Step& step);
  /// One that is not settled becomes a message.
  ConversationState* draft(SubmitEntry& submit);
  /// What its client id stands for by now; null: nothing.
  const KeyMap::mapped_type* known(const ClientKey& key) const;
  std::optional<Error> may_send(const ConversationState& conversation, const Caller& caller, UserId sender) const;
  ConversationState* direct(UserId a, UserId b);
  std::optional<Error> may_create(const CreateEntry& create) const;
  Step decide_direct(const CreateEntry& create);
  void finish_direct(Entry& entry, CreateEntry& create, const CreatedStep& done, Outbound& out);
  /// The system or broadcast conversation of a topic, which is made if it is not there.
  ConversationState* proclaimed(const SubmitEntry::More& to);
  void proclaim(ConversationState& conversation, Outbound& out);
  /// As of this point of the round.
  const Conversation& info(const ConversationState& conversation) const;
  std::size_t member_limit(const ConversationState& conversation) const;
  std::int64_t member_count(const ConversationState& conversation) const;
  void draft(const Conversation& info, ConversationState& conversation);
  void draft(const Member& member, bool moved);
  std::optional<Error> may_change(const ChangeEntry& change, const Member* self) const;
  void dissolve(ChangedStep& step);
  void update(const ChangeEntry& change, ChangedStep& step);
  void renew(ConversationState& conversation, Conversation&& info);
  /// The first mark of a member that the storage does not know.
  void draft_row(UserId user, ViewEntry& entry);
  std::size_t head_of(ConversationState& conversation);
  /// As of this point of the round; null for who never was a member.
  const Member* record(const ConversationState& conversation, UserId user) const;
  /// Null for strangers and former members.
  const Member* member(const ConversationState& conversation, UserId user) const;
  /// What the act makes of the subject; `change` says so too.
  Member joined(ConversationState& conversation, Change& change) const;
  static Member changed(Member member, const MembershipAct& act, Change& change);
  /// Whether the user joined or left in this round.
  bool has_moved(const ConversationState& conversation, UserId user) const;
  std::optional<Error> may_change(const MembershipEntry& membership, const Member* self, const Member* other) const;
  void forget_marks(ConversationState& conversation, UserId user);
  MarkedStep::Part& part(MarkedStep& step, ConversationState& conversation) const;
  Result<std::vector<MarkRun>> runs_of(const MarkEntry& mark, UserView& view);
  Result<void> add_runs_having(const MarkEntry& mark, const MarkSpan& span, const UserView& view, ViewEntry& entry,
                               std::vector<MarkRun>& runs);
  Result<MessageId> newest_foreign(const ConversationState& conversation, const IntervalSet& set, UserId user,
                                   bool standing);
  Result<std::vector<Message>> log_on(ConversationId id, SeqRuns& runs, UserId user, bool seek, bool with_recalled);
  bool is_timed(MarkId mark) const noexcept;
  /// What is kept of the time of an act that happens now; 0: nothing.
  Millis time_of_act(MarkId mark) const;
  /// Not `counted`: a second mark of the same act, of which the answer says nothing.
  void set_run(MarkedStep& step, UserView& view, const MarkRun& run, MarkId mark, bool counted);
  void draft_read(MarkedStep::Part& part, UserId reader);
  std::vector<std::pair<UserId, Seq>> listeners(const ConversationState& conversation, UserId reader) const;
  void name_read(const MarkedStep::Part& part, UserId reader);
  void draft_receipts(const MarkedStep::Part& part, UserId reader);
  void tell_senders(const UserPtr& reader, const MarkedStep::Part& part, Outbound& out);
  void tell_read(const Caller& caller, const UserPtr& reader, const MarkedStep::Part& part, Outbound& out);
  Mark& draft_mark(UserView& view, ViewEntry& entry, MarkId mark);
  /// What stands of a mark in this round; null: nothing.
  const IntervalSet* drafted(UserId user, const ViewEntry& entry, MarkId mark) const;
  /// Adds one run. Not `counted`: nobody asks how many messages are new in it.
  Inserted insert(UserView& view, ViewEntry& entry, MarkId mark, Seq low, Seq high, Millis at, bool counted = true);
  /// Messages from others that were not recalled before this round.
  std::uint64_t count_foreign(ConversationState& conversation, Seq low, Seq high, UserId user, bool& unknown);
  std::uint64_t count_recalled(const ConversationState& conversation, Seq low, Seq high, UserId user) const;
  RecordPtr record_of(ConversationState& conversation, SubmitEntry& submit) const;
  /// A stored message is in memory from here on.
  RecordPtr keep(ConversationState& conversation, SubmitEntry& submit);
  /// … and is told of.
  void tell_stored(const Caller& caller, ConversationState& conversation, RecordPtr record, Outbound& out);
  std::bitset<256> threads_of(UserId low, UserId high) const;
  void keep_recent(ConversationState& conversation, RecordPtr record);
  void push(ConversationState& conversation, RecordPtr record, Outbound& out);
  void deliver(ConversationState& conversation, std::shared_ptr<Outgoing> outgoing, Outbound& out);
  void deliver_to_user(UserId user, std::shared_ptr<Outgoing> outgoing, Outbound& out);
  void enter_view(UserId user, ConversationState& conversation, Seq joined_seq, Position joined);
  void leave_view(UserId user, ConversationId conversation);
  void audience(UserId user, ConversationId group, bool joins, Outbound& out);

  Core& core_;
  State& state_;
  std::unique_lock<std::mutex>* lock_ = nullptr;  ///< while an entry is taken
  std::vector<Step> steps_;
  std::vector<Late> late_;
  std::vector<LatePart> late_parts_;
  std::vector<Doubtful> doubtful_;

  std::vector<User> users_;
  std::vector<char> is_change_;  ///< of users_: it was there before
  std::vector<UserPtr> users_made_;
  std::vector<Conversation> conversations_;
  std::vector<Member> members_;
  std::vector<HeadUpdate> heads_;
  std::vector<NewMessage> messages_;
  std::vector<Change> changes_;
  std::vector<RecallWrite> recalls_;
  std::vector<MarkWrite> marks_;
  std::vector<KeyValueWrite> values_;
  std::vector<MessageId> erased_;
  std::vector<MarkWrite> emptied_marks_;

  boost::unordered_flat_map<ConversationState*, std::size_t> head_index_;
  std::vector<std::unique_ptr<ConversationState>> made_;
  boost::unordered_flat_map<std::pair<UserId, UserId>, ConversationState*, PairHash> made_pairs_;
  boost::unordered_flat_map<std::string, ConversationState*> made_handles_;
  KeyMap keys_;
  boost::unordered_flat_map<MessageId, std::shared_ptr<const Message>> recalled_;
  boost::unordered_flat_map<DraftKey, Mark, DraftKeyHash> draft_marks_;
  boost::unordered_flat_map<std::pair<ConversationId, UserId>, DraftMember, PairHash> draft_members_;
  boost::unordered_flat_map<std::pair<ConversationId, UserId>, DraftRead, PairHash> draft_reads_;
  boost::unordered_flat_map<const ConversationState*, std::int64_t> draft_joins_;
  boost::unordered_flat_map<const ConversationState*, std::size_t> draft_infos_;  ///< into conversations_
  boost::unordered_flat_map<std::string, std::size_t> draft_users_;               ///< by handle, into users_
  boost::unordered_flat_map<std::pair<std::string, std::string>, std::size_t> draft_values_;  ///< into values_
};

}  // namespace loft
