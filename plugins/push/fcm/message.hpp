// The body of a notification for FCM.
#pragma once

#include <string>

#include <loft/push.hpp>

namespace loft::push::fcm {

inline constexpr std::size_t largest_message = 4096;

struct Look {
  std::string android_channel;  ///< empty: the app's default
  std::string sound = "default";
  std::string hidden_text = "New message";  ///< on iPhones, where neither title nor body may be shown; empty: silent
};

/// At most `largest_message` bytes: the body is cut for it, then the title. A badge of 0 is none: it
/// would wipe the app's. `now` in milliseconds since 1970.
std::string message(const Notification& notification, const Look& look, Millis now);

}  // namespace loft::push::fcm
