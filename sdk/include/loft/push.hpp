// Push channels: APNs, FCM, mail.
#pragma once

#include <cstdint>
#include <string>

#include <loft/bus.hpp>
#include <loft/clock.hpp>
#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/message.hpp>
#include <loft/messaging.hpp>
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

/// Where a user wants to be reached while no session is open.
struct Device {
  UserId user = UserId::none;
  std::string channel;  ///< the name of a push plugin: `apns`, `fcm`, `smtp`
  std::string token;    ///< as the provider gave it, or a mail address
  std::string app;      ///< which app of several; empty: the channel's only one
  std::string locale;   ///< for the preview; empty: the host's
};

// ---- Proposals and facts of the push pipeline. Without one nobody asks or publishes them.

/// A device is about to be registered, in place of an older one with the same channel and token. Rewriting may change
/// everything but `device.user`. Thread role: the caller's I/O thread.
struct RegisterDevice : Proposal {
  Caller caller;
  Device device;
};

/// A push is about to be handed to its channel. Rewriting may change `notification.title`, `body`, `badge` and
/// `expires`; a refusal silences it, and its reason is what the ledger keeps. Thread role: push.
struct SendPush : Proposal {
  std::string channel;
  Notification notification;
};

/// The provider took it. Thread role: push.
struct PushSucceeded : Fact {
  std::string channel;
  Notification notification;
};

/// It will never be delivered: refused, expired, out of attempts, or its token is dead. Thread role: push.
struct PushDead : Fact {
  std::string channel;
  Notification notification;
  Error error;  ///< `reason` as in the ledger
};

class Push : public Plugin {
 public:
  /// Many may be in flight. Thread role: push; `done` may come on any thread.
  virtual void send(const Notification& notification, Function<void(PushVerdict)> done) = 0;
};

}  // namespace loft
