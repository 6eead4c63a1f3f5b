// Reading what clients of document 001 write: every member is checked, and a wrong one is named.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <loft/contract_tools.hpp>
#include <loft/domain.hpp>
#include <loft/json.hpp>
#include <loft/messaging.hpp>

#include "ids.hpp"

namespace loft::flix {

/// `payload` of `send_message`, by `me`.
Result<void> read_event(const json::Value& payload, const User& me, Submission& out);

/// The body of `POST /messages`, by `me`.
Result<void> read_body(const json::Value& body, const User& me, Submission& out);

/// The body of the operator's `POST /system/messages`. `reader` is empty for an announcement.
Result<void> read_system(const json::Value& body, Submission& out, std::string& reader);

/// An action on that message, with an object of `arguments` or none.
Result<ActionRequest> read_action(std::string name, MessageId message, const json::Value& arguments);

/// A message's UUID. Errors: `flix.message_id`; one of well-formed UUIDs that names no message is `message.unknown`.
Result<MessageId> message_id(std::string_view text);
Result<MessageId> message_id(const json::Value& value);

/// The ids of a list, without those that name no message.
Result<std::vector<MessageId>> message_ids(const json::Value& value);

/// `payload` of `mark_read`.
Result<MarkAct> read_mark(const json::Value& payload, const User& me);

/// `payload` of `get_conversation_history`; nullopt: nothing is that old.
Result<std::optional<HistoryQuery>> read_history(const json::Value& payload, const User& me);

/// `payload` of `create_conversation`.
Result<NewConversation> read_conversation(const json::Value& payload, const User& me);

/// `limit` and `offset` of lists; `standard` where the limit is missing.
struct Range {
  std::size_t limit = 0;
  std::size_t offset = 0;
};
Result<Range> read_range(const json::Value& limit, const json::Value& offset, std::size_t standard);
Result<Range> read_range(const HttpExchange& exchange, std::size_t standard);

}  // namespace loft::flix
