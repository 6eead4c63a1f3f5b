// The core's service to contracts: write, act, read. It knows no wire format and no contract's field names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/message.hpp>

namespace loft {

class Contract;

/// Who calls: a user on a connection. Made by the host (`Peer::caller`, `HttpExchange::caller`), copied freely.
struct Caller {
  UserId user = UserId::none;
  const Contract* contract = nullptr;
  unsigned thread = 0;        ///< where the answers are called
  std::uint64_t session = 0;  ///< 0: an HTTP request; its answers are called whatever becomes of the connection
  bool service = false;       ///< a backend of the operator's (`Claims::service`): may write to system conversations
};

/// A set of messages of one conversation that one member has done something with; it only grows.
enum class MarkId : std::uint8_t {
  delivered,  ///< reached one of the member's devices
  read,       ///< implies delivered; heard of by other sessions
  hidden,     ///< the member does not want to see it any more, own ones included; nobody else is told. No list has it
              ///< but an inbox that asks for it (`having`); `message` and `sync` still give it, and say so
              ///< (`MessageRecord::hidden`)
};

/// A contract's own mark, such as `im.fetched`.
struct MarkSpec {
  std::string name;              ///< `<contract>.<word>`, durable identity
  bool implied_by_read = false;  ///< what is read counts as marked
  bool timed = false;            ///< when it was set is kept, up to an hour late, for `MarkAct::set_before`
};

/// A message on its way in.
struct Submission {
  ConversationRef to;
  std::string domain;     ///< `Vendor:Name`
  std::string content;    ///< JSON object; the domain checks and normalises it
  std::string client_id;  ///< the client's own id for this message, 1–128 bytes; empty: none, repeats are not detected
  bool may_create_users = false;
  std::string extras;  ///< Extras::encode; at most 4 KiB. Not part of what makes a repeat a conflict
};

struct Accepted {
  RecordPtr record;  ///< never null
  /// The client id was seen before with the same content: this is the original, and nobody is told again.
  bool repeated = false;
};

struct Recall {
  MessageId message = MessageId::none;
  Millis window = 0;          ///< the sender may recall within this time of the message; 0: no limit
  bool managers_too = false;  ///< a group's admins and owner may as well
  std::string reason;         ///< kept with the recall (`Change::note`), at most 1 KiB
};

struct Recalled {
  MessageRecord record;   ///< `record.message->recalled` carries position and so the time of the recall
  bool repeated = false;  ///< it was recalled before; that recall is returned
};

/// Moves marks. Exactly one of `messages`, `up_to`, `up_to_time`, `everywhere` says which messages; only those from
/// others are counted.
struct MarkAct {
  MarkId mark = MarkId::read;
  std::optional<MarkId> also;       ///< a second mark set by the same act
  std::vector<MessageId> messages;  ///< single messages, of any of the caller's conversations
  bool strict = false;  ///< with `messages`: an unknown one, or an own one, fails the act (else it is skipped)
  std::optional<ConversationRef> in;  ///< for the two below
  MessageId up_to = MessageId::none;  ///< everything up to this one, included
  Millis up_to_time = 0;              ///< everything with time() <= this
  bool everywhere = false;            ///< everything in all of the caller's conversations
  /// With `everywhere`: only messages from others that have this mark (one with MarkSpec::timed) since before
  /// `set_before`. Where it is not known since when, the message's own time counts. Not to set `hidden`.
  std::optional<MarkId> having;
  Millis set_before = 0;  ///< since 1970
};

struct Marked {
  std::uint64_t newly = 0;             ///< messages from others that were not so marked before
  bool advanced = false;               ///< `reached` moved on
  MessageId newest = MessageId::none;  ///< the newest message so marked in the conversation (of the last one named)
  Millis reached = 0;                  ///< the later of its time and the latest `up_to_time`; since 1970
};

struct NewConversation {
  ConversationKind kind = ConversationKind::group;  ///< or direct: with the one in `members`; one that is there is it
  std::string name;
  std::string description;
  std::string avatar;
  std::string handle;  ///< empty: none
  JoinRule join = JoinRule::free;
  std::uint32_t max_members = 0;  ///< 0: the host's limit
  std::vector<UserRef> members;   ///< besides the caller, who becomes the owner; repeats are ignored
};

/// Changes a group itself. What is nullopt stays.
struct ConversationAct {
  enum class Kind : std::uint8_t {
    update,
    dissolve,  ///< all leave, and nobody can join; owner only
  };
  Kind kind = Kind::update;
  ConversationRef in;
  Role at_least = Role::owner;  ///< who may update
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> avatar;
  std::optional<JoinRule> join;
  std::optional<std::uint32_t> max_members;
  std::optional<UserRef> owner;  ///< a member; the owner becomes an admin. By the owner only
};

struct ConversationRecord {
  std::shared_ptr<const Conversation> conversation;
  std::shared_ptr<const User> owner;  ///< group; else null
  std::shared_ptr<const User> peer;   ///< direct: the other user, as the caller sees it; else null
  std::uint64_t member_count = 0;
  std::uint64_t unread = 0;          ///< the caller's
  MessageRecord last;                ///< `last.message` is null where there is none that the caller may see
  std::optional<Member> me;          ///< the caller's membership; of a direct conversation with what there is to say
  MessageId read = MessageId::none;  ///< the newest message from others that the caller has read
  std::uint64_t lacking = 0;         ///< as ConversationQuery::lacking asks
  std::vector<std::shared_ptr<const User>> members;  ///< as ConversationQuery::members asks
  bool existed = false;                              ///< `create`: a direct conversation that was there before
};

struct MembershipAct {
  enum class Kind : std::uint8_t { join, leave, add, remove, set_role, mute };
  Kind kind = Kind::join;
  ConversationRef in;
  UserRef subject;           ///< add, remove, set_role, mute
  Role role = Role::member;  ///< set_role: member or admin
  Millis mute_until = 0;     ///< mute: since 1970; 0 lifts it
};

/// A page of messages.
struct Page {
  std::vector<MessageRecord> messages;
  std::uint64_t total = 0;  ///< as InboxQuery::with_total asks
  bool more = false;        ///< there are further ones in the same direction; a page of large ones may be short
};

/// Messages of one conversation, newest first. Hidden ones are left out.
struct HistoryQuery {
  ConversationRef in;
  MessageId before = MessageId::none;  ///< only older than this one; none: no bound
  Millis until = 0;                    ///< only with time() <= this; 0: no bound
  std::size_t limit = 50;
  bool with_recalled = true;  ///< false: recalled ones are left out
};

/// A kind of conversations, and where it has topics one of them.
struct ConversationClass {
  ConversationKind kind = ConversationKind::direct;
  std::string topic;
};

/// Messages from others in all of the caller's conversations that lack a mark, oldest first. Hidden ones are left out.
/// What was pushed to a live session that sets a mark by that (`SessionPolicy::mark_on_push`) counts as having it.
struct InboxQuery {
  bool with_recalled = false;         ///< recalled ones are part of it (as tombstones)
  bool only_recalled = false;         ///< nothing but recalled ones
  std::optional<MarkId> lacking;      ///< none: all messages from others, whatever their marks
  MessageId after = MessageId::none;  ///< only newer than this one
  std::size_t limit = 50;
  std::optional<MarkId>
      mark_returned;                  ///< set this mark on those that are returned, with `delivered`, before answering
  std::optional<MarkId> having;       ///< only those with this mark; with `hidden`, hidden ones and no others
  std::optional<ConversationRef> in;  ///< only of this conversation; one that is not the caller's has none
  std::vector<ConversationClass> classes;  ///< only of conversations of one of these; empty: of all
  bool newest_first = false;
  std::size_t offset = 0;   ///< so many are left out first
  bool with_total = false;  ///< count how many there are in all, whatever `limit` and `offset` say (`Page::total`)
};

/// The caller's unread messages. Recalled, hidden and own ones never count.
struct UnreadQuery {
  std::optional<ConversationRef> in;  ///< none: all conversations
  Millis since = 0;                   ///< with `in`: count messages with time() > this, whatever was read; 0: by marks
};

/// Everything that happened in the caller's conversations behind a position, in commit order, own acts included.
struct SyncQuery {
  Position after = 0;
  std::size_t limit = 100;
};

struct SyncEntry {
  Position position = 0;
  /// A message; for a recall the recalled one; for `read` the newest from others that the caller has read now or, by
  /// somebody else, the caller's newest that was read now; else null. `receipt` is filled for messages from others.
  MessageRecord record;
  std::optional<Change> change;  ///< set: it is a change
  std::shared_ptr<const Conversation> conversation;
  std::shared_ptr<const User> actor;
  std::shared_ptr<const User> subject;  ///< null where the change concerns nobody
};

struct SyncPage {
  std::vector<SyncEntry> entries;
  Position next = 0;  ///< ask behind this one next time: nothing that commits later lies before it
  bool more = false;
};

/// Something for whoever is connected now, never stored: typing, presence.
struct Signal {
  ConversationRef in;
  std::string name;           ///< a word of the contracts that know it, such as `typing`
  std::string data;           ///< a JSON object, or empty
  bool from_outside = false;  ///< the contract's own word: the caller need not be a member, and no session is spared
  MessageId message = MessageId::none;  ///< what it is about; none: the conversation
};

struct ConversationQuery {
  std::size_t limit = 100;
  std::size_t offset = 0;
  bool groups_only = false;
  bool with_last = false;         ///< fill `ConversationRecord::last`
  std::optional<MarkId> lacking;  ///< fill `ConversationRecord::lacking`: messages from others without this mark, that
                                  ///< are neither hidden nor recalled; what an InboxQuery would return
  bool only_lacking = false;      ///< leave out those where that count (without `lacking`: unread) is 0
  std::size_t members = 0;        ///< fill `ConversationRecord::members`, at most so many, in the order of joining
};

struct MarkState {
  MessageId newest = MessageId::none;  ///< the newest marked message; none: nothing is
  Millis reached = 0;                  ///< as Marked::reached
};

/// Thread role of every function: the thread in `caller.thread`, unless said otherwise. Answers come on that thread.
/// Reads may answer before they return; writes never do. What it needs of its arguments a function takes over. Bounding
/// the `limit` of a query is the contract's part. Every function may answer `unavailable` (storage; writes:
/// `host.clock`), `overloaded` (a queue is full) and `internal`. A direct or system conversation of others is
/// `conversation.unknown`, whatever is asked of it: `member.none` tells of groups.
class Messaging {
 public:
  virtual ~Messaging() = default;

