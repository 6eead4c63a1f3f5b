// What waits for the committer: everything that changes something, in the order of its arrival.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <loft/function.hpp>
#include <loft/key_values.hpp>
#include <loft/messaging.hpp>
#include <loft/storage.hpp>

#include "messaging/directory.hpp"
#include "messaging/state.hpp"

namespace loft {

/// Thousands of them wait at a time: what most do not need is allocated by those that do.
struct SubmitEntry {
  struct More {
    ConversationRef to;              ///< where there is no peer
    std::optional<ClientKey> key;    ///< its digest is complete once the committer knows the target
    std::uint64_t said = 0;          ///< with `key`: the digest of domain and content, as they came from the client
    std::optional<Error> refused;    ///< decided before it was queued: it waits only for its turn to be answered
    std::optional<Error> unwelcome;  ///< what WriteToUser or Domain::sending answered; repeats do not mind it
    UserPtr other;                   ///< by the committer; direct, named by its id: the one who is not the sender
    std::string topic;               ///< of a system or broadcast conversation that this may make; `to` is its handle
    UserPtr reader;                  ///< system: who reads it
    std::string space;               ///< of `state`
    std::vector<KeyChange> state;    ///< of a plugin and the conversation (stored_state.hpp): stored with the message
  };

  UserPtr sender;
  UserPtr peer;                      ///< direct: resolved; else null and `more().to` names the conversation
  std::shared_ptr<Message> message;  ///< domain and content; id and seq come from the sequencer
  Done<Accepted> done;
  std::unique_ptr<More> rest;
  ConversationState* conversation = nullptr;  ///< by the committer; null: a direct one that does not exist yet

  More& more() {
    if (rest == nullptr) rest = std::make_unique<More>();
    return *rest;
  }
  const std::optional<ClientKey>& key() const noexcept {
    static constexpr std::optional<ClientKey> none;
    return rest != nullptr ? rest->key : none;
  }
};

/// An entry that is larger than submissions and rarer: held from afar, so that it does not make theirs larger.
template <class T>
class Boxed {
 public:
  Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}
  T& operator*() noexcept { return *value_; }
  const T& operator*() const noexcept { return *value_; }

 private:
  std::unique_ptr<T> value_;
};

template <class T>
T& unboxed(T& entry) noexcept {
  return entry;
}
template <class T>
T& unboxed(Boxed<T>& entry) noexcept {
  return *entry;
}

/// Several submissions that are stored together, or none of them is.
struct SubmitAllEntry {
  std::vector<SubmitEntry> parts;  ///< their `done` are empty
  std::optional<Error> refused;    ///< as SubmitEntry::More::refused; there are no parts then
  std::size_t count = 0;           ///< of submissions
  Done<std::vector<Accepted>> done;
};

struct RecallEntry {
  UserPtr actor;
  Recall recall;
  MessageRecord record;  ///< found before it was queued
  Done<Recalled> done;
};

/// A message that a mark concerns, found before it was queued.
struct MarkTarget {
  ConversationId conversation = ConversationId::none;
  Seq seq = 0;
  MessageId id = MessageId::none;
};

/// The messages of a conversation up to one of them.
struct MarkSpan {
  ConversationState* in = nullptr;
  Seq up_to = 0;
  MessageId up_to_id = MessageId::none;  ///< the id at `up_to`
  Millis up_to_time = 0;
  Seq old = 0;  ///< with MarkEntry::having: messages up to this one are from before `set_before`
};

struct MarkEntry {
  UserPtr actor;
  MarkId mark = MarkId::read;
  std::optional<MarkId> also;
  bool strict = false;
  std::vector<MarkTarget> targets;
  std::vector<MarkSpan> spans;
  bool everywhere = false;       ///< `spans` are all the conversations there are: one that is left is none
  std::optional<MarkId> having;  ///< of the spans, only what has this mark since before:
  Millis set_before = 0;
  Done<Marked> done;  ///< may be empty
};

/// What links have proven: written behind, answered to nobody.
struct ProvenEntry {
  UserId user = UserId::none;
  std::uint32_t marks = 0;  ///< bit set by MarkId
  ConversationId conversation = ConversationId::none;
  Seq low = 0;
  Seq high = 0;
  MessageId newest = MessageId::none;
};

struct CreateEntry {
  UserPtr actor;
  NewConversation conversation;
  std::vector<UserPtr> members;
  Done<ConversationRecord> done;
  ConversationState* known = nullptr;  ///< by the committer; direct: it is there
};

struct ChangeEntry {
  UserPtr actor;
  ConversationAct act;
  UserPtr heir;  ///< to be the owner; null: as it is
  ConversationState* conversation = nullptr;
  Done<ConversationRecord> done;
  UserPtr owner;  ///< by the committer: as it is
};

struct MembershipEntry {
  UserPtr actor;
  MembershipAct act;
  UserPtr subject;  ///< the actor itself for join and leave
  ConversationState* conversation = nullptr;
  Done<MemberRecord> done;
};

struct UserEntry {
  User user;               ///< id and uuid are filled in when empty
  bool if_absent = false;  ///< an existing handle is a success
  UserPtr existing;        ///< filled in by the committer: who has the handle
  Done<UserPtr> done;
};

struct ProfileEntry {
  UserPtr user;
  std::string profile;
  Done<UserPtr> done;
};

struct KeyValueEntry {
  std::string space;
  std::vector<KeyChange> changes;
  std::vector<std::optional<std::string>> stored;  ///< by the committer; of each change with `expected`, what is stored
  Done<bool> done;
};

struct OpenEntry {
  UserPtr user;
  SessionInfo session;
  Done<Login> done;
};

struct CloseEntry {
  UserId user = UserId::none;
  std::uint64_t session = 0;
};

// What follows comes from the host itself, see core.hpp.

/// Removes a conversation's messages up to one of them.
struct ForgetEntry {
  ConversationId conversation = ConversationId::none;
  Seq upto = 0;
  Done<std::size_t> done;
  std::optional<std::size_t> forgotten;  ///< by the committer
};

/// Empties messages of an erased user, recalls those that stand, and empties the user's marks there.
struct EraseEntry {
  UserPtr user;
  ConversationState* conversation = nullptr;
  std::vector<Message> messages;
  std::vector<std::string> marks;  ///< their names
  Done<bool> done;
  UserPtr peer;  ///< by the committer; direct: the other one
};

/// Leaves of a user what others' messages refer to.
struct EntombEntry {
  User tombstone;
  Done<UserPtr> done;
};

struct Entry {
  Caller caller;
  std::variant<SubmitEntry, Boxed<SubmitAllEntry>, Boxed<RecallEntry>, Boxed<MarkEntry>, ProvenEntry,
               Boxed<CreateEntry>, Boxed<ChangeEntry>, Boxed<MembershipEntry>, Boxed<UserEntry>, Boxed<ProfileEntry>,
               Boxed<KeyValueEntry>, Boxed<OpenEntry>, CloseEntry, Boxed<ForgetEntry>, Boxed<EraseEntry>,
               Boxed<EntombEntry>>
      what;
  std::size_t bytes = 0;          ///< counted against the queue's limit
  bool asked = false;             ///< WriteToUser was, by the committer: once, however often it is drafted
  std::unique_ptr<Error> failed;  ///< what it needs could not be read; filled in by the committer before it sequences
};

}  // namespace loft
