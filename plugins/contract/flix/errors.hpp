// From a failure to what a client of document 001 reads: the only place that knows both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <loft/error.hpp>

namespace loft::flix {

/// What was being done; the same reason means different things to different calls.
enum class Act : std::uint8_t { any, join, mark, hide, create };

/// The HTTP status, and what the body says. With `field` it is the form of validations: `message` is what is wrong with
/// that field.
struct WireError {
  unsigned status = 500;
  std::string_view code;
  std::string message;
  std::string_view field;
};

WireError wire_error(const Error& error, Act act = Act::any);

/// `{"success":false,…}`
void append_body(std::string& out, const WireError& error);

/// The response of an error reply on a channel: `{"reason":"…"}` or `{"errors":{…}}`.
void append_response(std::string& out, const Error& error, Act act = Act::any);

/// Failures that this contract finds itself.
namespace failure {
Error missing();                                            ///< a parameter of an event
Error field(std::string_view name, std::string_view what);  ///< a member of a body fails its check
Error blank(std::string_view name);                         ///< a member of a body is missing
Error parameter(std::string text);                          ///< of an event or a query
Error message_id();                                         ///< is no UUID
Error timestamp();                                          ///< is no time
Error body(const std::string& where);                       ///< is no JSON object
Error message_type();                                       ///< not what a user may send
Error not_service();                                        ///< the token is no backend's
Error wrong_user();                                         ///< user_id is not the caller's
Error conversation_type();                                  ///< neither private nor group
Error unknown_event();
Error no_token();
Error wrong_topic(std::string_view topic);  ///< another user's
Error socket_method();                      ///< in place of 405: document 001 says 400
}  // namespace failure

}  // namespace loft::flix
