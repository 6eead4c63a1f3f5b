#include "smtp/mail.hpp"

#include <algorithm>
#include <ctime>

#include "common/text.hpp"

namespace loft::push::smtp {
namespace {

constexpr std::size_t word_bytes = 45;    // of an encoded word, which is 75 characters at most
constexpr std::size_t plain_header = 60;  // what is longer is folded, for which it is encoded
constexpr std::size_t line_bytes = 57;    // 76 characters as base64
constexpr std::size_t longest_subject = 200, longest_body = 2000;

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_plain(std::string_view text) {
  return text.size() <= plain_header && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || c == ' ' || c == '-' || c == '.' || c == ',' || c == '!' || c == '\'';
         });
}

std::string one_line(std::string_view text) {
  auto out = clean(text);
  for (auto& c : out) c = static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  return out;
}

std::string date(Millis now) {
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = now / 1000;
  std::tm t{};
  ::gmtime_r(&seconds, &t);
  char out[64];
  const auto size = std::snprintf(out, sizeof out, "%s, %d %s %d %02d:%02d:%02d +0000", days[t.tm_wday], t.tm_mday,
                                  months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
  return {out, static_cast<std::size_t>(size)};
}

std::string html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "<br>\n";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// Base64 in lines.
std::string part(std::string_view type, std::string_view text) {
  std::string out = "Content-Type: ";
  out.append(type).append("; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
  for (std::size_t at = 0; at < text.size(); at += line_bytes) out += base64(text.substr(at, line_bytes)) + "\r\n";
  return out;
}

std::string filled(std::string pattern, std::string_view mark, std::string_view value) {
  if (const auto at = pattern.find(mark); at != std::string::npos) pattern.replace(at, mark.size(), value);
  return pattern;
}

}  // namespace

bool is_address(std::string_view text) noexcept {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254) return false;
  const auto local = text.substr(0, at), domain = text.substr(at + 1);
  constexpr std::string_view marks = "!#$%&'*+-/=?^_`{|}~.";
  const auto is_local = [&](char c) { return is_alphanumeric(c) || marks.find(c) != std::string_view::npos; };
  const auto is_domain = [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; };
  return !domain.empty() && is_alphanumeric(domain.front()) && is_alphanumeric(domain.back()) && local.front() != '-' &&
         std::all_of(local.begin(), local.end(), is_local) && std::all_of(domain.begin(), domain.end(), is_domain);
}

std::string encoded_header(std::string_view text) {
  const auto line = one_line(text);
  if (is_plain(line)) return line;
  std::string out;
  for (std::string_view rest = line; !rest.empty();) {
    const auto word = whole(rest, word_bytes);
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(word) + "?=";
    rest.remove_prefix(word.size());
  }
  return out;
}

std::string mail(const Notification& n, const Letterhead& head, Millis now) {
  const auto title = one_line(n.title);
  const auto body = cut(clean(n.body), longest_body);
  const auto subject =
      cut(title.empty() ? head.subject_hidden : filled(head.subject, "{sender}", title), longest_subject);
  const auto first = body.empty() ? subject : body;
  std::string text = first + "\r\n", page = "<!DOCTYPE html>\n<html><body>\n";
  if (!title.empty() && !body.empty()) {
    text = title + ":\r\n\r\n" + text;
    page += "<p><b>" + html(title) + "</b></p>\n";
  }
  page += "<p>" + html(first) + "</p>\n";
  // One mail stands for all that came since the last one.
  if (n.badge > 1 && !head.unread.empty()) {
    const auto unread = one_line(filled(head.unread, "{count}", std::to_string(n.badge)));
    text += "\r\n" + unread + "\r\n";
    page += "<p>" + html(unread) + "</p>\n";
  }
  if (!head.link.empty()) {
    text += "\r\n" + head.link + "\r\n";
    page += "<p><a href=\"" + html(head.link) + "\">" + html(head.link) + "</a></p>\n";
  }
  page += "</body></html>\n";
  const auto boundary = "loft-" + base64url(n.id);
  const auto from = head.display_name.empty() ? "<" + head.sender + ">"
                                              : encoded_header(head.display_name) + "\r\n <" + head.sender + ">";
  std::string out = "Date: " + date(now) + "\r\n";
  out += "From: " + from + "\r\n";
  out += "To: <" + n.device.token + ">\r\n";
  out += "Subject: " + encoded_header(subject) + "\r\n";
  const auto domain = head.sender.substr(head.sender.rfind('@'));
  out += "Message-ID: <" + base64url(n.id) + domain + ">\r\n";
  // No mail has that id: a reader's program puts what refers to the same one into one thread.
  const auto conversation = std::to_string(static_cast<std::uint64_t>(n.conversation));
  out += "References: <conversation-" + conversation + domain + ">\r\n";
  out += "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\nPrecedence: bulk\r\nX-Auto-Response-Suppress: All\r\n";
  out += "Content-Type: multipart/alternative;\r\n boundary=\"" + boundary + "\"\r\n\r\n";
  out += "--" + boundary + "\r\n" + part("text/plain", text);
  out += "\r\n--" + boundary + "\r\n" + part("text/html", page);
  out += "\r\n--" + boundary + "--\r\n";
  return out;
}

}  // namespace loft::push::smtp
