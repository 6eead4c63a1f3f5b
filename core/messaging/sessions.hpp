// Live sessions, by I/O thread, and what is pushed to them. Everything of a thread's table is touched by that thread
// only; what crosses comes as posts, in commit order.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include <loft/bus.hpp>
#include <loft/contract.hpp>
#include <loft/events.hpp>
#include <loft/messaging.hpp>

#include "messaging/directory.hpp"

namespace loft {

/// The side of a session that core/endpoint gives: how to reach the connection.
class SessionLink {
 public:
  virtual ~SessionLink() = default;
  virtual void send(Slices message) = 0;
  virtual void hold() = 0;
  virtual void release() = 0;
  virtual std::uint64_t written() const noexcept = 0;
  virtual std::uint64_t proven() noexcept = 0;
  /// Another session took its place.
  virtual void replaced() = 0;
  /// Its user is erased: no token of that user is valid any more.
  virtual void revoked() = 0;
};

/// A run of messages pushed to a session whose arrival is not proven yet. Own messages between them belong to it, since
/// they never count for this session's user; otherwise every turn of a dialogue would be a run.
struct Unproven {
  ConversationId conversation = ConversationId::none;
  Seq low = 0;
  Seq high = 0;                        ///< the last one from somebody else
  Seq next = 0;                        ///< the seq that goes on with it: behind `high` and own messages that follow
  MessageId newest = MessageId::none;  ///< the id at `high`
  std::uint64_t offset = 0;            ///< proven when the link has proven this many bytes
  bool sealed = false;                 ///< not extended any more, so that it gets its turn under steady traffic
};

/// One login on one connection. Owned by its Peer; known to the table of its thread from `open` to `close`.
struct Session {
  SessionLink* link = nullptr;
  Caller caller;  ///< `caller.session` is the id: table slot and generation
  UserPtr user;   ///< from login on
  Interests interests;
  Variant variant = 0;
  std::uint32_t marks_on_push = 0;
  std::uint32_t in_flight : 29 = 0;  ///< submissions on their way
  bool single : 1 = false;
  bool active : 1 = false;             ///< pushes begin
  bool held : 1 = false;               ///< the window of submissions is full
  std::vector<ConversationId> groups;  ///< whose audience it is part of
  std::vector<Unproven> unproven;

  /// Takes over what a contract says about a session of its.
  void follow(const SessionPolicy& policy) {
    interests = policy.interests;
    variant = policy.variant;
    single = policy.single;
    for (const auto mark : policy.mark_on_push) marks_on_push |= 1u << static_cast<unsigned>(mark);
  }
};

/// A message that a session was to be given and was not.
struct Withheld {
  UserId user = UserId::none;
  std::uint64_t session = 0;
  MessageId message = MessageId::none;
};

/// One delivery on its way to an I/O thread.
struct Outgoing {
  Delivery::Kind kind = Delivery::Kind::message;
  MessageRecord record;
  Change change;
  std::shared_ptr<const Conversation> conversation;
  UserPtr actor;
  UserPtr subject;
  MessageId newest = MessageId::none;
  Millis reached = 0;
  std::optional<Signal> signal;
  bool to_group = false;  ///< the audience of `conversation`; else `low` and `high`
  UserId low = UserId::none;
  UserId high = UserId::none;  ///< none: `low` only
};

class Sessions {
 public:
  explicit Sessions(unsigned threads, Bus& bus);
  ~Sessions();

  // ---- each on the session's own thread

  /// Gives the session an id. `session` must stay where it is until `remove`.
  void add(Session& session);
  void remove(Session& session);
  /// The session of that id on this thread; null when it is gone.
  Session* find(unsigned thread, std::uint64_t id) noexcept;

  /// Pushes begin: `groups` are those of the user at this point of the commit order.
  void activate(Session& session, std::vector<ConversationId> groups);

  /// The user became or ceased to be a member at this point of the commit order.
  void join(unsigned thread, UserId user, ConversationId group);
  void leave(unsigned thread, UserId user, ConversationId group);

  void deliver(unsigned thread, const Outgoing& outgoing);
  void deliver(unsigned thread, const MessageRecord& record);

  /// Sessions of this thread that hear of a message of the conversation. 0 for direct ones: at most a handful.
  std::size_t audience(unsigned thread, const Conversation& conversation) const;

  /// What `deliver` could not give to those who were to have it; the caller empties it.
  std::vector<Withheld>& withheld(unsigned thread) noexcept;

  /// Calls `proven(session, run)` for every run that the links have proven.
  template <class F>
  void sweep(unsigned thread, F proven);

 private:
  struct Table;
  /// To the audience of the conversation, or to two users.
  void spread(Table& table, const Delivery& delivery, bool to_group, UserId low, UserId high);
  void push_to(Table& table, const std::vector<Session*>& sessions, const Delivery& delivery);
  void push(Table& table, Session& session, const Delivery& delivery);
  static const Encoded& encoding(Table& table, const Session& session, const Delivery& delivery);
  static void withhold(Table& table, const Session& session, const Delivery& delivery);
  static void note_unproven(Table& table, Session& session, const Message& message);

  std::vector<std::unique_ptr<Table>> tables_;
  Proposer<DeliverTo> deliver_to_;
};

struct Sessions::Table {
  struct Slot {
    Session* session = nullptr;
    std::uint32_t generation = 1;
  };
  std::vector<Slot> slots;
  std::vector<std::uint32_t> free;
  boost::unordered_flat_map<UserId, std::vector<Session*>> by_user;
  boost::unordered_flat_map<ConversationId, std::vector<Session*>> audiences;
  std::vector<Session*> unproven;   ///< sessions with runs that are not proven
  std::vector<Session*> everybody;  ///< those to whom the broadcast at hand goes

  /// Encodings of the delivery at hand, by contract and variant.
  struct Encoding {
    const Contract* contract = nullptr;
    Variant variant = 0;
    Encoded encoded;
  };
  std::vector<Encoding> encodings;
  std::size_t encodings_used = 0;
  std::vector<Withheld> withheld;
  std::exception_ptr problem;  ///< the latest that a contract threw during the delivery at hand
};

inline std::vector<Withheld>& Sessions::withheld(unsigned thread) noexcept { return tables_[thread]->withheld; }

template <class F>
void Sessions::sweep(unsigned thread, F proven) {
  auto& waiting = tables_[thread]->unproven;
  std::size_t kept = 0;
  for (auto* session : waiting) {
    const auto reached = session->link->proven();
    auto& runs = session->unproven;
    std::erase_if(runs, [&](Unproven& run) {
      run.sealed = run.offset > reached;
      if (!run.sealed) proven(*session, run);
      return !run.sealed;
    });
    if (runs.empty()) {
      runs.shrink_to_fit();
    } else {
      waiting[kept++] = session;
    }
  }
  waiting.resize(kept);
}

}  // namespace loft
