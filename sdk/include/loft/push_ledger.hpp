// The durable part of push: what is owed to users who are away, what became of it, and where they can be reached.
// The numbered promises (P1 …) are what the storage suite checks; its test names carry the numbers.
#pragma once

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

/// How much there is to do, and how much was given up.
struct PushCounts {
  std::uint64_t owed = 0;
  std::uint64_t dead = 0;
  bool operator==(const PushCounts&) const = default;
};

/// Thread role: push, pool and follower, any number of calls at once, also beside a commit. Errors: as of Storage's
/// reads; of those that an operator's look takes (`pushes`, `pushes_of`, `push_counts`, `attempts`, `attempts_of`, and
/// `devices` page by page) there may be fewer at once, and they never keep the others waiting.
///
/// P1: each call that writes is one transaction: all of it is stored or nothing, and what it has stored outlives the
/// process from its return on. When the machine loses its power, `owe`, `lease`, `settle` and `forget_pushes` may be
/// lost, the latest ones first, but none that returned before a `Storage` write began that was acknowledged; so what
/// is owed is never lost by a follower that owes first and moves its position then. All other calls are on the disk
/// when they return.
class PushLedger {
 public:
  // ---- What is owed

  /// P2: stores those that are not there yet, whatever state those that are there have come to, and returns how many
  /// were new. Nobody leases them.
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
  /// P4: a push is stored if it is there and `holder` was the last to lease it and has not settled it since, also when
  /// the lease's time is over; then nobody leases it, whatever state it came to. All others are passed over: there is
  /// no such push, it was leased by another or by nobody, or it was revived. Returns how many were stored. Attempts and
  /// news of devices are stored in any case, in their order: they happened.
  virtual Result<std::size_t> settle(std::uint64_t holder, const Settlement& settlement) = 0;

  /// P5: the earliest moment at which `lease` may find something: `due`, or the lease's end if that is later. nullopt:
  /// nothing is owed.
  virtual Result<std::optional<Millis>> next_due() = 0;

  /// P6: a push that is dead or silenced is owed again: due at `due`, until `expires`, with `plan`, 0 attempts, no
  /// reason, not finished, leased by nobody; message, user, conversation and `created` stay. True: it was. False: there
  /// is none, or it is owed or delivered, and nothing has changed.
  virtual Result<bool> revive(PushKey key, Millis due, Millis expires, std::string_view plan = {}) = 0;

  /// P7: removes what was finished before `before` and what `push_log` says from before it, at most `limit` rows of
  /// each, and returns how many rows in all; 0 only when none is left.
  virtual Result<std::size_t> forget_pushes(Millis before, std::size_t limit) = 0;

  virtual Result<std::optional<OwedPush>> push(PushKey key) = 0;
  /// P8: ascending by message, then user, those behind `after`; of one state, or of all.
  virtual Result<std::vector<OwedPush>> pushes(std::optional<PushState> state, PushKey after, std::size_t limit) = 0;
  /// P8: the same of one user, ascending messages.
  virtual Result<std::vector<OwedPush>> pushes_of(UserId user, MessageId after, std::size_t limit) = 0;
  /// P13: how many are owed, leased ones included, and how many are dead; either number no higher than `most`. Costs no
  /// more than looking at so many rows, whatever else was finished and is kept.
  virtual Result<PushCounts> push_counts(std::uint64_t most) = 0;

  /// P9: `push_log` of one message to one user, ascending ids, those above `after`.
  virtual Result<std::vector<PushAttempt>> attempts_of(MessageId message, std::string_view user, std::uint64_t after,
                                                       std::size_t limit) = 0;
  /// P9: all of it, ascending ids, those above `after`.
  virtual Result<std::vector<PushAttempt>> attempts(std::uint64_t after, std::size_t limit) = 0;
  /// All that is stored of a user: pushes, devices, and rows of `push_log` under `handle`; returns how many rows.
  virtual Result<std::size_t> erase_pushes(UserId user, std::string_view handle) = 0;

  // ---- Devices

  /// P10: a channel and a token, compared byte by byte, are one device. Where it is there already it keeps its id, and
  /// everything else is the argument's, the user too; else it is stored under an id that is higher than any that this
  /// store has given before, to devices that are gone as well. `last_success`, `failed` and `failure` begin empty.
  /// Returns the id. What the argument says of these four is passed over.
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

  /// P12: stores rows as they are, those of attempts and devices under their own ids, in place of what has the same key
  /// or id (a copy that was cut short comes again). Nobody leases a push that was restored, and ids that are given
  /// afterwards are higher than all restored ones.
  virtual Result<void> restore(std::span<const OwedPush> pushes, std::span<const PushAttempt> attempts,
                               std::span<const Device> devices) = 0;

 protected:
  ~PushLedger() = default;
};

}  // namespace loft
