// Push channels: APNs, FCM, mail.
#pragma once

#include <cstdint>
#include <string>

#include <loft/clock.hpp>
#include <loft/function.hpp>
#include <loft/message.hpp>
#include <loft/plugin.hpp>

namespace loft {

struct Notification {
  std::uint64_t id = 0;  ///< the owed push; the same number on every attempt
  UserId user = UserId::none;
  MessageId message = MessageId::none;
  std::string token;  ///< device token or mail address
  std::string title;
  std::string body;
  std::string collapse_key;  ///< repeats replace where the provider knows how
  std::uint64_t badge = 0;   ///< the user's unread count
  Millis expires = 0;        ///< since 1970
};

/// What the provider said.
struct PushVerdict {
  enum class Kind : std::uint8_t {
    accepted,
    retry,       ///< try again, not before `retry_after`
    dead_token,  ///< remove the device if it was registered before `since`
    refused,     ///< this notification will never be taken
    broken,      ///< credentials or configuration: stop the channel and tell the operator
  };
  Kind kind = Kind::accepted;
  std::string reason;      ///< the provider's own word
  Millis retry_after = 0;  ///< milliseconds from now
  Millis since = 0;        ///< since 1970
};

class Push : public Plugin {
 public:
  /// Many may be in flight. Thread role: push; `done` may come on any thread.
  virtual void send(const Notification& notification, Function<void(PushVerdict)> done) = 0;
};

}  // namespace loft
