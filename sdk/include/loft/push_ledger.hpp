// The durable part of push: what is owed to users who are away, what became of it, and where they can be reached.
// The numbered promises (P1 …) are what the storage suite checks; its test names carry the numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <loft/error.hpp>
#include <loft/message.hpp>
#include <loft/push.hpp>

namespace loft {

enum class PushState : std::uint8_t {
  owed,       ///< due at `due`, or under way while it is leased
  delivered,  ///< a provider took it
  silenced,   ///< nobody needs it any more: read, recalled, seen live, refused by a plugin, no device
  dead,       ///< a dead letter: expired, out of attempts, refused by every provider
};

/// One message owed to one user, over all of the user's devices.
struct OwedPush {
  MessageId message = MessageId::none;
  UserId user = UserId::none;
  ConversationId conversation = ConversationId::none;
  PushState state = PushState::owed;
  std::uint32_t attempts = 0;
  Millis created = 0;   ///< since 1970, as all times here
  Millis due = 0;       ///< not before
  Millis expires = 0;   ///< after that it is a dead letter
  Millis finished = 0;  ///< 0 while it is owed
  std::string reason;   ///< why it is in this state, or why it was put off
  std::string plan;     ///< what became of each device, for the host to read; opaque to the storage
};

/// Which push: a message and its recipient.
struct PushKey {
  MessageId message = MessageId::none;
  UserId user = UserId::none;
  bool operator==(const PushKey&) const = default;
};

/// A row of `push_log`, whose columns are contract 000's.
struct PushAttempt {
  std::uint64_t id = 0;  ///< given by the storage, ascending
  std::string user;      ///< the handle
  MessageId message = MessageId::none;
  std::string type;    ///< `apns`, `fcm`, `email`
  std::string status;  ///< `success`, `failed`
  Millis time = 0;     ///< when it was answered
  std::string error;   ///< empty: none
};

/// What an attempt says about a device.
struct DeviceNews {
  enum class Kind : std::uint8_t { success, failure, dead };
  std::uint64_t device = 0;
  Kind kind = Kind::success;
  Millis at = 0;
  std::string reason;  ///< failure
  Millis since = 0;    ///< dead: removed only if it was registered before; 0: whenever
};

/// Thread role: push, pool and follower, any number of calls at once, also beside a commit. Errors: as of Storage's
/// reads. Each call that writes is one transaction (P1): all of it is stored, durably, or nothing.
class PushLedger {
 public:
  // ---- What is owed

  /// P2: stores those that are not there yet, whatever state those that are there have come to, and returns how many
  /// were new.
  virtual Result<std::size_t> owe(std::span<const OwedPush> pushes) = 0;

  /// P3: takes up to `limit` that are owed, due at `now` and leased by nobody else at `now`, those that were due first
  /// come first; until `until` they are leased by `holder`. Two callers at once, also of two processes, never get the
  /// same one. `attempts` and the rest are as stored.
  virtual Result<std::vector<OwedPush>> lease(std::uint64_t holder, Millis now, Millis until, std::size_t limit) = 0;

  /// What a round of work came to.
  struct Settlement {
    std::span<const OwedPush> pushes;       ///< as they are to be stored; what is still owed is leased no longer
    std::span<const PushAttempt> attempts;  ///< rows for `push_log`; their ids are given by the storage
    std::span<const DeviceNews> devices;    ///< of devices that are gone: passed over
  };
  /// P4: pushes that `holder` does not lease any more are passed over; returns how many were stored. Attempts and news
  /// of devices are stored in any case: they happened.
  virtual Result<std::size_t> settle(std::uint64_t holder, const Settlement& settlement) = 0;

  /// P5: the earliest moment at which `lease` may find something: `due`, or the lease's end if that is later. nullopt:
  /// nothing is owed.
  virtual Result<std::optional<Millis>> next_due() = 0;

  /// P6: owed again, due at `due`, until `expires`, with no attempts and no plan, if it is dead or silenced; true when
  /// it was.
  virtual Result<bool> revive(PushKey key, Millis due, Millis expires) = 0;

  /// P7: removes what was finished before `before` and what `push_log` says from before it, at most `limit` rows of
  /// each, and returns how many rows in all; 0 only when none is left.
  virtual Result<std::size_t> forget_pushes(Millis before, std::size_t limit) = 0;

  virtual Result<std::optional<OwedPush>> push(PushKey key) = 0;
  /// P8: ascending by message, then user, those behind `after`; of one state, or of all.
  virtual Result<std::vector<OwedPush>> pushes(std::optional<PushState> state, PushKey after, std::size_t limit) = 0;
  /// P8: the same of one user, ascending messages.
  virtual Result<std::vector<OwedPush>> pushes_of(UserId user, MessageId after, std::size_t limit) = 0;
  /// How many there are of each state, by the state's number.
  virtual Result<std::array<std::uint64_t, 4>> push_counts() = 0;

  /// P9: `push_log` of one message to one user, ascending ids.
  virtual Result<std::vector<PushAttempt>> attempts(MessageId message, std::string_view user) = 0;
  /// P9: all of it, ascending ids, those above `after`.
  virtual Result<std::vector<PushAttempt>> attempts(std::uint64_t after, std::size_t limit) = 0;
  /// All that is stored of a user: pushes, devices, and rows of `push_log` under `handle`; returns how many rows.
  virtual Result<std::size_t> erase_pushes(UserId user, std::string_view handle) = 0;

  // ---- Devices

  /// P10: stores a device in place of one with the same channel and token, whosever that was; what was said of its
  /// success and failure goes. Returns its id. `id` of the argument is passed over.
  virtual Result<std::uint64_t> register_device(const Device& device) = 0;
  /// True when it was there and `user`'s; `none`: whosever.
  virtual Result<bool> remove_device(UserId user, std::string_view channel, std::string_view token) = 0;
  /// P11: ascending ids.
  virtual Result<std::vector<Device>> devices(UserId user) = 0;
  /// P11: of these users, ascending ids.
  virtual Result<std::vector<Device>> devices(std::span<const UserId> users) = 0;
  /// P11: all of them, ascending ids, those above `after`.
  virtual Result<std::vector<Device>> devices(std::uint64_t after, std::size_t limit) = 0;

  // ---- For a copy of the store

  /// P12: stores rows as they are, ids included, into a store that has none of them; attempts and devices keep theirs.
  virtual Result<void> restore(std::span<const OwedPush> pushes, std::span<const PushAttempt> attempts,
                               std::span<const Device> devices) = 0;

 protected:
  ~PushLedger() = default;
};

}  // namespace loft
