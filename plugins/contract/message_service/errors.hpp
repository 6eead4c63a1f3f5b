// From a failure to what a client of document 002 reads: the only place that knows both.
#pragma once

#include <string>
#include <string_view>

#include <loft/clock.hpp>
#include <loft/error.hpp>

namespace loft::message_service {

/// `code` and `message` of the envelope; the code is the HTTP status as well.
struct WireError {
  unsigned code = 500;
  std::string message;
};

WireError wire_error(const Error& error);

/// Failures that this contract finds itself.
namespace failure {
Error field(std::string text);  ///< a member or parameter is missing, of the wrong type or out of range
Error malformed_body(const std::string& where);  ///< a body that is no JSON object
Error no_token();
Error stranger();                      ///< a good token of a user that does not exist
Error recalled();                      ///< what is to be forwarded was recalled
Error no_message();                    ///< the caller cannot see it
Error recall_too_late(Millis window);  ///< in place of `recall.expired`
Error not_the_inviter();               ///< `inviterId` is somebody else
}  // namespace failure

}  // namespace loft::message_service
