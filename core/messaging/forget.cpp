// What the host itself asks of the committer: messages that are too old, users that are erased.
#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <tuple>

#include "messaging/core.hpp"

namespace loft {
namespace {

/// A group may change hands between the look and the act.
constexpr int tries = 8;

Caller nobody() {
  Caller caller;
  caller.thread = ~0u;  // answered on the committer's thread
  return caller;
}

}  // namespace

template <class T, class E>
Result<T> Core::wait_for(E entry) {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Result<T>> result;
  entry.done = [&](Result<T> answer) {
    const std::lock_guard lock(mutex);
    result = std::move(answer);
    answered.notify_one();
  };
  const auto caller = nobody();
  enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return result.has_value(); });
  return std::move(*result);
}

Result<std::size_t> Core::forget_messages(ConversationId conversation, Seq upto) {
  ForgetEntry entry;
  entry.conversation = conversation;
  entry.upto = upto;
  return wait_for<std::size_t>(std::move(entry));
}

// Here and not with the round: the storage does it in a transaction of its own. It is not done again when the round is
// drafted again. Whatever came of it, nothing in memory speaks of these messages any more.
void Core::prepare(Entry& entry, ForgetEntry& forget, std::unique_lock<std::mutex>& lock) {
  if (forget.forgotten) return;
  lock.unlock();
  auto done = [&]() -> Result<std::size_t> {
    try {
      return storage_.forget_messages(forget.conversation, forget.upto, std::numeric_limits<std::int32_t>::max());
    } catch (const std::exception& e) {
      log_.error("the storage threw", {{"what", e.what()}});
      return Error{Code::internal, "storage.broken", {}};
    }
  }();
  lock.lock();
  if (auto* conversation = state_.find(forget.conversation)) state_.forget(*conversation, forget.upto);
  if (done)
    forget.forgotten = *done;
  else
    entry.failed = std::make_unique<Error>(std::move(done.error()));
}

Result<UserPtr> Core::entomb(UserId id, std::string uuid) {
  const auto user = directory_.load(id);
  if (!user) return user.error();
  if (is_erased(**user)) {
    const std::lock_guard lock(state_.mutex);
    state_.erased.insert(id);
    return *user;
  }
  EntombEntry entry;
  entry.tombstone.id = id;
  entry.tombstone.handle = tombstone_handle(id);
  entry.tombstone.uuid = std::move(uuid);
  entry.tombstone.created = (*user)->created;  // says which broadcasts it had
  const auto other = directory_.load(UserRef::handle(entry.tombstone.handle));
  if (other) {
    return Error{Code::conflict, "user.taken",
                 "another user has the handle " + entry.tombstone.handle + ", which this one is to leave behind"};
  }
  if (other.error().code != Code::not_found) return other.error();
  return wait_for<UserPtr>(std::move(entry));
}

Result<void> Core::erase_in(const UserPtr& user, ConversationId conversation, std::vector<Message> messages,
                            std::vector<std::string> marks) {
  const auto found = load(conversation, true);
  if (!found) return found.error();
  EraseEntry entry;
  entry.user = user;
  entry.conversation = *found;
  entry.messages = std::move(messages);
  entry.marks = std::move(marks);
  const auto done = wait_for<bool>(std::move(entry));
  return done ? Result<void>() : Result<void>(done.error());
}

void Core::prepare(Entry& entry, EraseEntry& erase, std::unique_lock<std::mutex>& lock) {
  const auto& info = *erase.conversation->info;
  if (info.kind != ConversationKind::direct) return;
  const auto other = info.low == erase.user->id ? info.high : info.low;
  lock.unlock();
  auto peer = directory_.load(other);
  if (peer)
    erase.peer = std::move(*peer);
  else
    entry.failed = std::make_unique<Error>(std::move(peer.error()));
  lock.lock();
}

/// False: nobody else is there; the group is dissolved instead.
Result<bool> Core::give_away(const UserPtr& user, ConversationState& group) {
  std::optional<Member> heir;
  {
    const std::lock_guard lock(state_.mutex);
    const auto before = [](const Member& a, const Member& b) {
      return std::tuple(a.role != Role::admin, a.joined, a.user) < std::tuple(b.role != Role::admin, b.joined, b.user);
    };
    for (const auto& member : group.members) {
      if (member.left || member.user == user->id) continue;
      if (!heir || before(member, *heir)) heir = member;
    }
  }
  ChangeEntry entry;
  entry.actor = user;
  entry.conversation = &group;
  entry.act.in = ConversationRef::of(group.id());
  if (heir) {
    auto found = directory_.load(heir->user);
    if (!found) return found.error();
    entry.act.owner = UserRef::of(heir->user);
    entry.heir = std::move(*found);
  } else {
    entry.act.kind = ConversationAct::Kind::dissolve;
  }
  const auto changed = wait_for<ConversationRecord>(std::move(entry));
  if (!changed && changed.error().reason == "member.unknown") return true;  // the heir has left: look again
  if (!changed) return changed.error();
  return heir.has_value();
}

Result<bool> Core::leave_group(const UserPtr& user, ConversationId id) {
  const auto group = load(id, true);
  if (!group) return group.error();
  for (int attempt = 0; attempt < tries; ++attempt) {
    bool owns = false;
    {
      const std::lock_guard lock(state_.mutex);
      const auto* self = (*group)->member(user->id);
      if (self == nullptr) return attempt > 0;
      owns = self->role == Role::owner;
    }
    if (owns) {
      const auto given = give_away(user, **group);
      if (!given) return given.error();
      if (!*given) return true;
    }
    MembershipEntry entry;
    entry.actor = entry.subject = user;
    entry.conversation = *group;
    entry.act.kind = MembershipAct::Kind::leave;
    entry.act.in = ConversationRef::of(id);
    const auto left = wait_for<MemberRecord>(std::move(entry));
    if (left) return true;
    if (left.error().reason == "member.none") return true;
    if (left.error().reason != "member.owner_stays") return left.error();
  }
  return Error{Code::unavailable, "view.busy", "the group changes hands all the time; try again"};
}

}  // namespace loft
