// The records that everything is about: users, conversations, members, messages, changes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <loft/clock.hpp>
#include <loft/id.hpp>

namespace loft {

/// A user. The three names identify one and the same; contracts choose which they show.
struct User {
  UserId id = UserId::none;
  std::string handle;  ///< unique, 1–50 bytes of UTF-8 without control characters
  std::string uuid;    ///< unique, lower case, 36 characters
  Millis created = 0;  ///< since 1970
  /// What the user shows of itself: a JSON object, empty for none. Members that contracts share: `name`, `avatar`,
  /// `email`, `brief`, `sex`, `birthday`.
  std::string profile;
};

enum class ConversationKind : std::uint8_t {
  direct,     ///< two users (or one with itself), found by the pair; no roles
  group,      ///< named, with members and roles
  system,     ///< one reader, written by the operator's backends; there is one for each topic and reader
  broadcast,  ///< one log that every user reads from the moment the user is made; written by the operator's backends
};

enum class Role : std::uint8_t { member, admin, owner };

/// Who may join a group without being added.
enum class JoinRule : std::uint8_t { free, approval, invite_only };

struct Conversation {
  ConversationId id = ConversationId::none;
  ConversationKind kind = ConversationKind::direct;
  UserId low = UserId::none;   ///< direct: the smaller id of the pair
  UserId high = UserId::none;  ///< direct: the larger one; equal to `low` for a conversation with oneself
  /// Group: optional unique name given by a contract or the operator. System and broadcast: made by the host, from the
  /// topic (and reader). Direct: empty.
  std::string handle;
  std::string topic;  ///< system, broadcast: a word that contracts agree upon, such as `notification`
  std::string uuid;   ///< unique, lower case
  std::string name;
  std::string description;
  std::string avatar;
  UserId owner = UserId::none;  ///< group
  JoinRule join = JoinRule::free;
  std::uint32_t max_members = 0;  ///< group: fewer than the host's limit; 0: that limit
  bool dissolved = false;         ///< group: over; all have left and nobody can join
  Millis created = 0;
  Millis updated = 0;  ///< the last change of name, description, avatar, owner or rules
};

struct Member {
  ConversationId conversation = ConversationId::none;
  UserId user = UserId::none;
  Role role = Role::member;
  Position joined = 0;             ///< its time is when
  Seq joined_seq = 0;              ///< the head at that moment: what this member may see begins behind it
  Millis muted_until = 0;          ///< may not send before this moment; 0: may
  bool left = false;               ///< a former member, kept for its marks
  UserId muted_by = UserId::none;  ///< who muted, latest
  Millis muted_at = 0;             ///< when
};

struct Message {
  MessageId id = MessageId::none;  ///< its time is the message's time
  ConversationId conversation = ConversationId::none;
  Seq seq = 0;
  UserId sender = UserId::none;
  std::string domain;     ///< `Vendor:Name`
  std::string content;    ///< a JSON object, normalised by its domain
  std::string extras;     ///< loft/extras.hpp: a JSON object, empty for none
  Position recalled = 0;  ///< 0: stands; else the position of the recall. Contracts must not show `content` then
  UserId recalled_by = UserId::none;

  Millis time() const noexcept { return id::time_of(raw(id)); }
};

/// What happened to a conversation other than a message. Shares the order of messages.
enum class ChangeKind : std::uint8_t { recalled, created, updated, joined, left, role, muted, read };

struct Change {
  Position position = 0;
  ConversationId conversation = ConversationId::none;
  ChangeKind kind = ChangeKind::updated;
  UserId actor = UserId::none;    ///< who did it
  UserId subject = UserId::none;  ///< joined, left, role, muted: whom it concerns
  /// recalled: which. read: the newest from others of those that `actor` has read now. There is one such change for
  /// each round of commits in which a member reads messages from others that were unread, and none in groups of more
  /// than `receipts.group_max` members.
  MessageId message = MessageId::none;
  Role role = Role::member;  ///< role: the new one
  std::string note;  ///< recalled: the reason that was given; read: the seqs that were unread, as `[[1,5],[7,9]]`
};

/// How far a message has come with one recipient, or with the recipient that is furthest (see `MessageRecord`).
enum class Receipt : std::uint8_t { sent, delivered, read };

/// A message with all that a contract needs to show it. Immutable, shared between threads.
struct MessageRecord {
  std::shared_ptr<const Message> message;
  std::shared_ptr<const Conversation> conversation;
  std::shared_ptr<const User> sender;
  std::shared_ptr<const User>
      peer;  ///< direct: the one who is not the sender (the sender for a note to oneself); else null
  /// For the sender: `read` when all recipients have read it, `delivered` when any has got it. In a group of more than
  /// `receipts.group_max` members: `delivered` when another member is known to have got it or a later one, never
  /// `read`; a member that left and came back counts from its return on. For a recipient: the recipient's own state. Of
  /// a recalled message, and in pushes, always `sent`.
  Receipt receipt = Receipt::sent;
  /// Read by somebody who has hidden it (`MarkId::hidden`): a contract shows it as deleted, or as not there.
  bool hidden = false;

  bool is_recalled() const noexcept { return message->recalled != 0; }
};

using RecordPtr = std::shared_ptr<const MessageRecord>;

struct MemberRecord {
  Member member;
  std::shared_ptr<const User> user;
};

/// A name for a user as it comes over a wire.
struct UserRef {
  enum class By : std::uint8_t {
    id,            ///< `number`
    handle,        ///< `text`
    handle_or_id,  ///< `text` as a handle, else as a decimal id
    uuid,          ///< `text`
  };
  By by = By::id;
  std::uint64_t number = 0;
  std::string text;
  bool create = false;  ///< by handle: make the user if it does not exist, where `identity.auto_create` allows

  static UserRef of(UserId id) { return {By::id, raw(id), {}, false}; }
  static UserRef handle(std::string text) { return {By::handle, 0, std::move(text), false}; }
  static UserRef handle_or_id(std::string text) { return {By::handle_or_id, 0, std::move(text), false}; }
  static UserRef uuid(std::string text) { return {By::uuid, 0, std::move(text), false}; }
  UserRef& or_create() {
    create = true;
    return *this;
  }
};

/// A name for a conversation as it comes over a wire.
struct ConversationRef {
  enum class By : std::uint8_t {
    id,            ///< `number`
    handle,        ///< `text`, of a group
    handle_or_id,  ///< `text` as a group's handle, else as a decimal id
    uuid,          ///< `text`
    direct,        ///< the caller's conversation with `peer`; made by the first message
    system,        ///< the one of the topic `text` that `peer` reads; made by the first message
    broadcast,     ///< the one of the topic `text`; made by the first message
  };
  By by = By::id;
  std::uint64_t number = 0;
  std::string text;
  UserRef peer;

  static ConversationRef of(ConversationId id) { return {By::id, raw(id), {}, {}}; }
  static ConversationRef handle_or_id(std::string text) { return {By::handle_or_id, 0, std::move(text), {}}; }
  static ConversationRef uuid(std::string text) { return {By::uuid, 0, std::move(text), {}}; }
  static ConversationRef direct(UserRef peer) { return {By::direct, 0, {}, std::move(peer)}; }
  static ConversationRef system(std::string topic, UserRef reader) {
    return {By::system, 0, std::move(topic), std::move(reader)};
  }
  static ConversationRef broadcast(std::string topic) { return {By::broadcast, 0, std::move(topic), {}}; }
};

}  // namespace loft
