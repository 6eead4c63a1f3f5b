// Messaging: the one place where messages get their order.
//
// Submissions and acts enter on I/O threads, are checked there, and are handed over once per turn of the loop. The
// committer takes all that waits, sequences it, gives it to the storage in one transaction, and hands acks, deliveries
// and facts back to the I/O threads in commit order. With a storage that waits for a disk the committer is a thread of
// its own; with an instant one it is whatever I/O thread comes first (docs/adr/0004).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <loft/broker.hpp>
#include <loft/bus.hpp>
#include <loft/domain.hpp>
#include <loft/events.hpp>
#include <loft/key_values.hpp>
#include <loft/log.hpp>
#include <loft/messaging.hpp>
#include <loft/metrics.hpp>
#include <loft/storage.hpp>

#include "messaging/commit_lanes.hpp"
#include "messaging/directory.hpp"
#include "messaging/entry.hpp"
#include "messaging/id_generator.hpp"
#include "messaging/outbound.hpp"
#include "messaging/sessions.hpp"
#include "messaging/state.hpp"
#include "messaging/threads.hpp"

namespace loft {

struct CoreOptions {
  bool auto_create_users = false;
  std::size_t content_bytes = 64 << 10;  ///< of one message's content
  std::size_t page_bytes = 512 << 10;    ///< of one page of messages for a session, but for a page of one
  std::size_t http_page_bytes =
      16 << 20;                         ///< the same for callers without a session: who counts pages expects full ones
  std::size_t group_members = 100'000;  ///< of one group
  std::size_t receipts_max = 200;       ///< members up to which a sender sees exact group receipts
  std::size_t queue_entries = 100'000;  ///< waiting for the committer; beyond it callers hear `overloaded`
  std::size_t queue_bytes = 256 << 20;
  std::size_t batch_entries = 16'384;  ///< of one transaction
  /// From so many on, entries of different conversations are committed beside each other where the storage has several
  /// writers: two small transactions cost more than one.
  std::size_t lane_entries = 64;
  /// Newest messages kept in memory, over all conversations. Not more than a processor's cache holds: what is older
  /// would be as slow here as in the storage's own cache, and every new message pays for putting an old one away.
  std::size_t recent_bytes = 16 << 20;
  std::size_t cached_users = 500'000;
  std::size_t cached_views = 100'000;
  std::size_t cached_conversations = 500'000;
  Millis dedupe_keep = 7 * 86'400'000LL;     ///< client ids are remembered this long
  Millis receipts_keep = 30 * 86'400'000LL;  ///< the times of acts are kept this long
  unsigned window = 256;                     ///< submissions of one session on their way
};

class DomainActions;
class DomainTable;
class Sequencer;

class Core final : public Messaging, public Users {
 public:
  Core(CoreOptions options, Storage& storage, Broker& broker, Bus& bus, const DomainTable& domains, const Clock& clock,
       Logger& log, Metrics& metrics, Threads& threads);
  ~Core() override;

  // ---- control
  /// Reads the last position; from here on everything below works. Error: the storage's.
  Result<void> start();
  /// Finishes what is queued, then refuses everything with `host.stopping`.
  void stop();

  /// To be called at the end of each turn of each I/O thread.
  void turn_end(unsigned thread);
  /// To be called on each I/O thread about twice a second: turns what links have proven into marks.
  void sweep(unsigned thread);

  // ---- Messaging
  MarkId define_mark(const MarkSpec& spec) override;
  void submit(const Caller& caller, Submission submission, Done<Accepted> done) override;
  void submit_all(const Caller& caller, std::vector<Submission> submissions, Done<std::vector<Accepted>> done) override;
  void recall(const Caller& caller, Recall recall, Done<Recalled> done) override;
  void mark(const Caller& caller, MarkAct act, Done<Marked> done) override;
  void create(const Caller& caller, NewConversation conversation, Done<ConversationRecord> done) override;
  void change_membership(const Caller& caller, MembershipAct act, Done<MemberRecord> done) override;
  void change_conversation(const Caller& caller, ConversationAct act, Done<ConversationRecord> done) override;
  void message(const Caller& caller, MessageId id, Done<MessageRecord> done) override;
  void history(const Caller& caller, HistoryQuery query, Done<Page> done) override;
  void inbox(const Caller& caller, InboxQuery query, Done<Page> done) override;
  void sync(const Caller& caller, SyncQuery query, Done<SyncPage> done) override;
  void unread(const Caller& caller, UnreadQuery query, Done<std::uint64_t> done) override;
  void conversations(const Caller& caller, ConversationQuery query,
                     Done<std::vector<ConversationRecord>> done) override;
  void conversation(const Caller& caller, ConversationRef ref, bool must_be_member,
                    Done<ConversationRecord> done) override;
  void members(const Caller& caller, ConversationRef ref, bool must_be_member,
               Done<std::vector<MemberRecord>> done) override;
  void mark_state(const Caller& caller, ConversationRef ref, MarkId mark, Done<MarkState> done) override;
  void signal(const Caller& caller, Signal signal) override;
  Online online() const noexcept override;

