// Reading what clients of document 002 write: every member is checked, and a wrong one is named.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>
#include <loft/messaging.hpp>

namespace loft::message_service {

/// A user's number, or the same as text.
Result<UserId> user_id(const json::Value& value, std::string_view name);
Result<UserId> user_id(std::string_view text, std::string_view name);

/// A list of at most `limit` users, each once; missing gives none.
Result<std::vector<UserId>> user_ids(const json::Value& list, std::string_view name, std::size_t limit);

/// `msg_<id>` or `<id>`; none when the text is neither.
MessageId message_id(std::string_view text) noexcept;
/// Text, or an integer written as text; none when it is no message id.
MessageId message_id(const json::Value& value);

/// A group as the wire names it: its handle, `group_<id>`, or `<id>`.
ConversationRef group_ref(std::string text);
Result<ConversationRef> group_ref(const json::Value& value, std::string_view name);

/// Text of at most `bytes`; missing gives nothing.
Result<std::optional<std::string>> text(const json::Value& value, std::string_view name, std::size_t bytes);

/// The client's own id of a message: required, 1 to 128 bytes.
Result<std::string> client_id(const json::Value& value);

/// A whole number in the query, brought into the range; `preset` where it is missing.
Result<std::size_t> query_number(const HttpExchange& exchange, std::string_view name, std::int64_t low,
                                 std::int64_t high, std::int64_t preset);

}  // namespace loft::message_service
