// HTTP's statuses in words (RFC 9110, section 15; 429 and 431: RFC 6585), and failures as problem documents (RFC 9457).
#pragma once

#include <string>
#include <string_view>

#include <loft/json_writer.hpp>

namespace loft {

/// The phrase that the standard gives a status; `Unknown` where there is none. Thread role: any.
// A table, one line per status. NOLINTNEXTLINE(readability-function-size)
constexpr std::string_view status_phrase(unsigned status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

/// The Content-Type of a problem document.
inline constexpr std::string_view problem_type = "application/problem+json";

/// `{"type":"about:blank","title":…,"status":…,"detail":…,"reason":…}`, a problem that its status tells: the title is
/// the status's phrase. `detail` says to people what is wrong in this case, `reason` to programs (as `Error::reason`,
/// our own extension); empty ones are left out. Thread role: any.
inline std::string problem(unsigned status, std::string_view detail, std::string_view reason = {}) {
  std::string out;
  json::Writer writer(out);
  writer.object().key("type").string("about:blank").key("title").string(status_phrase(status));
  writer.key("status").number(status);
  if (!detail.empty()) writer.key("detail").string(detail);
  if (!reason.empty()) writer.key("reason").string(reason);
  writer.end_object();
  return out;
}

}  // namespace loft
