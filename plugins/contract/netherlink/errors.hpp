// From a failure to what a client of document 000 reads: the only place that knows both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <loft/error.hpp>

namespace loft::netherlink {

/// What was being done: failures that are nobody's fault are named after it.
enum class Act : std::uint8_t {
  any,
  login,
  chat,
  query,
  mark,     ///< over HTTP
  confirm,  ///< the same over the WebSocket
  clear,
};

/// The HTTP status and the text of `message`. WebSocket frames use the text alone.
struct WireError {
  unsigned status = 500;
  std::string text;
};

WireError wire_error(const Error& error, Act act);

/// `{"message":"…"}`, with `detail` where it is not empty.
void append_error_payload(std::string& out, std::string_view text, std::string_view detail);
/// `{"success":false,"message":"…"}`; with `code` -1 where it is about who calls.
void append_error_body(std::string& out, const WireError& error, std::string_view detail);

/// Failures that this contract finds itself. `detail` is for developers and says where.
namespace failure {
Error frame(std::string detail);  ///< not a JSON object with a `type`, or a payload of the wrong shape
Error login_first();              ///< something else came before `login`
Error login_data(std::string detail);
Error login_timeout();
Error wrong_user();  ///< the token is another user's
Error token_expired();
Error replaced();
Error unknown_type();
Error chat_frame(std::string detail);
Error field_missing(std::string detail);
Error chat_type();
Error no_messages();  ///< an empty list of ids
Error too_many_messages();
Error parameters(std::string detail);
Error no_credentials();
Error credentials_form();
Error unknown_caller();  ///< the token is good, its user is not known here
}  // namespace failure

}  // namespace loft::netherlink
