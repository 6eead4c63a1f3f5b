// The host's own events. Plugins define further ones in the same way.
#pragma once

#include <string>

#include <loft/bus.hpp>
#include <loft/domain.hpp>
#include <loft/message.hpp>
#include <loft/messaging.hpp>

namespace loft {

// ---- Proposals: thread role of interceptors is the caller's I/O thread, where nothing else is said.

/// A user logs in on a connection.
struct OpenSession : Proposal {
  Caller caller;
  std::shared_ptr<const User> user;
};

/// A message is about to be sent. Rewriting may change `submission.domain` and `submission.content`; the domain checks
/// the result again.
struct SubmitMessage : Proposal {
  Caller caller;
  Submission submission;
};

/// A message is about to be stored in the direct conversation of two users, by whatever name the client called that.
/// Asked once for each message, after SubmitMessage; not for what users write to themselves, and not in groups, system
/// conversations and broadcasts. A repeat of a client id is answered with its original whatever is said here. Only the
/// answering form is possible. Thread role: the committer's: one question at a time, on no particular thread, while
/// everything that was sent waits. Answer from memory, and call nothing of the host but its log and metrics.
struct WriteToUser : Proposal {
  using answers_at_once = void;
  Caller caller;  ///< the sender; its `thread` is not the one that asks
  UserId receiver = UserId::none;
};

struct RecallMessage : Proposal {
  Caller caller;
  Recall recall;
};

struct AdvanceMark : Proposal {
  Caller caller;
  MarkAct act;
};

struct CreateConversation : Proposal {
  Caller caller;
  NewConversation conversation;
};

struct ChangeMembership : Proposal {
  Caller caller;
  MembershipAct act;
};

struct ChangeConversation : Proposal {
  Caller caller;
  ConversationAct act;
};

/// A member is about to act on a message, as `Domains::act` is asked to. Rewriting may change `request.arguments`; the
/// host checks the result.
struct PerformAction : Proposal {
  Caller caller;
  ActionRequest request;
};

/// A committed message is about to be pushed to one recipient. A refusal keeps it from this recipient's sessions.
/// Only the answering form is possible here. Thread role: the recipient's I/O thread.
struct DeliverTo : Proposal {
  using answers_at_once = void;
  const MessageRecord* record = nullptr;
  UserId recipient = UserId::none;
};

/// Messages, or what is derived from them, are about to be read: every read of `Messaging`, lists of conversations and
/// members included.
struct ReadMessages : Proposal {
  Caller caller;
};

// ---- Facts: thread role of observers is the thread of the cause.

struct MessageStored : Fact {
  MessageRecord record;
};

struct MessageRefused : Fact {
  UserId sender = UserId::none;
  Error error;
};

struct MessageRecalled : Fact {
  MessageRecord record;
};

/// A domain's action was done, and what it stored is durable.
struct ActionDone : Fact {
  std::shared_ptr<const User> actor;
  MessageRecord record;  ///< what it is about
  ActionRequest request;
  std::string_view told;  ///< as Action::told
};

struct MarkAdvanced : Fact {
  UserId user = UserId::none;
  ConversationId conversation = ConversationId::none;
  MarkId mark = MarkId::read;
  MessageId newest = MessageId::none;
  Millis reached = 0;  ///< as Marked::reached
};

struct ConversationCreated : Fact {
  std::shared_ptr<const Conversation> conversation;
};

struct MembershipChanged : Fact {
  Change change;
};

/// Its name and the like, or it is dissolved.
struct ConversationChanged : Fact {
  std::shared_ptr<const Conversation> conversation;
};

struct SessionOpened : Fact {
  Caller caller;
};

struct SessionClosed : Fact {
  Caller caller;
};

struct UserCreated : Fact {
  std::shared_ptr<const User> user;
};

/// A queue reached its limit and something was turned away.
struct Overloaded : Fact {
  std::string_view what;
};

struct StorageLost : Fact {
  Error error;
};
struct StorageRecovered : Fact {};

/// One entry of the committed order, as a follower sees it. Exactly one of the two is set.
struct Committed {
  Position position = 0;
  const Message* message = nullptr;
  const Change* change = nullptr;
};

}  // namespace loft
