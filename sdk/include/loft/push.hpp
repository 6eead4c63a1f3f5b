// Push channels: APNs, FCM, mail. What is owed, and when it is due, is the host's (loft/push_ledger.hpp); a channel
// says what becomes of one notification that it is handed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <loft/bus.hpp>
#include <loft/clock.hpp>
#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/message.hpp>
#include <loft/messaging.hpp>
#include <loft/plugin.hpp>

namespace loft {

/// Where a user wants to be reached while no session is open.
struct Device {
  std::uint64_t id = 0;  ///< given by the store; 0 before
  UserId user = UserId::none;
  std::string channel;      ///< as `Push::channel` says it: `apns`, `fcm`
  std::string token;        ///< as the provider gave it; unique in its channel
  std::string platform;     ///< `ios`, `android`, `web`; empty: not said
  std::string client;       ///< the application's own name of the device; empty: none
  std::string app;          ///< which app of several; empty: the channel's only one
  std::string locale;       ///< for the preview (BCP 47); empty: the host's
  Millis registered = 0;    ///< since 1970; the last time, when it was registered again
  Millis last_success = 0;  ///< since 1970; 0: never
  Millis failed = 0;        ///< since 1970: the last failure since the last success; 0: none
  std::string failure;      ///< its reason
};

/// One notification for one device or mail address.
struct Notification {
  MessageId message = MessageId::none;
  ConversationId conversation = ConversationId::none;
  UserId user = UserId::none;
  Device device;             ///< of a mail: `token` is the address, `id` is 0
  std::string id;            ///< a UUID in lower case, the same on every attempt for this message and device
  std::string title;         ///< UTF-8; empty: none may be shown
  std::string body;          ///< UTF-8; empty: none may be shown
  std::string collapse_key;  ///< ASCII, at most 64 bytes; a newer one with the same key replaces an older one
  std::uint64_t badge = 0;   ///< the user's unread messages
  Millis expires = 0;        ///< since 1970
};

/// What the provider said.
struct PushVerdict {
  enum class Kind : std::uint8_t {
    accepted,
    retry,       ///< try again, not before `retry_after`
    dead_token,  ///< the device is removed, if it was registered before `since`
    refused,     ///< this notification will never be taken
    broken,      ///< credentials or configuration: the channel rests, and the operator is told
  };
  Kind kind = Kind::accepted;
  std::string reason;      ///< the provider's own word, or ours in the form `push.unreachable`; never a token or a text
  Millis retry_after = 0;  ///< milliseconds from now; 0: as the host thinks best
  Millis since = 0;        ///< since 1970; 0: whenever it was registered
};

/// A push channel. Thread role of `send`: push, one call at a time; it must not wait.
class Push : public Plugin {
 public:
  /// The channel's word in the YAML, in devices and in `push_log`, such as `apns`. Constant. Thread role: any.
  virtual std::string_view channel() const noexcept = 0;

  /// Hands a notification to the provider. Many may be under way; `done` is called exactly once for each, on any
  /// thread, also inside `send`, and before `stop` returns. A channel has time-outs of its own: the longest that it may
  /// take is `longest`.
  virtual void send(const Notification& notification, Function<void(PushVerdict)> done) = 0;

  /// How many may be under way at once. Constant after `configure`. Thread role: any.
  virtual std::size_t window() const noexcept = 0;

  /// The longest time from `send` to `done`, milliseconds. Constant after `configure`. Thread role: any.
  virtual Millis longest() const noexcept = 0;

  /// Asks the provider whether the credentials are good, and sends nothing. After `setup`, without `start`. The error's
  /// detail is for the operator. Thread role: control; may wait up to `longest`.
  virtual Result<void> verify() = 0;
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
///
/// `channel` may become another enabled one (`email`: the user's mail address): then nothing goes to this device, and
/// the user's devices of that channel, or the mail, stand in for it. Each of those is asked for by a SendPush of its
/// own, and `notification` is not carried over. A push goes its own way, as if `channel` had not been changed, where
/// the new one is not enabled (the log says so once), or where the user has nothing there that has it or may get it
/// yet.
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

}  // namespace loft