  // ---- Users
  void find(const Caller& caller, UserRef ref, Done<UserPtr> done) override;
  void set_profile(const Caller& caller, std::string profile, Done<UserPtr> done) override;

  /// For plugins; lifetime: this one's.
  Domains& domains() noexcept;
  /// The state of the plugin with that id. Thread role: control.
  std::unique_ptr<KeyValues> key_values(std::string space);

  /// Sends as a service, for commands. Thread role: any but I/O; waits. Errors: as `submit`.
  Result<Accepted> submit_waiting(UserId sender, Submission submission);

  // ---- sessions, for core/endpoint
  Sessions& sessions() noexcept { return sessions_; }
  /// Resolves, asks OpenSession's interceptors, loads the view and opens the session in commit order. Thread role: the
  /// session's. `done` comes on it, after which pushes begin.
  void open_session(Session& session, UserRef user, Done<Login> done);
  void close_session(Session& session);

  // ---- retention and erasure (forget.cpp): waits; thread role: any but I/O. The storage's errors, and unavailable
  // `host.stopping`.
  /// Removes a conversation's messages up to one of them, in one transaction: as few as are wanted at once. Returns how
  /// many there were.
  Result<std::size_t> forget_messages(ConversationId conversation, Seq upto);
  /// Makes of a user what is left when it is erased, and ends its sessions.
  Result<UserPtr> entomb(UserId user, std::string uuid);
  /// Of an erased user: empties messages, recalls those that stand, and empties marks by their names.
  Result<void> erase_in(const UserPtr& user, ConversationId conversation, std::vector<Message> messages,
                        std::vector<std::string> marks);
  /// The user is no member any more. What it owns goes to the admin, else the member, who joined first; a group without
  /// others is dissolved. Returns whether it was one.
  Result<bool> leave_group(const UserPtr& user, ConversationId group);

  /// Makes a user, for the command line. Thread role: any but I/O; waits. Errors: conflict `user.taken`.
  Result<UserPtr> add_user(User user);
  Directory& directory() noexcept { return directory_; }
  const Clock& clock() const noexcept { return clock_; }

  /// Empty when messages can be stored, else why not.
  std::string health() const;
  /// Nothing at or below it is in flight, or is given again after a restart.
  Position stable() const;
  std::size_t cached_views() const;
  std::size_t cached_conversations() const;
  /// Entries handed in and not answered yet. Thread role: any.
  std::size_t waiting() const noexcept { return waiting_.load(std::memory_order_acquire); }

 private:
  friend class Sequencer;
  friend class Reader;
  friend class StoredValues;
  friend class DomainActions;

