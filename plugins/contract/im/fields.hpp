// Reading what clients of document 003 write: every member is checked, and a wrong one is named.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <loft/contract_tools.hpp>
#include <loft/domain.hpp>
#include <loft/json.hpp>
#include <loft/messaging.hpp>

namespace loft::im {

/// Text, or an integer written as text: ids come in both forms. Missing gives empty text.
Result<std::string> id_text(const json::Value& value, std::string_view name);

/// Text; missing gives empty text.
Result<std::string> text(const json::Value& value, std::string_view name);

/// As above, but missing or empty text is an error.
Result<std::string> required_id(const json::Value& value, std::string_view name);
Result<std::string> required_text(const json::Value& value, std::string_view name);

/// The client's own id of a message, at most 128 bytes; missing gives empty text.
Result<std::string> client_id(const json::Value& value, std::string_view name);
Result<void> check_client_id(std::string_view value, std::string_view name);

/// `msg_<id>` or `<id>`; none when the text is neither.
MessageId message_id(std::string_view text) noexcept;

/// As above, but 0 is a number like any other, and nothing when the text is neither.
std::optional<MessageId> parse_message_id(std::string_view text) noexcept;

/// A cursor `last_message_id`, nothing when it is missing or empty. 0 is before all messages.
Result<std::optional<MessageId>> cursor(std::string_view text);

/// `limit` of offline messages, brought into 1 … 200.
std::size_t limit(std::optional<std::int64_t> given) noexcept;
inline constexpr std::size_t default_limit = 50;

/// `data` of `send_message`, or the body of `POST /api/v1/messages`. `client_msg_id` is read where it stands.
Result<void> read_submission(const json::Value& data, Submission& out);

/// An action on the message `id`, with an object of `arguments` or none.
Result<ActionRequest> read_action(std::string name, std::string_view id, const json::Value& arguments);

/// The acknowledgement `status` for that message, as an act on marks. `fetched` is this contract's mark.
Result<MarkAct> read_ack(MessageId message, const json::Value& status, MarkId fetched);

}  // namespace loft::im
