#pragma once

#include <loft/key_values.hpp>

#include "messaging/core.hpp"
#include "messaging/threads.hpp"
#include "push/shared.hpp"
#include "push/wishes.hpp"
#include "push/world.hpp"

namespace loft::push {

/// The world as the core and the storage know it. All that it is given outlives it.
class CoreWorld final : public World {
 public:
  CoreWorld(Core& core, Storage& storage, const Domains& domains, Threads& threads, Erased& erased, const Clock& clock);

  Result<void> recipients(const Message& message, Function<Result<void>(std::vector<UserId>)> page) override;
  void leave_absent(std::vector<UserId>& users) override;
  Result<std::vector<UserId>> muted(ConversationId conversation) override;
  Result<bool> is_muted(UserId user, ConversationId conversation) override;
  Result<Standing> standing(UserId user, MessageId message, bool count) override;
  Result<std::shared_ptr<const User>> user(UserId user) override;
  void preview(const Message& message, std::string_view locale, std::string& out) const override;
  Result<Millis> mailed(UserId user) override;
  Result<void> note_mail(UserId user, Millis at) override;
  Result<bool> is_mail_dead(UserId user, std::string_view address) override;
  Result<void> note_mail_dead(UserId user, std::string_view address) override;
  void note_lost(const Device& device) override {
    if (lost_ != nullptr && !Erased::Hold(erased_).has(device.user)) lost_->note(device.user, device.client);
  }

  /// Where lost devices are told of from now on. It outlives the world. During setup.
  void tell_lost(LostDevices& lost) { lost_ = &lost; }

  // Thread role of those below: control, or the blocking pool.

  /// `until`: since 1970; nullopt lifts it, 0 is for ever. Waits.
  Result<void> mute(UserId user, ConversationId conversation, std::optional<Millis> until);
  /// Forgets what is kept of a user; returns how many values. `dry_run`: only counts.
  Result<std::uint64_t> forget(UserId user, bool dry_run);
  /// Sets the address for mails in the user's profile, or takes it away where it is empty; the rest of the profile
  /// stays. Waits. Errors: not_found `user.unknown`; invalid `user.profile_invalid`; the storage's.
  Result<void> set_address(UserId user, const std::string& address);
  /// The user's muted conversations with the moment until which.
  Result<std::vector<std::pair<ConversationId, Millis>>> mutes_of(UserId user);

 private:
  Result<void> note(UserId user, std::string key, std::string value);
  Result<void> readers_of_broadcast(const Message& message, Function<Result<void>(std::vector<UserId>)>& page);

  Core& core_;
  Storage& storage_;
  const Domains& domains_;
  Threads& threads_;
  Erased& erased_;
  const Clock& clock_;
  std::unique_ptr<KeyValues> values_;
  LostDevices* lost_ = nullptr;
};

}  // namespace loft::push
