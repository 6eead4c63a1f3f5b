// Payloads of a limited size.
#pragma once

#include <algorithm>
#include <string>

#include <loft/push.hpp>

#include "common/text.hpp"

namespace loft::push {

/// What `write(title, body)` makes of the notification's texts, with the body cut, then the title, until it is no
/// longer than `limit`. The rest of what it writes must fit.
template <class Write>
std::string fitted(const Notification& notification, std::size_t limit, Write write) {
  auto title = clean(notification.title);
  auto body = clean(notification.body);
  auto out = write(title, body);
  for (auto* text : {&body, &title}) {
    if (out.size() <= limit) break;
    // How long a text becomes as JSON depends on what is in it: the longest beginning that fits is searched for.
    const auto whole = *text;
    std::size_t fits = 0, too_long = std::min(whole.size(), limit) + 1;
    while (too_long - fits > 1) {
      const auto middle = fits + (too_long - fits) / 2;
      *text = cut(whole, middle);
      (write(title, body).size() <= limit ? fits : too_long) = middle;
    }
    *text = cut(whole, fits);
    out = write(title, body);
  }
  return out;
}

}  // namespace loft::push
