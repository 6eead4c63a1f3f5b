// Ids and times as document 001 writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/clock.hpp>
#include <loft/contract.hpp>
#include <loft/id.hpp>
#include <loft/json.hpp>
#include <loft/message.hpp>
#include <loft/uuid.hpp>

namespace loft::flix {

/// The topics of the conversations that the operator's backends write to.
inline constexpr std::string_view notification_topic = "notification";
inline constexpr std::string_view announcement_topic = "announcement";
inline constexpr std::string_view interaction_topic = "interaction";

enum class MessageType : std::uint8_t { system_notification, system_announcement, interaction, private_message };

std::string_view word(MessageType type) noexcept;
std::optional<MessageType> message_type(std::string_view word) noexcept;
MessageType message_type(const Conversation& conversation) noexcept;
/// The conversations that messages of this type are in.
std::vector<ConversationClass> classes(MessageType type);

/// As `derived_uuid`, without quotes and without an allocation.
void append_uuid(std::string& out, UuidKind kind, std::uint64_t id);

/// The UUID in lower case; nullopt for every other text.
std::optional<std::string> uuid(std::string_view text);

/// `2025-04-10T10:30:00.000Z`
void append_time(std::string& out, Millis time);

/// The position with all that it has: four more digits behind the milliseconds.
void append_position(std::string& out, Position position);

/// Where a client wants to go on: a text with or without the digits of `append_position`, milliseconds, null or "".
/// Whoever gives less than all digits hears the whole millisecond again. Nullopt: not a time.
std::optional<Position> parse_position(std::string_view text) noexcept;
std::optional<Position> parse_position(const json::Value& value);

/// Milliseconds of a text as `append_time` writes it, or of a number. Nullopt: neither.
std::optional<Millis> parse_time(const json::Value& value);

/// One side of a conversation as its id needs it: a uuid, or a place that each viewer's own is put in.
struct Viewer {
  std::string_view uuid;
  Encoded* shared = nullptr;  ///< set: the uuid is spliced in

  void append(std::string& out) const {
    if (shared != nullptr)
      shared->splice(Encoded::Part::viewer_uuid);
    else
      out += uuid;
  }
};

/// `private:a:b`, `group:…`, `system:notification:…` and so on. `one` and `other` are the two of a direct conversation.
void append_conversation_id(std::string& out, const Conversation& conversation, std::string_view one,
                            std::string_view other, const Viewer& viewer);
void append_conversation_id(std::string& out, const MessageRecord& record, const Viewer& viewer);

/// What such an id, or a conversation's uuid, names for `me`. Errors: not_found `conversation.unknown`.
Result<ConversationRef> conversation_ref(std::string_view text, const User& me);

}  // namespace loft::flix
