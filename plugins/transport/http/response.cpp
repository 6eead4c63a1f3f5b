#include "response.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>

#include <loft/http_status.hpp>
#include <loft/json_writer.hpp>

#include "text.hpp"

namespace loft::http {

namespace {

/// RFC 9110 §5.6.7, made once per second and thread.
std::string_view date(Millis now) {
  thread_local Millis second = -1;
  thread_local char text[32];
  if (now / 1000 != second) {
    second = now / 1000;
    constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto time = static_cast<std::time_t>(second);
    std::tm parts{};
    gmtime_r(&time, &parts);
    std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[parts.tm_wday % 7],
                  parts.tm_mday % 100, months[parts.tm_mon % 12], (parts.tm_year + 1900) % 10000, parts.tm_hour % 100,
                  parts.tm_min % 100, parts.tm_sec % 100);
  }
  return text;
}

bool is_ours(std::string_view name) noexcept {
  for (const auto* const own :
       {"Content-Length", "Transfer-Encoding", "Connection", "Date", "Server", "Content-Type"}) {
    if (same(name, own)) return true;
  }
  return false;
}

void append_number(std::string& out, std::size_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace

bool has_body(unsigned status) noexcept { return status >= 200 && status != 204 && status != 304; }

bool asks_to_close(std::span<const HttpHeader> more) noexcept {
  for (const auto& header : more) {
    if (same(header.name, "Connection") && has_token(header.value, "close")) return true;
  }
  return false;
}

std::size_t append_head(std::string& out, const ResponseHead& head, Millis now) {
  out += "HTTP/1.1 ";
  append_number(out, head.status);
  out += ' ';
  out += status_phrase(head.status);
  out += "\r\nServer: loft\r\nDate: ";
  out += date(now);
  std::size_t dropped = 0;
  if (!head.type.empty()) {
    if (is_value(head.type)) {
      out.append("\r\nContent-Type: ").append(head.type);
    } else {
      ++dropped;
    }
  }
  if (has_body(head.status)) {
    out += "\r\nContent-Length: ";
    append_number(out, head.length);
  }
  const auto offers = [](const HttpHeader& header) { return same(header.name, "Upgrade"); };
  if (std::any_of(head.more.begin(), head.more.end(), offers)) {  // RFC 9110 §7.8
    out += head.keep_alive ? "\r\nConnection: Upgrade" : "\r\nConnection: Upgrade, close";
  } else if (!head.keep_alive) {
    out += "\r\nConnection: close";
  } else if (!head.is_11) {
    out += "\r\nConnection: keep-alive";
  }
  for (const auto& [name, value] : head.more) {
    if (!is_token(name) || !is_value(value)) {
      ++dropped;
    } else if (!is_ours(name)) {
      out.append("\r\n").append(name).append(": ").append(value);
    }
  }
  out += "\r\n\r\n";
  return dropped;
}

std::string error_body(std::string_view error) {
  std::string out = "{\"error\":";
  json::append_string(out, error);
  out += '}';
  return out;
}

}  // namespace loft::http