  // submit.cpp
  /// One more submission of a session is on its way; with a full window it is read no further.
  void take_up(const Caller& caller);
  /// One is answered. False: its session is gone, nobody is there to hear of it.
  bool let_go(unsigned thread, std::uint64_t session);
  /// What is wrong with it by itself; else the domain's normal form is in it.
  std::optional<Error> wrong_with_message(const Caller& caller, Submission& submission) const;
  static SubmitEntry entry_of(UserPtr sender, Submission&& submission, UserPtr peer,
                              std::unique_ptr<SubmitEntry::More> more);
  void submit(const Caller& caller, Submission&& submission, std::unique_ptr<SubmitEntry::More> more,
              Done<Accepted>&& done);
  void check_submission(const Caller& caller, Submission&& submission, std::unique_ptr<SubmitEntry::More> more,
                        Done<Accepted>&& done);
  void enqueue_submission(const Caller& caller, Submission&& submission, UserPtr peer, Done<Accepted>&& done,
                          std::unique_ptr<SubmitEntry::More> more = nullptr);
  void fail_submission(const Caller& caller, Done<Accepted>&& done, Error error);
  // submit_all.cpp
  struct AskedAll;
  void check_part(AskedAll& all, std::size_t index, SubmitMessage& asked, const Verdict& verdict);
  void find_all(const std::shared_ptr<AskedAll>& all);
  void enqueue_all(AskedAll& all, std::vector<UserPtr> users);
  void fail_asked(AskedAll& all, Error error);
  /// `answer` is complete when the round is.
  void answer_all(const Caller& caller, SubmitAllEntry& all, std::shared_ptr<Result<std::vector<Accepted>>> answer,
                  Outbound& out);
  // notices.cpp: to a system or broadcast conversation by its topic
  static std::optional<Error> wrong_with_notice(const Caller& caller, const Submission& submission);
  void notify(const Caller& caller, Submission&& submission, Done<Accepted>&& done);
  /// The submission names the conversation by its handle then.
  static std::unique_ptr<SubmitEntry::More> notice_target(Submission& submission, UserPtr reader);
  void apply_change(const Caller& caller, ConversationAct act, Done<ConversationRecord> done);
  void apply_membership(const Caller& caller, MembershipAct act, Done<MemberRecord> done);
  void mark_messages(const Caller& caller, MarkAct act, Done<Marked> done);
  void mark_up_to(const Caller& caller, MarkAct act, Done<Marked> done);
  void mark_everywhere(const Caller& caller, const MarkAct& act, Done<Marked> done);
  std::optional<Error> add_target(MarkEntry& entry, const Message& message) const;
  void enqueue_marks(const Caller& caller, MarkEntry entry, Done<Marked> done);
  Result<MarkTarget> message_at(ConversationId conversation, Position position);
  template <class T>
  bool turned_away(const Caller& caller, Done<T>& done);
  void enqueue(unsigned thread, Entry entry);
  void hand_in(std::vector<Entry>& entries);
  void wake();
  /// Whether the commit queue is at a limit; says so to the observers.
  bool full();
  bool is_full() const noexcept;
  bool has_room(std::size_t entries, std::size_t bytes) const noexcept;

  // ask.hpp: asynchronous steps on the caller's thread. While one waits, the session's further messages wait too.
  /// Asks the interceptors, then calls `then(event, verdict)`.
  template <class E, class F>
  void consult(const Proposer<E>& proposer, E event, F then);
  /// Runs `work() -> Result<T>` on the pool, then `then(Result<T>)`.
  template <class T, class W, class F>
  void in_pool(const Caller& caller, W work, F then);
  template <class T>
  void refuse(const Caller& caller, Done<T> done, Error error);
  void hold(const Caller& caller);
  void release(const Caller& caller);
  bool is_gone(const Caller& caller);
  /// Calls what a contract has given; what it throws is logged.
  template <class F>
  void guarded(F call) noexcept;

  // read.cpp
  template <class T, class F>
  void with_reader(const Caller& caller, Done<T> done, F then);
  template <class T, class F>
  void read_view(const Caller& caller, Done<T> done, F read);
  template <class T, class F>
  void read_conversation(const Caller& caller, ConversationRef ref, bool must_be_member, Done<T> done, F read);
  void read_inbox(const Caller& caller, InboxQuery query, ConversationState* in, Done<Page> done);
  template <class T, class F>
  void look_at(const Caller& caller, ConversationRef ref, bool must_be_member, Done<T> done, F read);

  // find.cpp: users, views, conversations; from memory at once, else from the storage by way of the pool.
  void with_user(const Caller& caller, UserRef ref, Function<void(Result<UserPtr>)> then);
  void with_users(const Caller& caller, std::vector<UserRef> refs, Function<void(Result<std::vector<UserPtr>>)> then);
  struct AskedUsers;
  bool creates(const UserRef& ref) const;
  Result<bool> load_users(AskedUsers& asked);  ///< waits for the storage
  void make_users(const Caller& caller, const std::shared_ptr<AskedUsers>& asked);
  /// Who calls. Without a session nothing else keeps that user in memory.
  void with_actor(const Caller& caller, Function<void(Result<UserPtr>)> then);
  /// The caller's own view is in memory when `then` runs, and what `then` enqueues finds it there.
  void with_view(const Caller& caller, Function<void(Result<void>)> then);
  void with_conversation(const Caller& caller, ConversationRef ref, bool with_members,
                         Function<void(Result<ConversationState*>)> then);
  void find_message(const Caller& caller, MessageId id, Function<void(Result<MessageRecord>)> then);

  bool is_visible(const User& user, const Message& message) const;

  // load.cpp: the waiting halves; never with the lock held by the caller.
  Result<void> load_view(UserId user);
  Result<bool> try_load_view(UserId user);
  Result<std::unique_ptr<UserView>> read_view(UserId user);
  Result<void> add_broadcasts(UserView& view);
  Result<void> load_broadcasts();
  void evict_views();
  void evict_conversations();
  void touch_named();
  Result<ConversationState*> load(ConversationId id, bool with_members);
  Result<ConversationState*> resolve(UserId caller, const ConversationRef& ref, bool with_members);
  Result<ConversationState*> adopt(StoredConversation stored, bool with_members);
  Result<void> load_members(ConversationState& conversation);
  /// A message with all that belongs to it. Errors: not_found `message.unknown`; the storage's.
  Result<MessageRecord> record_of(MessageId id);
  Result<MessageRecord> complete(Message message);

