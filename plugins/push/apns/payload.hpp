// The body of a notification for APNs.
#pragma once

#include <string>

#include <loft/push.hpp>

namespace loft::push::apns {

inline constexpr std::size_t largest_payload = 4096;

struct Look {
  std::string sound = "default";  ///< empty: none
  /// Shown where neither title nor body may be: a text of the app's own, or else this one. Both empty: such a
  /// notification is silent.
  std::string hidden_loc_key;
  std::string hidden_text = "New message";
};

/// Whether the user sees or hears nothing of it.
bool is_silent(const Notification& notification, const Look& look);

/// At most `limit` bytes: the body is cut for it, then the title. A badge of 0 is none: it would wipe the app's.
std::string payload(const Notification& notification, const Look& look, std::size_t limit = largest_payload);

}  // namespace loft::push::apns
