// Writing what clients of document 002 read. Members stand in the document's order.
#pragma once

#include <string>
#include <string_view>

#include <loft/domain.hpp>
#include <loft/json.hpp>
#include <loft/message.hpp>
#include <loft/messaging.hpp>

namespace loft::message_service {

/// `"2025-11-09T15:30:00Z"`, with the quotes.
void append_time(std::string& out, Millis time);
/// `"msg_<id>"`, with the quotes.
void append_message_id(std::string& out, MessageId id);
/// A group's handle, or `group_<id>`, with the quotes.
void append_group_id(std::string& out, const Conversation& group);

std::string_view word(Role role) noexcept;
std::string_view word(JoinRule rule) noexcept;

/// Thread role: any, after `setup`.
class Wire {
 public:
  void begin(const Domains& domains, std::string locale, std::string_view recalled_text);

  /// A message object, with the status that the record has for its viewer.
  void message(std::string& out, const MessageRecord& record) const;
  /// As above, in the answer to its sender: the status is `SENT`.
  void sent(std::string& out, const MessageRecord& record) const;

  /// `{"groupId":…,"name":…,…}`
  static void group(std::string& out, const ConversationRecord& record);
  /// `{"userId":…,"username":…,…}`
  static void member(std::string& out, const MemberRecord& record);

 private:
  void put(std::string& out, const MessageRecord& record, std::string_view status) const;
  void content(std::string& out, const Message& message) const;

  const Domains* domains_ = nullptr;
  std::string locale_;
  std::string recalled_;  ///< a JSON string
};

}  // namespace loft::message_service
