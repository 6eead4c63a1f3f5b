// The opening handshake of RFC 6455 §4.2.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <loft/http.hpp>

namespace loft::websocket {

/// The answer to an upgrade request: a whole HTTP response, and whether it accepts.
struct Answer {
  bool accepted = false;
  std::string response;
};

/// Checks everything but the route. The request is HTTP/1.1 or newer: transport.http sees to that. Without `origins`
/// all pages may connect, or those of this machine where `only_local_pages` says so.
Answer answer_upgrade(const HttpExchange& request, const std::vector<std::string>& origins,
                      bool only_local_pages = false);

/// The refusal of a contract: no body, the connection stays.
Answer refuse_upgrade(unsigned status);

/// Adds the subprotocol to an answer that accepts.
void name_subprotocol(Answer& answer, std::string_view subprotocol);

/// Whether an origin is a page of this machine: http or https, and localhost, 127.0.0.1 or [::1] with any port.
bool is_local_page(std::string_view origin) noexcept;

/// A refusal in the form all of them have: small JSON, the connection stays.
std::string refusal(unsigned status, std::string_view phrase, std::string_view error, std::string_view headers = {});

/// `Sec-WebSocket-Accept` for a key; empty when the library refuses SHA-1.
std::string accept_value(std::string_view key);

/// 16 bytes in canonical base64.
bool is_valid_key(std::string_view key) noexcept;

/// Whether a comma-separated header value holds the token, whatever its case.
bool has_token(std::string_view list, std::string_view token) noexcept;

}  // namespace loft::websocket