  // committer.cpp
  void remember_key(const ClientKey& key, MessageId id);
  void answered(const std::vector<Entry>& entries);
  Result<Accepted> repeated(MessageId original, RecordPtr known);
  void read_originals(const Sequencer& sequencer, Outbound& out);
  Result<bool> store(Sequencer& sequencer, int attempt);
  /// Gives the round a position of its own, by which it is found again (unknown_outcome.cpp).
  void give_position();
  /// A stored round, whose last id is `upto`, becomes what everybody sees.
  /// `rounds` counts those that went its way.
  void carry_out(Sequencer& sequencer, std::vector<Entry>& entries, Position upto, Outbound& out, Metric& rounds);
  Result<Conflict> commit(const Batch& batch);
  Result<bool> ask_about_repeats(const Sequencer& sequencer);
  void learn(const Conflict& conflict, const Sequencer& sequencer);
  bool has_ids();
  void tell_refused(const Caller& caller, const Error& error, Outbound& out);
  void fail_all(std::vector<Entry>& entries, const Error& error, bool stopping, Outbound& out);
  void run_committer();
  void commit_waiting();
  void take_round(std::vector<Entry>& entries);
  void commit_round(std::vector<Entry>& entries);
  void housekeeping();
  void evict();
  void forget_client_keys();
  void storage_fails(const Error& error);
  void storage_works();

  // lane_rounds.cpp: rounds of some conversations each, beside each other
  struct LaneRound;
  /// Which lane an entry belongs to.
  struct LaneOf {
    enum class Kind : std::uint8_t {
      one,  ///< that of its conversation
      any,  ///< it waits only to be answered
      all,  ///< none: it is for a round of all
    };
    Kind kind = Kind::all;
    std::size_t lane = 0;
  };
  void commit_in_lanes();
  bool is_lane_free(std::size_t lane) const;
  std::size_t fill_lanes();
  /// With the state's lock.
  LaneOf lane_of(const Entry& entry) const;
  std::vector<std::uint32_t> choose(std::size_t lane);
  bool is_key_under_way(const Entry& entry) const;
  std::vector<Entry> take_chosen(const std::vector<std::uint32_t>& chosen);
  bool begin_lane_round(std::size_t lane, std::vector<Entry> entries);
  bool has_first_ended() const;
  bool end_first();
  void give_back(CommitLanes::End end);
  void take_waiting();

  // unknown_outcome.cpp
  struct Outcome {
    std::optional<bool> stored;  ///< nullopt: the host stops before anybody knows
    bool told;                   ///< the entries were answered with the failure meanwhile, and are in nobody's name now
  };
  /// What became of a round that failed after `took`; waits until the storage says it.
  Outcome find_out(Sequencer& sequencer, std::vector<Entry>& entries, Position round, const Error& error, Millis took);
  /// Whether a round that failed is stored all the same; else it has been answered. With `told` its entries were.
  bool survives(Sequencer& sequencer, std::vector<Entry>& entries, Position round, const Error& error, Millis took,
                Outbound& out, bool& told);
  Result<bool> is_stored(Position round);
  void refuse(std::vector<Entry>& entries, const Error& error);

  // hand_back.cpp
  void hand_back(Outbound& out);
  /// `writes_worth_waiting` 0: nothing waits.
  void take_back(unsigned thread, std::vector<OutboundItem> items, std::size_t writes_worth_waiting);
  /// Whether a delivery of the latest round goes to so many that its writes are worth a wait.
  bool is_worth_waiting(unsigned thread, std::size_t writes) const;
  void run_back(unsigned thread);
  void run_items(unsigned thread, std::vector<OutboundItem> items);
  void note_withheld(std::vector<Withheld>& withheld);

