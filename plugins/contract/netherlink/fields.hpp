// Reading what clients of document 000 write: every member is checked, and a wrong one is named.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/contract_tools.hpp>
#include <loft/domain.hpp>
#include <loft/json.hpp>
#include <loft/messaging.hpp>

namespace loft::netherlink {

inline constexpr std::size_t max_page_size = 100;
inline constexpr std::size_t default_page_size = 50;  ///< over HTTP; the WebSocket's is the largest
inline constexpr std::size_t max_message_ids = 1000;

/// A frame taken apart. `payload` is an object, or null where there was none; it views the frame, or `text` here.
struct Frame {
  json::Value type;
  json::Value payload;
  std::string text;          ///< of a payload that came as a string
  bool payload_fits = true;  ///< false: it is neither an object nor a string with one
};

/// Errors: what `failure::frame` makes.
Result<void> read_frame(Bytes bytes, Frame& out);

struct LoginRequest {
  std::string uid;
  std::string token;
};
Result<LoginRequest> read_login(const json::Value& payload);

/// `chat`.
Result<void> read_chat(const json::Value& payload, Submission& out);

/// A list of message ids: numbers or decimal texts, exactly. Sorted, without repeats and what no message can have.
/// `required`: what it is when the list is missing or of the wrong type.
Result<std::vector<MessageId>> read_message_ids(const json::Value& list, Error (*malformed)(std::string));

/// An action on the message of that id, a number or decimal text, with an object of `arguments` or none. `malformed`:
/// as above.
Result<ActionRequest> read_action(std::string name, const json::Value& message, const json::Value& arguments,
                                  Error (*malformed)(std::string));

/// One page of a list: number from 1, size up to `max_page_size`.
struct Paging {
  std::int64_t page = 1;
  std::size_t size = default_page_size;

  std::size_t offset() const noexcept;
};
/// Pages below 1 are the first; sizes below 1 are `usual`, those above the largest are that.
Paging paging(std::optional<std::int64_t> page, std::optional<std::int64_t> size, std::size_t usual) noexcept;

/// The conversations that this id can mean to the user of that handle: none, one, or (handles may contain `_`) two.
std::vector<ConversationRef> conversations_named(std::string_view id, std::string_view handle);

}  // namespace loft::netherlink