  /// Thread role: control, `setup` only. The same name gives the same mark.
  virtual MarkId define_mark(const MarkSpec& spec) = 0;

  /// Sends. Only a service may write to system and broadcast conversations. Answered after the message is durable, for
  /// one caller in the order of the calls; where the queue is full, a caller without a session hears so ahead of its
  /// turn. Errors: invalid `domain.unknown`, `content.*`; not_found `user.unknown`, `conversation.unknown`; forbidden
  /// `member.none`, `member.muted`, `conversation.read_only`; conflict `client_id.reused` (other content); too_large
  /// `content.too_large`; what interceptors refuse with; too_large `extras.too_large`; invalid `extras.invalid` (no
  /// JSON object), `topic.invalid` (of 1 to 50 bytes a-z, 0-9, `_`, `.` and `-`); forbidden `domain.service_only`.
  virtual void submit(const Caller& caller, Submission submission, Done<Accepted> done) = 0;

  /// Sends all or none: the first refusal of any of them, also by an interceptor, is the answer to all, and nothing is
  /// sent. Durable together; answered in the order given. An interceptor that counts has counted those it passed.
  /// Errors as above; overloaded also for more than fit the queue at once.
  virtual void submit_all(const Caller& caller, std::vector<Submission> submissions,
                          Done<std::vector<Accepted>> done) = 0;

