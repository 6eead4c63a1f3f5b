// The mail of a notification (RFC 5322, RFC 2045 to 2047), with a text and an HTML part.
#pragma once

#include <string>
#include <string_view>

#include <loft/push.hpp>

namespace loft::push::smtp {

struct Letterhead {
  std::string sender;                                 ///< address
  std::string display_name;                           ///< UTF-8; empty: the address alone
  std::string subject = "New message from {sender}";  ///< `{sender}` is the notification's title
  std::string subject_hidden = "New message";         ///< where the title may not be shown
  std::string unread = "{count} unread messages";     ///< `{count}` is the badge, from 2 on; empty: not said
  std::string link;                                   ///< where the message can be read; empty: nowhere
};

/// An ASCII address that can stand in an envelope and a header as it is: `local@domain`, 254 bytes, no quoting.
bool is_address(std::string_view text) noexcept;

/// Encoded words (RFC 2047) where the text needs them, folded; nothing in it can end the header.
std::string encoded_header(std::string_view text);

/// `now` in milliseconds since 1970. Precondition: both addresses are such.
std::string mail(const Notification& notification, const Letterhead& head, Millis now);

}  // namespace loft::push::smtp