  // prepare.cpp; `lock` is held when they are called and when they return, not while they wait for the storage.
  void prepare(std::vector<Entry>& entries);
  void prepare(Entry& entry, SubmitEntry& submit, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, SubmitAllEntry& all, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, RecallEntry& recall, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, MarkEntry& mark, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, OpenEntry& open, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, CreateEntry& create, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, ChangeEntry& change, std::unique_lock<std::mutex>& lock);
  void prepare_notice(Entry& entry, SubmitEntry& submit, std::unique_lock<std::mutex>& lock);
  /// The direct conversation of two, if there is one.
  ConversationState* prepare_pair(Entry& entry, UserId a, UserId b, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, UserEntry& wanted, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, KeyValueEntry& put, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, ForgetEntry& forget, std::unique_lock<std::mutex>& lock);
  void prepare(Entry& entry, EraseEntry& erase, std::unique_lock<std::mutex>& lock);
  template <class T, class E>
  Result<T> wait_for(E entry);
  Result<bool> give_away(const UserPtr& user, ConversationState& group);
  void prepare_view(Entry& entry, UserId user, std::unique_lock<std::mutex>& lock);
  /// Asks the interceptors of WriteToUser. With nothing locked.
  void ask_receivers(std::vector<Entry>& entries);
  void ask_receiver(const Caller& caller, SubmitEntry& submit);

  const CoreOptions options_;
  Storage& storage_;
  Broker& broker_;
  Bus& bus_;
  const DomainTable& domains_;
  const Clock& clock_;
  Logger& log_;
  Threads& threads_;
  Directory directory_;
  State state_;
  Sessions sessions_;
  std::vector<MarkSpec> marks_;
  IdGenerator ids_;
  bool instant_ = false;

  KeyMap recent_keys_;
  std::deque<std::array<std::uint64_t, 2>> recent_key_order_;

  // What belongs to one I/O thread: entries of its turn, then they go to the queue; and what came back.
  struct alignas(64) Local {
    std::vector<Entry> entries;
    std::vector<OutboundItem> back;  ///< waits for the next round, so that both share their writes
    std::size_t submitted = 0;       ///< submissions whose answers have not been run
  };
  std::vector<Local> local_;
  std::mutex queue_mutex_;
  std::condition_variable queue_filled_;
  std::vector<Entry> queue_;
  std::size_t worth_waking_ = 1;  ///< with so many entries in it the committer has something to do
  bool stopping_ = false;
  std::atomic<std::size_t> waiting_{0};  ///< entries handed in and not yet answered
  std::atomic<std::size_t> waiting_bytes_{0};
  std::atomic<std::size_t> exempt_waiting_{0};  ///< of those, what takes no room
  std::mutex committer_;                        ///< the role: held by whoever sequences
  std::size_t commit_took_ = 0;                 ///< the latest one, in milliseconds
  std::vector<Entry> round_;                    ///< what is being committed; its memory is kept
  Position latest_round_ = 0;                   ///< the position of the latest one that went to the storage
  std::unique_ptr<CommitLanes> lanes_;          ///< null: the storage has one writer
  std::deque<std::unique_ptr<LaneRound>> under_way_;
  bool all_due_ = false;  ///< no round of a lane begins before one of all
  Millis lanes_rest_until_ = 0;
  std::vector<Entry> backlog_;  ///< comes before `queue_`: what waits for its lane
  std::thread writer_;
  Millis next_eviction_ = 0;
  Millis next_forgetting_ = 0;
  std::atomic<bool> storage_lost_{false};
  bool failed_lately_ = false;  ///< a round since the last housekeeping
  std::atomic<bool> clock_wrong_{false};

  Proposer<OpenSession> propose_session_;
  Proposer<SubmitMessage> propose_submit_;
  Proposer<WriteToUser> propose_write_;
  Proposer<RecallMessage> propose_recall_;
  Proposer<AdvanceMark> propose_mark_;
  Proposer<CreateConversation> propose_create_;
  Proposer<ChangeMembership> propose_membership_;
  Proposer<ChangeConversation> propose_change_;
  Proposer<ReadMessages> propose_read_;
  Publisher<SessionOpened> session_opened_;
  Publisher<SessionClosed> session_closed_;
  Publisher<MessageStored> stored_;
  Publisher<MessageRefused> refused_;
  Publisher<MessageRecalled> recalled_;
  Publisher<MarkAdvanced> advanced_;
  Publisher<ConversationCreated> created_;
  Publisher<MembershipChanged> membership_changed_;
  Publisher<ConversationChanged> conversation_changed_;
  Publisher<UserCreated> user_created_;
  Publisher<Overloaded> overloaded_;
  Publisher<StorageLost> lost_;
  Publisher<StorageRecovered> recovered_;

  Metric& messages_total_;
  Metric& repeated_total_;
  Metric& lane_rounds_total_;
  Metric& whole_rounds_total_;
  Metric& batches_total_;
  Metric& batch_messages_total_;
  Metric& refused_total_;
  Metric& queue_gauge_;
  Metric& actions_metric_;
  std::unique_ptr<DomainActions> actions_;
};

}  // namespace loft