  /// Errors: not_found `message.unknown` (also when the caller may not see it); forbidden `recall.not_yours`; expired
  /// `recall.expired`; too_large `recall.reason_too_long`.
  virtual void recall(const Caller& caller, Recall recall, Done<Recalled> done) = 0;

  /// Errors: not_found `message.unknown`, `conversation.unknown`; forbidden `member.none`, `mark.own_message` (strict);
  /// invalid `mark.hidden_having` (`hidden` with `having`).
  virtual void mark(const Caller& caller, MarkAct act, Done<Marked> done) = 0;

  /// Makes a group, or a direct conversation before its first message. Errors: not_found `user.unknown`; conflict
  /// `conversation.handle_taken` (also one that begins with `system:`); too_large `conversation.too_many_members`;
  /// invalid `conversation.peer_missing` (direct, and not exactly one in `members`), `conversation.kind_invalid`.
  virtual void create(const Caller& caller, NewConversation conversation, Done<ConversationRecord> done) = 0;

  /// Errors: not_found `conversation.unknown`, `user.unknown`, `member.unknown` (the new owner is none); forbidden
  /// `member.none`, `role.required`, `conversation.not_a_group`; invalid `conversation.too_few` (`max_members` below
  /// the number of members). The change that `sync` shows has the new owner as `subject`, where there is one.
  virtual void change_conversation(const Caller& caller, ConversationAct act, Done<ConversationRecord> done) = 0;

  /// Errors: not_found `conversation.unknown`, `user.unknown`; forbidden `member.none`, `role.required`,
  /// `conversation.not_a_group`, `join.not_free`; conflict `member.already`, `member.owner_stays`; not_found
  /// `member.unknown` (the subject is not one); invalid `role.invalid`.
  virtual void change_membership(const Caller& caller, MembershipAct act, Done<MemberRecord> done) = 0;

  /// One message that the caller may see, hidden or not. Errors: not_found `message.unknown`.
  virtual void message(const Caller& caller, MessageId id, Done<MessageRecord> done) = 0;

