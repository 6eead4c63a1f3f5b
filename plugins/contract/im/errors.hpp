// From a failure to what a client of document 003 reads: the only place that knows both.
#pragma once

#include <cstdint>
#include <string>

#include <loft/error.hpp>

namespace loft::im {

/// What was being done; the same reason means different things to a joining and to a leaving member.
enum class Act : std::uint8_t { any, leave };

/// The HTTP status and the text of `{"error":"…"}`. WebSocket frames use the text alone.
struct WireError {
  unsigned status = 500;
  std::string text;
};

WireError wire_error(const Error& error, Act act = Act::any);

/// Failures that this contract finds itself. The detail of `field` is the client's text.
namespace failure {
Error field(std::string text);  ///< a member is missing, of the wrong type or out of range
Error malformed_frame();        ///< not a JSON object with a `type`
Error unknown_type();
Error login_data();
Error not_logged_in();
Error malformed_body(const std::string& where);  ///< an HTTP body that is no JSON object
Error no_user();                                 ///< nobody said who calls
Error wrong_user();                              ///< the token is another user's
Error login_timeout();
Error token_expired();
}  // namespace failure

}  // namespace loft::im
