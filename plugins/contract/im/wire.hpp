// Writing what clients of document 003 read: ids, messages, groups, times. Members stand in the document's order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <loft/contract.hpp>
#include <loft/domain.hpp>
#include <loft/json.hpp>
#include <loft/message.hpp>

namespace loft::im {

/// One of the document's message types.
struct Kind {
  std::string_view word;    ///< on the wire
  std::string_view domain;  ///< in the store
  std::string_view member;  ///< of the content, shown as `content`
};

const Kind& text_kind() noexcept;
const Kind& system_kind() noexcept;
const Kind* kind_of_word(const json::Value& word);
const Kind* kind_of_domain(std::string_view domain) noexcept;

/// `{"error":"…"}`
void append_error(std::string& out, std::string_view text);
/// `2024-01-01T00:00:00Z`
void append_time(std::string& out, Millis time);
/// A group's handle, or its number.
void append_group_id(std::string& out, const Conversation& group);

/// `msg_<id>`
void append_message_id(std::string& out, MessageId id);
/// Milliseconds since 1970.
void append_millis(std::string& out, Millis time);

/// `,"timestamp":1640995200000}`: the end of every frame and of some bodies.
void append_stamp(std::string& out, Millis now);

/// Thread role: any, after `setup`.
class Wire {
 public:
  void begin(const Domains& domains, std::string locale, std::string_view recalled_text);

  /// A message object. `viewer` fills in the receiver where the record has none (system conversations); without a
  /// viewer the place is left to `shared`.
  void message(std::string& out, const MessageRecord& record, const User* viewer, Encoded* shared = nullptr) const;

  /// The message object in the answer to its sender, and in the pushes that mostly follow it: made once for both where
  /// the two are the same.
  void sent(std::string& out, const MessageRecord& record, const User& sender) const;
  void pushed(Encoded& out, const MessageRecord& record) const;

  /// `{"messages":[…],"has_more":false}`
  void page(std::string& out, const Page& page, const User& viewer) const;

  /// `{"id":…,"name":…,…}`. `members` is a JSON list.
  static void group(std::string& out, const ConversationRecord& record, std::string_view members);
  /// A JSON list of user ids.
  static void member_ids(std::string& out, const std::vector<MemberRecord>& members);
  /// `{"members":[…]}`
  static void members(std::string& out, const Conversation& group, const std::vector<MemberRecord>& members);

 private:
  void content(std::string& out, const Message& message, const Kind* kind) const;

  const Domains* domains_ = nullptr;
  std::string locale_;
  std::string recalled_;  ///< a JSON string
};

}  // namespace loft::im
