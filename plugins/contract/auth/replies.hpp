// What is answered. Failures are problem documents, RFC 9457.
#pragma once

#include <string_view>

#include <loft/http.hpp>

namespace loft::auth {

/// 200 with a JSON body that nobody may keep.
void reply(HttpExchange& exchange, Bytes body);

/// A problem. `retry_after`: milliseconds, 0 for none.
void refuse(HttpExchange& exchange, unsigned status, std::string_view detail, Millis retry_after = 0);

/// What no route takes, or what the transport would not read.
void refuse_unread(HttpExchange& exchange, unsigned status);

/// The problem that an error of the host is here.
void refuse(HttpExchange& exchange, const Error& error);

}  // namespace loft::auth
