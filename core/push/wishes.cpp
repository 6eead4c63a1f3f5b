#include "push/wishes.hpp"

#include <algorithm>
#include <charconv>

namespace loft::push {
namespace {

constexpr Millis patience = 30'000;  // of who asks
constexpr Millis kept = 90LL * 86'400'000;
constexpr std::size_t most_users = 100'000;
constexpr std::size_t most_devices = 20;  // of one user
constexpr std::size_t page = 1'000;
// Keys: `lost.<user>.<client>`; the value is when it was lost, since 1970.
constexpr std::string_view prefix = "lost.";

std::string key_of(UserId user, const std::string& client) {
  return std::string(prefix) + std::to_string(raw(user)) + "." + client;
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Result<void> LostDevices::load() {
  const auto now = clock_.now();
  for (std::string after;;) {
    const auto found = values_.read(std::string(prefix), after, page);
    if (!found) return found.error();
    if (found->empty()) return {};
    after = found->back().key;
    std::vector<KeyChange> old;
    for (const auto& row : *found) {
      const auto name = std::string_view(row.key).substr(prefix.size());
      const auto dot = name.find('.');
      if (dot == std::string_view::npos || number(row.value) + kept < now) {
        old.push_back({row.key, std::nullopt, std::nullopt});
        continue;
      }
      const std::lock_guard lock(mutex_);
      if (lost_.size() < most_users) lost_[static_cast<UserId>(number(name))].emplace(name.substr(dot + 1));
    }
    if (old.empty()) continue;
    if (auto removed = values_.write(std::move(old)); !removed) return removed;
  }
}

void LostDevices::note(UserId user, const std::string& client) {
  {
    const std::lock_guard lock(mutex_);
    if (lost_.find(user) == lost_.end() && lost_.size() >= most_users) return;
    auto& names = lost_[user];
    if (names.size() >= most_devices || !names.insert(client).second) return;
  }
  store(user, client, true);
}

void LostDevices::clear(UserId user, const std::string& client) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = lost_.find(user);
    if (found == lost_.end() || found->second.erase(client) == 0) return;
    if (found->second.empty()) lost_.erase(found);
  }
  store(user, client, false);
}

/// By whoever may wait; what cannot be stored is known until the host stops.
void LostDevices::store(UserId user, const std::string& client, bool is_lost) {
  const bool taken = threads_.run_blocking([this, user, client, is_lost] {
    // What it is now: two that were asked for one after the other may come here in another order.
    {
      const std::lock_guard lock(mutex_);
      const auto found = lost_.find(user);
      if ((found != lost_.end() && found->second.count(client) != 0) != is_lost) return;
    }
    std::optional<std::string> value;
    if (is_lost) value = std::to_string(clock_.now());
    if (const auto done = values_.write({{key_of(user, client), value, std::nullopt}}); !done)
      log_.warn("which devices are to be registered again could not be stored", {{"reason", done.error().reason}});
  });
  if (!taken) log_.warn("which devices are to be registered again could not be stored", {{"reason", "pool.full"}});
}

std::vector<std::string> LostDevices::of(UserId user) const {
  const std::lock_guard lock(mutex_);
  const auto found = lost_.find(user);
  if (found == lost_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

Result<std::vector<std::string>> LostDevices::stored(UserId user) {
  const auto all = key_of(user, "");
  const auto found = values_.read(all, "", page);
  if (!found) return found.error();
  std::vector<std::string> names;
  for (const auto& row : *found) names.push_back(row.key.substr(all.size()));
  return names;
}

Result<std::size_t> LostDevices::forget(UserId user, bool dry_run) {
  const auto found = stored(user);
  if (!found) return found.error();
  if (dry_run) return found->size();
  {
    const std::lock_guard lock(mutex_);
    lost_.erase(user);
  }
  std::vector<KeyChange> changes;
  for (const auto& client : *found) changes.push_back({key_of(user, client), std::nullopt, std::nullopt});
  if (changes.empty()) return std::size_t{0};
  if (auto removed = values_.write(std::move(changes)); !removed) return removed.error();
  return found->size();
}

void Wishes::intercept(Bus& bus) {
  bus.intercept<ListLostDevices>(Stage::policy, [this](ListLostDevices& event) {
    event.clients = lost_.of(event.caller.user);
    return Verdict::pass();
  });
  // The event stays as long as the answer is owed, and nobody else reads it meanwhile.
  bus.intercept_waiting<MutePushes>(Stage::policy, patience, [this](MutePushes& event, Resume resume) {
    auto shared = std::make_shared<Resume>(std::move(resume));
    const bool taken = threads_.run_blocking([this, &event, shared] { (*shared)(mute(event)); });
    if (!taken) (*shared)(Verdict::refuse(Code::overloaded, "pool.full", "try again later"));
  });
  bus.intercept_waiting<ListMutedPushes>(Stage::policy, patience, [this](ListMutedPushes& event, Resume resume) {
    auto shared = std::make_shared<Resume>(std::move(resume));
    const bool taken = threads_.run_blocking([this, &event, shared] { (*shared)(list(event)); });
    if (!taken) (*shared)(Verdict::refuse(Code::overloaded, "pool.full", "try again later"));
  });
}

Verdict Wishes::mute(const MutePushes& event) {
  const auto until = event.lift ? std::nullopt : std::optional(event.muted.until);
  const auto done = mute_(event.caller.user, event.muted.conversation, until);
  return done ? Verdict() : Verdict(done.error());
}

Verdict Wishes::list(ListMutedPushes& event) {
  const auto found = muted_(event.caller.user);
  if (!found) return Verdict(found.error());
  for (const auto& [conversation, until] : *found) event.muted.push_back({conversation, until});
  std::sort(event.muted.begin(), event.muted.end(),
            [](const auto& a, const auto& b) { return raw(a.conversation) < raw(b.conversation); });
  return Verdict::pass();
}

}  // namespace loft::push
