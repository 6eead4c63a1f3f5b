// Writing what clients of document 000 read: messages, conversation ids, times, envelopes. Members stand in the
// document's order.
#pragma once

#include <string>
#include <string_view>

#include <loft/contract.hpp>
#include <loft/domain.hpp>
#include <loft/json.hpp>
#include <loft/message.hpp>

namespace loft::netherlink {

/// What a type of the wire is in the store.
struct Kind {
  std::string_view word;    ///< on the wire
  std::string_view domain;  ///< in the store
  std::string_view member;  ///< of the stored object: shown as `content`; the others are `extra`
};

/// The kind that clients send under this word; null: none. `emoji` is text with a note.
const Kind* kind_of_word(std::string_view word) noexcept;
inline constexpr std::string_view emoji = "emoji";
/// The member of a stored text that says which of this contract's types it was.
inline constexpr std::string_view type_note = "netherlink_type";

/// `{"type":"…","payload":…}`, the payload as it is or as a string. `payload` must not be part of `out`.
void append_frame(std::string& out, std::string_view type, Bytes payload, bool as_string);

/// `"alice_bob"`: handles in the order of their bytes.
void append_pair(std::string& out, std::string_view one, std::string_view other);
/// A conversation as lists name it: `"alice_bob"`, `"group_<id>"`, `"system_<id>"`.
void append_conversation(std::string& out, const Conversation& conversation, std::string_view one,
                         std::string_view other);

/// Thread role: any, after `setup`.
class Wire {
 public:
  /// Of chat frames: an answer to the sender, or news for a receiver.
  enum class Live { sent, news };

  void begin(const Domains& domains, std::string locale, std::string_view recalled_text, int offset_minutes);

  /// The payload of `chat_response` and `chat`.
  void live(std::string& out, const MessageRecord& record, Live which) const;
  /// The payload of `message_recalled`.
  void recalled(std::string& out, const MessageRecord& record) const;

  /// Members `"messages":[…]`, as `viewer` sees them; `created_at` stands in HTTP lists only.
  void list(std::string& out, const Page& page, const User& viewer, bool with_created_at) const;

 private:
  void row(std::string& out, const MessageRecord& record, const User& viewer, bool with_created_at) const;
  void tail(std::string& out, const MessageRecord& record) const;
  void shown(std::string& out, const MessageRecord& record) const;
  void preview(std::string& out, const Message& message) const;
  void time(std::string& out, Millis time, unsigned digits) const;

  const Domains* domains_ = nullptr;
  std::string locale_;
  std::string recalled_;  ///< a JSON string
  int offset_minutes_ = 0;
};

}  // namespace loft::netherlink
