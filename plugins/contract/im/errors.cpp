#include "errors.hpp"

#include <string_view>

namespace loft::im {
namespace {

struct Row {
  std::string_view reason;
  Act act;
  unsigned status;
  std::string_view text;
  bool with_detail;  ///< the detail says which field or limit it is; without a text it is the whole answer
};

// Reasons first. Texts are English and fixed: clients compare them.
constexpr Row rows[] = {
    {"im.field", Act::any, 400, "", true},
    {"im.frame", Act::any, 400, "Invalid message format", false},
    {"im.type", Act::any, 400, "Unknown message type", false},
    {"im.login", Act::any, 400, "Invalid login data", false},
    {"im.not_logged_in", Act::any, 401, "Not logged in", false},
    {"im.body", Act::any, 400, "Invalid request body", true},
    {"im.no_user", Act::any, 401, "User ID required", false},
    {"im.wrong_user", Act::any, 401, "The token belongs to another user", false},
    {"im.login_timeout", Act::any, 401, "Login timeout", false},
    {"http.400", Act::any, 400, "Malformed request", false},
    {"http.404", Act::any, 404, "Not found", false},
    {"http.405", Act::any, 405, "Method not allowed", false},
    {"http.408", Act::any, 408, "Request timeout", false},
    {"http.413", Act::any, 413, "Request too large", false},
    {"http.414", Act::any, 414, "URI too long", false},
    {"http.417", Act::any, 417, "Expectation failed", false},
    {"http.426", Act::any, 426, "WebSocket upgrade required", false},
    {"http.431", Act::any, 431, "Request headers too large", false},
    {"http.501", Act::any, 501, "Transfer coding not supported", false},
    {"http.503", Act::any, 503, "Service unavailable, try again later", false},
    {"http.505", Act::any, 505, "HTTP version not supported", false},
    {"token.missing", Act::any, 401, "User ID required", false},
    {"token.expired", Act::any, 401, "Token expired", false},
    {"token.malformed", Act::any, 401, "Invalid token", false},
    {"token.forged", Act::any, 401, "Invalid token", false},
    {"token.not_yet", Act::any, 401, "Invalid token", false},
    {"token.algorithm", Act::any, 401, "Invalid token", false},
    {"user.unknown", Act::any, 404, "User not found", false},
    {"user.handle_invalid", Act::any, 400, "Invalid user ID", false},
    {"message.unknown", Act::any, 404, "Message not found", false},
    {"conversation.unknown", Act::any, 404, "Group not found", false},
    {"conversation.not_a_group", Act::any, 404, "Group not found", false},
    {"conversation.read_only", Act::any, 403, "This conversation is read-only", false},
    {"conversation.handle_taken", Act::any, 400, "The group exists already", false},
    {"conversation.too_many_members", Act::any, 413, "Too many members", false},
    {"member.none", Act::leave, 400, "Not a member of the group", false},
    {"member.none", Act::any, 403, "Not a member of the group", false},
    {"member.unknown", Act::any, 400, "Not a member of the group", false},
    {"member.already", Act::any, 400, "Already a member of the group", false},
    {"member.owner_stays", Act::any, 400, "The owner cannot leave the group", false},
    {"member.muted", Act::any, 403, "Muted in this conversation", false},
    {"join.not_free", Act::any, 403, "This group cannot be joined without an invitation or approval", false},
    {"mark.own_message", Act::any, 403, "Only a recipient can acknowledge a message", false},
    {"client_id.reused", Act::any, 400, "The client message ID was used for another message", false},
    {"domain.unknown", Act::any, 400, "Message type not supported", false},
    {"domain.service_only", Act::any, 403, "Only the operator can send system messages", false},
    {"content.too_large", Act::any, 413, "Message too large", false},
    {"content.invalid", Act::any, 400, "Invalid content", true},
    {"content.forbidden_word", Act::any, 403, "Message contains a forbidden word", false},
    {"user.blocked", Act::any, 403, "Blocked by the receiver", false},
    {"rate.limited", Act::any, 429, "Too many requests, try again later", false},
};

// Then codes, in the order of `Code`. What is not the caller's fault says nothing about the host.
struct CodeRow {
  unsigned status;
  std::string_view text;
  bool says_why;
};
constexpr CodeRow codes[] = {
    {400, "Bad request", true},                            // invalid
    {401, "Unauthorized", false},                          // unauthenticated
    {403, "Forbidden", true},                              // forbidden
    {404, "Not found", false},                             // not_found
    {400, "Conflict", true},                               // conflict
    {400, "Too late", true},                               // expired
    {413, "Too large", true},                              // too_large
    {503, "Too many requests, try again later", false},    // overloaded
    {503, "Service unavailable, try again later", false},  // unavailable
    {500, "Internal server error", false},                 // internal
};

std::string joined(std::string_view text, std::string_view why) {
  std::string out(text);
  if (!out.empty() && !why.empty()) out += ": ";
  out += why;
  return out;
}

}  // namespace

WireError wire_error(const Error& error, Act act) {
  for (const auto& row : rows) {
    if (row.reason != error.reason || (row.act != Act::any && row.act != act)) continue;
    return {row.status, joined(row.text, row.with_detail ? error.detail : std::string_view())};
  }
  const auto& row = codes[static_cast<std::size_t>(error.code)];
  // A reason unknown here comes from a plugin that refused: the reason is meant for the client.
  if (!row.says_why) return {row.status, std::string(row.text)};
  return {row.status, joined(row.text, error.detail.empty() ? error.reason : error.detail)};
}

namespace failure {

Error field(std::string text) { return {Code::invalid, "im.field", std::move(text)}; }
Error malformed_frame() { return {Code::invalid, "im.frame", {}}; }
Error unknown_type() { return {Code::invalid, "im.type", {}}; }
Error login_data() { return {Code::invalid, "im.login", {}}; }
Error not_logged_in() { return {Code::unauthenticated, "im.not_logged_in", {}}; }
Error malformed_body(const std::string& where) { return {Code::invalid, "im.body", where}; }
Error no_user() { return {Code::unauthenticated, "im.no_user", {}}; }
Error wrong_user() { return {Code::unauthenticated, "im.wrong_user", {}}; }
Error login_timeout() { return {Code::unauthenticated, "im.login_timeout", {}}; }
Error token_expired() { return {Code::unauthenticated, "token.expired", {}}; }

}  // namespace failure
}  // namespace loft::im
