// The body of a notification for APNs.
#pragma once

#include <string>

#include <loft/push.hpp>

namespace loft::push::apns {

inline constexpr std::size_t largest_payload = 4096;

struct Look {
  std::string sound = "default";  ///< empty: none
  std::string hidden_loc_key;     ///< shown where neither title nor body may be; empty: such a notification is silent
};

/// Whether the user sees or hears nothing of it.
bool is_silent(const Notification& notification, const Look& look);

/// At most `limit` bytes: the body is cut for it, then the title.
std::string payload(const Notification& notification, const Look& look, std::size_t limit = largest_payload);

}  // namespace loft::push::apns
