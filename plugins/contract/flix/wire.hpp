// Writing what clients of document 001 read. Members stand in the document's order.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <loft/contract.hpp>
#include <loft/domain.hpp>
#include <loft/message.hpp>

#include "ids.hpp"

namespace loft::flix {

/// Who reads.
struct Reader {
  Viewer viewer;
  UserId user = UserId::none;  ///< none: one of the recipients

  static Reader of(const User& user) { return {{user.uuid, nullptr}, user.id}; }
  static Reader each(Encoded& shared) { return {{{}, &shared}, UserId::none}; }
};

/// What happened to a message.
struct StatusUpdate {
  MessageId message = MessageId::none;
  std::string_view status;
  Millis at = 0;  ///< since 1970
};

/// What the reader sees of how far a message has come.
std::string_view status(const MessageRecord& record, const Reader& reader) noexcept;
/// The latest of the message and its withdrawal; since 1970.
Millis updated_at(const MessageRecord& record) noexcept;

/// Thread role: any, after `begin`.
class Wire {
 public:
  void begin(const Domains& domains, std::string locale, std::string_view recalled_text);

  /// `acted`: when the reader has read it, where that is known; since 1970.
  void message(std::string& out, const MessageRecord& record, const Reader& reader, Millis acted = 0) const;
  /// `[…]`
  void messages(std::string& out, const std::vector<MessageRecord>& records, const Reader& reader) const;

  /// The three events, by their position; the payload of the latter two is written by `status`.
  void new_message(std::string& out, const MessageRecord& record, const Reader& reader) const;
  void recalled(std::string& out, const MessageRecord& record, Position position, const Reader& reader) const;
  /// `record` is the message that has been read.
  void read(std::string& out, const MessageRecord& record, Position position, const Reader& reader) const;
  /// The same, live: the one who reads the event is `uuid`; in a direct conversation `other` is the one who has read.
  static void read(std::string& out, const Conversation& conversation, MessageId newest, Position position,
                   std::string_view uuid, std::string_view other, const Viewer& viewer);

  /// The events of a page of `sync`, with commas. Returns how many.
  std::size_t events(std::string& out, const SyncPage& page, const User& me, bool first) const;
  /// The messages from others that a page of `sync` brings or changes, or that `me` has read.
  std::size_t synced(std::string& out, const SyncPage& page, const User& me, bool first) const;

  /// One entry of `get_conversations`.
  void listed(std::string& out, const ConversationRecord& record, const User& me) const;
  /// The conversation object in it. `others`: the members of a group besides `me`, where the record does not say them.
  void conversation(std::string& out, const ConversationRecord& record, const User& me,
                    std::span<const std::string> others = {}) const;

 private:
  void content(std::string& out, const MessageRecord& record) const;

  const Domains* domains_ = nullptr;
  std::string locale_;
  std::string recalled_text_;
  std::string recalled_;  ///< the text as JSON
};

}  // namespace loft::flix
