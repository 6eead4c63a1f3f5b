// What messaging must be, said in the simplest way: a row per member, message and mark, and lists that are scanned.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "world.hpp"

namespace loft::tests {

struct ModelMessage {
  MessageId id{};
  Seq seq = 0;
  UserId sender{};
  std::string content;
  bool recalled = false;
  std::size_t order = 0;  ///< over all conversations
};

struct ModelMember {
  UserId user{};
  Role role = Role::member;
  Seq joined_seq = 0;
  Position joined = 0;
  std::size_t joined_event = 0;  ///< into Model::events; what the member hears begins with it
  Millis muted_until = 0;
  bool left = false;
  bool moved = false;  ///< in this round
};

struct ModelConversation {
  ConversationId id{};
  bool direct = false;
  UserId low{}, high{};
  std::vector<ModelMember> members;
  std::deque<ModelMessage> log;
  ConversationKind kind = ConversationKind::group;
  std::string handle;  ///< system, broadcast
  std::string topic;
  bool dissolved = false;

  bool is_group() const { return kind == ConversationKind::group; }
  bool is_notice() const { return kind == ConversationKind::system || kind == ConversationKind::broadcast; }
  ModelMember* member(UserId user) {
    for (auto& member : members) {
      if (member.user == user && !member.left) return &member;
    }
    return nullptr;
  }
  std::size_t present() const {
    if (kind == ConversationKind::broadcast) return 0;  // everybody, and nobody in particular
    return static_cast<std::size_t>(
        std::count_if(members.begin(), members.end(), [](const auto& m) { return !m.left; }));
  }
  Position newest() const { return log.empty() ? raw(id) : std::max(raw(id), raw(log.back().id)); }
};

struct ModelSession {
  Client* client = nullptr;
  UserId user{};
  SessionPolicy policy;
  std::size_t since = 0;  ///< messages of a higher order are pushed
  std::vector<std::string> expected;
  std::vector<std::pair<ModelConversation*, Seq>> unproven;
  std::set<std::size_t> withheld;  ///< orders of messages that its contract had no words for
  bool replaced = false;

  bool sets(MarkId mark) const {
    return std::find(policy.mark_on_push.begin(), policy.mark_on_push.end(), mark) != policy.mark_on_push.end();
  }
};

/// A message, or a change.
struct ModelEvent {
  std::optional<ChangeKind> kind;
  ConversationId in{};
  UserId actor{}, subject{};
  MessageId message{};
  std::size_t act = 0;
  std::set<Seq> read;  ///< what was unread
};

struct Model {
  std::deque<ModelConversation> conversations;
  std::deque<ModelSession> sessions;
  /// With the time of the act, as far as it is kept.
  std::map<std::tuple<UserId, ConversationId, MarkId, Seq>, Millis> rows;
  std::map<std::tuple<UserId, ConversationId, MarkId>, MarkState> states;
  struct Key {
    std::uint64_t target;
    std::string content;
    MessageId id;
  };
  std::map<std::pair<UserId, std::string>, Key> keys;
  std::vector<ModelEvent> events;
  std::size_t messages = 0;
  MessageId last{};

  ModelConversation* find(ConversationId id);
  ModelConversation* direct(UserId a, UserId b);
  ModelConversation* named(const std::string& handle);
  std::pair<ModelConversation*, ModelMessage*> message(MessageId id);
  bool has(UserId user, const ModelConversation& in, MarkId mark, Seq seq) const {
    return rows.contains({user, in.id, mark, seq});
  }
  static bool implied(MarkId mark) { return mark != MarkId::hidden && raw(mark) != 3; }
  /// Since before a moment.
  bool had(UserId user, const ModelConversation& in, MarkId mark, Seq seq, Millis before) const;

  std::uint64_t unread(UserId user, ModelConversation& in) const;
  Receipt receipt_of(UserId recipient, const ModelConversation& in, const ModelMessage& message) const;
  Receipt receipt(UserId viewer, ModelConversation& in, const ModelMessage& message) const;
  /// All that fits, `limit` and `offset` apart.
  std::vector<MessageId> inbox(UserId user, const InboxQuery& query);
  std::uint64_t lacking(UserId user, const ModelConversation& in, MarkId mark);
  /// The newest message from others that is read.
  MessageId read(UserId user, ModelConversation& in) const;
  /// What sync names of an event of kind `read`: the newest own message that stands or, of one's own reading, the
  /// newest from others.
  MessageId named_read(UserId user, const ModelEvent& event);
  std::vector<MessageId> history(UserId user, ModelConversation& in, MessageId before, Millis until,
                                 bool with_recalled);
  /// Marks one message; whether it is a foreign one that stands and was not so marked.
  bool mark(UserId user, ModelConversation& in, MarkId mark, Seq seq, Millis now, bool proven = false);
  struct Moved {
    bool reached = false;
    bool any = false;  ///< others are told of
  };
  /// The mark reaches a message and a time.
  Moved reach(UserId user, const ModelConversation& in, MarkId mark, MessageId newest, Millis time);
  void event(ModelEvent event);
  /// Others hear that a member has read: once for each round.
  void read_event(UserId user, ModelConversation& in);
  void next_act() {
    ++act_;
    newly_read_.clear();
  }
  void end_round();
  /// Whether an event is part of what the user syncs.
  bool hears(UserId user, std::size_t event);
  void push_signal(ModelConversation& in, UserId actor, const std::string& name);
  void push(ModelConversation& in, const std::string& line, bool Interests::*interest);
  void push_message(ModelConversation& in, const ModelMessage& message);
  void push_read(UserId user, const ModelConversation& in);

 private:
  static bool pushed(const ModelSession& session, UserId user, MarkId mark, const ModelMessage& message) {
    return session.user == user && session.sets(mark) && message.order > session.since &&
           !session.withheld.contains(message.order);
  }
  bool is_pushed(UserId user, std::optional<MarkId> mark, const ModelMessage& message) const;
  bool fits(UserId user, const ModelConversation& in, const ModelMessage& message, const InboxQuery& query) const;

  struct RoundRead {
    std::size_t event = 0;
    std::map<std::size_t, std::size_t> lines;  ///< by session: where its receipt stands
    std::map<UserId, MessageId> senders;
  };
  std::size_t act_ = 0;
  std::map<std::pair<ConversationId, UserId>, RoundRead> round_reads_;
  std::vector<std::pair<ModelConversation*, Seq>> newly_read_;  ///< by the act at hand
};

}  // namespace loft::tests
