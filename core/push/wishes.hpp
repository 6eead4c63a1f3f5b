// What users say of their pushes besides registering devices, and what they are to be told: conversations that they
// have muted, devices that they have to register again.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include <loft/key_values.hpp>
#include <loft/log.hpp>
#include <loft/push_devices.hpp>

#include "bus/bus.hpp"
#include "messaging/threads.hpp"

namespace loft::push {

/// Devices whose tokens a provider does not know any more, by the names that the users' clients gave them. In memory
/// for whoever logs in, and in the store for the next start. Thread role: any; `load` waits.
class LostDevices {
 public:
  /// All outlive it. `values`: of the space `push`.
  LostDevices(KeyValues& values, Threads& threads, const Clock& clock, Logger& log)
      : values_(values), threads_(threads), clock_(clock), log_(log) {}

  /// Reads what is stored, and forgets what is older than a quarter of a year. Errors: the storage's.
  Result<void> load();
  /// Bounded: of one user the names of 20 devices, of all 100,000 users. What is beyond is not told.
  void note(UserId user, const std::string& client);
  /// It was registered again, or unregistered.
  void clear(UserId user, const std::string& client);
  /// From memory.
  std::vector<std::string> of(UserId user) const;
  /// As stored, also where nothing was loaded. Waits. Errors: the storage's.
  Result<std::vector<std::string>> stored(UserId user);
  /// Forgets those of a user; returns how many there were. `dry_run`: only counts. Waits. Errors: the storage's.
  Result<std::size_t> forget(UserId user, bool dry_run);

 private:
  void store(UserId user, const std::string& client, bool is_lost);

  KeyValues& values_;
  Threads& threads_;
  const Clock& clock_;
  Logger& log_;
  mutable std::mutex mutex_;
  std::map<UserId, std::set<std::string>> lost_;
};

/// Answers what contracts ask on behalf of their users: the last of the chains of MutePushes, ListMutedPushes and
/// ListLostDevices.
class Wishes {
 public:
  /// Both wait.
  using Mute = Function<Result<void>(UserId, ConversationId, std::optional<Millis> until)>;
  using Muted = Function<Result<std::vector<std::pair<ConversationId, Millis>>>(UserId)>;

  /// All outlive it.
  Wishes(Mute mute, Muted muted, const LostDevices& lost, Threads& threads)
      : mute_(std::move(mute)), muted_(std::move(muted)), lost_(lost), threads_(threads) {}

  /// During setup.
  void intercept(Bus& bus);

 private:
  Verdict mute(const MutePushes& event);
  Verdict list(ListMutedPushes& event);

  Mute mute_;
  Muted muted_;
  const LostDevices& lost_;
  Threads& threads_;
};

}  // namespace loft::push