  /// Errors: not_found `conversation.unknown`, `message.unknown` (`before`); forbidden `member.none`.
  virtual void history(const Caller& caller, HistoryQuery query, Done<Page> done) = 0;

  virtual void inbox(const Caller& caller, InboxQuery query, Done<Page> done) = 0;

  /// Errors: not_found `conversation.unknown`; forbidden `member.none`.
  virtual void unread(const Caller& caller, UnreadQuery query, Done<std::uint64_t> done) = 0;

  virtual void sync(const Caller& caller, SyncQuery query, Done<SyncPage> done) = 0;

  /// The caller's conversations, the one with the newest message first.
  virtual void conversations(const Caller& caller, ConversationQuery query,
                             Done<std::vector<ConversationRecord>> done) = 0;

  /// Errors: not_found `conversation.unknown`. `must_be_member`: forbidden `member.none`.
  virtual void conversation(const Caller& caller, ConversationRef ref, bool must_be_member,
                            Done<ConversationRecord> done) = 0;

  /// Errors as `conversation`. In the order of joining.
  virtual void members(const Caller& caller, ConversationRef ref, bool must_be_member,
                       Done<std::vector<MemberRecord>> done) = 0;

  /// Errors as `history`.
  virtual void mark_state(const Caller& caller, ConversationRef ref, MarkId mark, Done<MarkState> done) = 0;

  /// Tells the other members' sessions that want signals. Nobody hears of a failure, and nothing is kept.
  virtual void signal(const Caller& caller, Signal signal) = 0;

  /// Sessions and users that are connected now, over all contracts. Thread role: any.
  struct Online {
    std::uint64_t sessions = 0;
    std::uint64_t users = 0;
  };
  virtual Online online() const noexcept = 0;
};

/// Users by name. Answers on the calling I/O thread, perhaps before returning.
class Users {
 public:
  virtual ~Users() = default;

  /// Errors: not_found `user.unknown`; invalid `user.handle_invalid`.
  virtual void find(const Caller& caller, UserRef ref, Done<std::shared_ptr<const User>> done) = 0;

  /// Replaces the caller's profile (a JSON object, at most 8 KiB); answered once it is durable. Errors: invalid
  /// `user.profile_invalid`; unavailable, overloaded as Messaging.
  virtual void set_profile(const Caller& caller, std::string profile, Done<std::shared_ptr<const User>> done) = 0;
};

/// What a verified token says.
struct Claims {
  std::string subject;           ///< `sub`
  std::string handle;            ///< `uid` claim when it is a text
  std::uint64_t user_id = 0;     ///< `userId` claim, 0 where it is missing
  Millis expires = 0;            ///< since 1970; 0: never
  Millis believed_until = 0;     ///< `expires` and the host's leeway: `verify` refuses it from then on; 0: never
  bool service = false;          ///< claim `loft_service` is true: a backend of the operator's, see Caller::service
  std::optional<UserRef> named;  ///< whom the claim names that TokenRules asks for
  UserRef user() const {
    if (named) return *named;
    if (user_id != 0) return UserRef::of(static_cast<UserId>(user_id));
    return UserRef::handle_or_id(handle.empty() ? subject : handle);
  }
};

/// How a contract reads tokens, where its clients bring those of another issuer.
struct TokenRules {
  std::string claim;  ///< names the user; empty: `userId`, `uid` or `sub`, whichever is there
  UserRef::By names = UserRef::By::handle_or_id;  ///< what that claim's value is
  std::vector<std::string> algorithms;            ///< empty: all that the keys of the host allow
};

/// Tokens. Thread role: any.
class Identity {
 public:
  virtual ~Identity() = default;

  /// As below; in addition the token is signed with one of `rules.algorithms` (else `token.algorithm`), and has the
  /// claim (else `token.malformed`).
  virtual Result<Claims> verify(std::string_view token, const TokenRules& rules) const = 0;

  /// Errors: unauthenticated `token.missing`, `token.malformed`, `token.forged`, `token.expired`, `token.not_yet`,
  /// `token.algorithm`; unavailable `token.keys_missing` (an issuer's keys could not be had yet).
  virtual Result<Claims> verify(std::string_view token) const = 0;

  /// A token of this host's own for a user who has proved who it is, valid for `ttl` from now; every contract accepts
  /// it. Error: unavailable `token.no_issuer` (this identity makes none).
  virtual Result<std::string> issue(const User& user, Millis ttl) const {
    static_cast<void>(user), static_cast<void>(ttl);
    return Error{Code::unavailable, "token.no_issuer", "this host makes no tokens"};
  }
};

}  // namespace loft
