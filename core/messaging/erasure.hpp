// Erasing users: in small steps, each of which may be the last before the process is killed.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <loft/bus.hpp>
#include <loft/key_values.hpp>
#include <loft/log.hpp>
#include <loft/personal_data.hpp>
#include <loft/storage.hpp>

#include "messaging/core.hpp"

namespace loft {

/// What an erasure has changed so far, or in a dry run would change. Rows.
struct ErasureReport {
  UserId user = UserId::none;
  std::string handle;  ///< as it was
  bool done = false;
  bool was_begun = false;           ///< it goes on with one that was begun by an earlier call
  std::uint64_t messages = 0;       ///< emptied
  std::uint64_t recalls = 0;        ///< of those, that stood
  std::uint64_t memberships = 0;    ///< groups that were left
  std::uint64_t conversations = 0;  ///< groups that the user owned: given away or dissolved
  std::uint64_t removed = 0;        ///< messages of system conversations that only this user could read
  std::uint64_t marks = 0;
  std::uint64_t pushes = 0;  ///< pushes, devices and rows of push_log
  std::vector<std::pair<std::string, std::uint64_t>> plugins;
};

/// Thread role of everything: any that may wait, one call at a time goes on. Lifetime: between start and stop of Core.
class Eraser {
 public:
  /// During setup: it is the bus's proposer of EraseUser.
  Eraser(Core& core, Storage& storage, Bus& bus, Logger& log);

  /// Changes nothing. Errors: invalid `user.handle_invalid`; not_found `user.unknown`; the storage's; what plugins
  /// refuse with.
  Result<ErasureReport> look(const std::string& handle);

  /// Begins an erasure, or goes on with it, for about `budget` milliseconds. `handle` may be the one that the user had.
  /// Errors as above; then what is done stays done, and a later call goes on.
  Result<ErasureReport> erase(const std::string& handle, Millis budget);

  /// Goes on with one that was begun and not finished, by this process or an earlier one. Nullopt: there is none. In
  /// turns, so that one that fails does not keep others from ending.
  Result<std::optional<ErasureReport>> resume(Millis budget);

 private:
  /// An erasure on its way. Begins again from its first conversation in a new process.
  struct Job {
    ErasureReport report;
    std::string uuid;
    UserPtr tombstone;
    bool listed = false;
    std::vector<Membership> memberships;
    std::size_t at = 0;  ///< into memberships
    Seq next = 1;        ///< of the log of that conversation
  };

  Result<std::vector<Job>> pending();
  Result<std::optional<Job>> pending_of(const std::string& handle);
  Result<Job*> job_of(const std::string& handle);
  Result<Job> begin(const User& user);
  Result<ErasureReport> go_on(Job& job, Millis budget);
  Result<bool> step(Job& job);
  Result<bool> step_in(Job& job, const Membership& membership);
  Result<bool> empty_messages(Job& job, const StoredConversation& stored, const Membership& membership);
  Result<bool> remove_messages(Job& job, const StoredConversation& stored);
  Result<void> finish(Job& job);
  Result<void> ask_plugins(ErasureReport& report, const std::string& uuid, bool dry_run);
  Result<void> count_pushes(ErasureReport& report) const;
  Result<void> count_in(const Membership& membership, ErasureReport& report);

  Core& core_;
  Storage& storage_;
  Logger& log_;
  Proposer<EraseUser> propose_;
  std::unique_ptr<KeyValues> begun_;  ///< by uid: what the user was
  std::mutex mutex_;
  std::map<UserId, Job> jobs_;
  UserId latest_ = UserId::none;  ///< that `resume` went on with
};

}  // namespace loft
