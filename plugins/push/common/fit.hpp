// Payloads of a limited size.
#pragma once

#include <string>

#include <loft/push.hpp>

#include "common/text.hpp"

namespace loft::push {

/// What `write(title, body)` makes of the notification's texts, with the body cut, then the title, until it is no longer
/// than `limit`. The rest of what it writes must fit.
template <class Write>
std::string fitted(const Notification& notification, std::size_t limit, Write write) {
  auto title = clean(notification.title);
  auto body = clean(notification.body);
  auto out = write(title, body);
  // As JSON a text is at least as long as it is in itself: what is cut off is missing.
  for (auto* text : {&body, &title}) {
    if (out.size() <= limit) break;
    const auto over = out.size() - limit + 3;  // the dots
    *text = cut(*text, text->size() > over ? text->size() - over + 3 : 0);
    out = write(title, body);
  }
  return out;
}

}  // namespace loft::push
