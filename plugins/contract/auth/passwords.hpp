// The passwords of users: checked, set, removed. Only their hashes are kept, in the plugin's own state.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <loft/key_values.hpp>
#include <loft/messaging.hpp>
#include <loft/plugin.hpp>

#include "lanes.hpp"
#include "settings.hpp"

namespace loft::auth {

/// Thread roles as said. Outlives the host's pool.
class Passwords {
 public:
  Passwords(Host& host, const Settings& settings);

  /// Whether this is the password of the user; null for `user` means that there is no such user, which takes as long to
  /// find out as a wrong password. Errors: unauthenticated `password.wrong`; overloaded `password.queue`; the
  /// storage's. Thread role: the thread in `caller.thread`, where the answer comes.
  void check(const Caller& caller, std::shared_ptr<const User> user, std::string password, Done<bool> done);

  /// Another password for the user, who knows the one of now. Errors as `check`; conflict `password.none` (there is
  /// none yet), `key.changed` (somebody else was quicker); invalid `password.weak`. Thread role: as `check`.
  void change(const Caller& caller, const User& user, std::string current, std::string wanted, Done<bool> done);

  /// Sets, or with nullopt removes. Waits. Errors: invalid `password.weak`; unavailable `password.memory`; the
  /// storage's. Thread role: one that may wait.
  Result<void> set(UserId user, const std::optional<std::string>& password);

  /// Whether the user has one. Waits. Errors: the storage's. Thread role: as `set`.
  Result<bool> has(UserId user);

 private:
  struct Work;
  Result<void> fit(std::string_view password) const;
  /// Reads the hash, checks the password, and where `wanted` is set (or the hash is outdated) makes a new hash and
  /// stores it.
  void read(std::shared_ptr<Work> work);
  void compare(std::shared_ptr<Work> work, std::optional<std::string> stored);
  void finish(const std::shared_ptr<Work>& work);

  Host& host_;
  KeyValues& state_;
  const Settings& settings_;
  Lanes lanes_;
  std::string nothing_;  ///< what those without a password are checked against
};

}  // namespace loft::auth
