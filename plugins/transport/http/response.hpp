// Writes the head of a response.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <loft/clock.hpp>
#include <loft/http.hpp>

namespace loft::http {

struct ResponseHead {
  unsigned status = 200;
  std::string_view type;   ///< empty: no Content-Type
  std::size_t length = 0;  ///< of the body, also where it is not sent
  bool is_11 = true;       ///< of the request
  bool keep_alive = true;
  std::span<const HttpHeader> more;
};

/// Whether a response with this status may have a body.
bool has_body(unsigned status) noexcept;

/// Whether a contract's headers ask for the connection to be closed.
bool asks_to_close(std::span<const HttpHeader> more) noexcept;

/// Appends status line and headers. Headers that are the transport's own (length, coding, connection, date) or that
/// could not stand in one line are left out; returns how many of the latter there were.
std::size_t append_head(std::string& out, const ResponseHead& head, Millis now);

/// The body of an error that the transport itself answers.
std::string error_body(std::string_view error);

}  // namespace loft::http
