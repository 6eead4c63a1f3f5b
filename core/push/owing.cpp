#include "push/owing.hpp"

#include <algorithm>

namespace loft::push {
namespace {

constexpr std::size_t rows_at_once = 1'000;  // of one transaction

}  // namespace

Result<void> Owing::consume(std::span<const Committed> entries) {
  rows_.clear();
  muted_.clear();
  for (const auto& entry : entries) {
    if (entry.message == nullptr) continue;
    if (auto taken = take(*entry.message); !taken) return taken;
  }
  return store();
}

void Owing::pass_over(const Message& message, UserId user, const char* reason) {
  p_.trace.note({message.id, user}, p_.clock.now(), reason);
  count_passed_over(reason);
}

void Owing::count_passed_over(const char* reason) {
  auto& counter = passed_over_[reason];
  if (counter == nullptr) counter = &p_.meters.passed_over(reason);
  counter->add();
}

Result<void> Owing::take(const Message& message) {
  const auto now = p_.clock.now();
  p_.meters.behind().set(std::max<Millis>(now - message.time(), 0));
  if (message.recalled != 0 || message.time() + p_.settings.ttl <= now) {
    count_passed_over(message.recalled != 0 ? "push.recalled" : "push.expired");
    return {};
  }
  return p_.world.recipients(message, [&](std::vector<UserId> users) { return take_page(message, std::move(users)); });
}

/// Both in the same order.
void Owing::pass_over_gone(const Message& message, const std::vector<UserId>& before, const std::vector<UserId>& after,
                           const char* reason) {
  auto kept = after.begin();
  for (const auto user : before) {
    if (kept != after.end() && *kept == user)
      ++kept;
    else
      pass_over(message, user, reason);
  }
}

Result<void> Owing::take_page(const Message& message, std::vector<UserId> users) {
  auto all = users;
  p_.world.leave_absent(users);
  pass_over_gone(message, all, users, "push.online");
  if (users.empty()) return {};

  auto known = muted_.find(message.conversation);
  if (known == muted_.end()) {
    auto muted = p_.world.muted(message.conversation);
    if (!muted) return muted.error();
    known = muted_.emplace(message.conversation, std::move(*muted)).first;
  }
  const auto& muted = known->second;
  all = users;
  std::erase_if(users, [&](UserId user) { return std::binary_search(muted.begin(), muted.end(), user); });
  pass_over_gone(message, all, users, "push.muted");

  if (auto left = leave_unreachable(message, users); !left) return left;
  for (const auto user : users) {
    OwedPush row;
    row.message = message.id;
    row.user = user;
    row.conversation = message.conversation;
    row.created = p_.clock.now();
    // A clock that was ahead and is set right again leaves ids ahead of it; a push does not wait for that moment.
    const auto since = std::min(message.time(), row.created);
    row.due = since + p_.settings.delay;
    row.expires = since + p_.settings.ttl;
    rows_.push_back(std::move(row));
    if (rows_.size() < rows_at_once) continue;
    if (auto stored = store(); !stored) return stored;
  }
  return {};
}

/// Where there is no mail, a user without a device cannot be reached, and is no row.
Result<void> Owing::leave_unreachable(const Message& message, std::vector<UserId>& users) {
  if (p_.settings.email || users.empty()) return {};
  const auto devices = p_.ledger.devices(users);
  if (!devices) return devices.error();
  std::vector<UserId> reachable;
  for (const auto& device : *devices) reachable.push_back(device.user);
  std::sort(reachable.begin(), reachable.end());
  const auto all = users;
  std::erase_if(users, [&](UserId user) { return !std::binary_search(reachable.begin(), reachable.end(), user); });
  pass_over_gone(message, all, users, "push.no_device");
  return {};
}

Result<void> Owing::store() {
  if (rows_.empty()) return {};
  const Erased::Hold hold(p_.erased);
  if (hold.any()) std::erase_if(rows_, [&](const OwedPush& row) { return hold.has(row.user); });
  if (rows_.empty()) return {};
  const auto stored = p_.ledger.owe(rows_);
  if (!stored) return stored.error();
  p_.meters.owed(*stored);
  auto first = rows_.front().due;
  for (const auto& row : rows_) first = std::min(first, row.due);
  rows_.clear();
  if (owed_) owed_(first);
  return {};
}

}  // namespace loft::push
