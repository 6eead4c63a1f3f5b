// What a round of entries needs of the storage, before it is sequenced.
#include <algorithm>
#include <utility>

#include "messaging/core.hpp"

namespace loft {

// Brings what the entries name into memory, before the state is locked for sequencing: the storage is asked here, and
// with nothing locked. Between this and the end of the round nothing is committed of these conversations, so that what
// is found stays true. An entry that failed has failed for good, also where it is drafted again: its receiver was not
// asked.
void Core::prepare(std::vector<Entry>& entries) {
  std::unique_lock lock(state_.mutex);
  for (auto& entry : entries) {
    if (entry.failed) continue;
    std::visit(
        [&](auto& any) {
          auto& what = unboxed(any);
          if constexpr (requires { prepare(entry, what, lock); }) prepare(entry, what, lock);
        },
        entry.what);
  }
}

void Core::prepare(Entry& entry, SubmitEntry& submit, std::unique_lock<std::mutex>& lock) {
  if (submit.rest != nullptr && submit.rest->refused) return;
  submit.conversation = nullptr;
  const auto sender = submit.sender->id;
  if (submit.peer != nullptr) {
    submit.conversation = prepare_pair(entry, sender, submit.peer->id, lock);
    return;
  }
  if (submit.rest != nullptr && !submit.rest->topic.empty()) return prepare_notice(entry, submit, lock);

  auto& more = submit.more();
  auto* known =
      more.to.by == ConversationRef::By::id ? state_.find(static_cast<ConversationId>(more.to.number)) : nullptr;
  if (more.to.by == ConversationRef::By::handle || more.to.by == ConversationRef::By::handle_or_id) {
    known = state_.find_handle(more.to.text);
  }
  if (known == nullptr || !known->members_loaded) {
    lock.unlock();
    auto found = resolve(sender, more.to, true);
    lock.lock();
    if (!found) {
      entry.failed = std::make_unique<Error>(found.error());
      return;
    }
    known = *found;
  }
  submit.conversation = known;
  if (!known->is_direct() || !known->has_direct_member(sender)) return;
  const auto other = known->info->low == sender ? known->info->high : known->info->low;
  more.other = directory_.cached(other);
  if (more.other == nullptr) {
    lock.unlock();
    auto loaded = directory_.load(other);
    if (loaded)
      more.other = std::move(*loaded);
    else
      entry.failed = std::make_unique<Error>(loaded.error());
    lock.lock();
  }
  // Nobody would read it.
  if (more.other != nullptr && is_erased(*more.other)) entry.failed = std::make_unique<Error>(unknown_user());
}

void Core::prepare(Entry& entry, SubmitAllEntry& all, std::unique_lock<std::mutex>& lock) {
  for (auto& submit : all.parts) {
    prepare(entry, submit, lock);
    if (entry.failed) return;
  }
}

ConversationState* Core::prepare_pair(Entry& entry, UserId a, UserId b, std::unique_lock<std::mutex>& lock) {
  const auto pair = std::minmax(a, b);
  if (auto* known = state_.find_pair(pair)) return known;
  ConversationState* found = nullptr;
  lock.unlock();
  auto stored = storage_.conversation_by_pair(pair.first, pair.second);
  if (!stored) {
    entry.failed = std::make_unique<Error>(stored.error());
  } else if (*stored) {
    auto adopted = adopt(std::move(**stored), false);
    if (adopted)
      found = *adopted;
    else
      entry.failed = std::make_unique<Error>(adopted.error());
  }
  lock.lock();
  return found;
}

void Core::ask_receivers(std::vector<Entry>& entries) {
  if (!propose_write_.has_interceptors()) return;
  for (auto& entry : entries) {
    if (entry.failed || std::exchange(entry.asked, true)) continue;
    if (auto* submit = std::get_if<SubmitEntry>(&entry.what)) {
      ask_receiver(entry.caller, *submit);
    } else if (auto* all = std::get_if<Boxed<SubmitAllEntry>>(&entry.what)) {
      for (auto& part : (**all).parts) ask_receiver(entry.caller, part);
    }
  }
}

void Core::ask_receiver(const Caller& caller, SubmitEntry& submit) {
  if (submit.rest != nullptr && submit.rest->refused) return;
  const auto sender = submit.sender->id;
  auto receiver = sender;
  if (submit.peer != nullptr) {
    receiver = submit.peer->id;
  } else if (submit.conversation != nullptr && submit.conversation->is_direct() &&
             submit.conversation->has_direct_member(sender)) {
    const auto& pair = *submit.conversation->info;
    receiver = pair.low == sender ? pair.high : pair.low;
  }
  if (receiver == sender) return;
  WriteToUser question{{}, caller, receiver};
  auto verdict = propose_write_.now(question);
  if (!verdict.passed()) submit.more().unwelcome = verdict.refusal();
}

// A message that is not in memory may have been recalled since it was looked up.
void Core::prepare(Entry& entry, RecallEntry& recall, std::unique_lock<std::mutex>& lock) {
  const MessageId ids[] = {recall.record.message->id};
  if (state_.recent_record(ids[0]) != nullptr) return;
  lock.unlock();
  auto found = storage_.messages(ids);
  if (!found)
    entry.failed = std::make_unique<Error>(found.error());
  else if (found->empty())
    entry.failed = std::make_unique<Error>(Error{Code::not_found, "message.unknown", "no such message"});
  else
    recall.record.message = std::make_shared<const Message>(std::move(found->front()));
  lock.lock();
}

void Core::prepare(Entry& entry, MarkEntry& mark, std::unique_lock<std::mutex>& lock) {
  prepare_view(entry, mark.actor->id, lock);
  if (mark.mark != MarkId::read && mark.also != MarkId::read) return;
  // Whether others hear of it is a question of how many they are.
  const auto load = [&](ConversationState* conversation) {
    if (conversation == nullptr || conversation->members_loaded || entry.failed) return;
    lock.unlock();
    if (auto loaded = load_members(*conversation); !loaded) entry.failed = std::make_unique<Error>(loaded.error());
    lock.lock();
  };
  for (const auto& target : mark.targets) load(state_.find(target.conversation));
  for (const auto& span : mark.spans) {
    const auto* view = state_.view(mark.actor->id);
    if (view == nullptr) return;
    const auto mine = view->entries.find(span.in->id());
    if (mine != view->entries.end() && mine->second.lacks(MarkId::read, span.up_to)) load(span.in);
  }
}

void Core::prepare(Entry& entry, OpenEntry& open, std::unique_lock<std::mutex>& lock) {
  if (state_.erased.contains(open.user->id)) {
    entry.failed = std::make_unique<Error>(unknown_user());
    return;
  }
  prepare_view(entry, open.user->id, lock);
}

// It was in memory when the entry was made, but may have been evicted since.
void Core::prepare_view(Entry& entry, UserId user, std::unique_lock<std::mutex>& lock) {
  if (state_.view(user) != nullptr) return;
  lock.unlock();
  if (auto loaded = load_view(user); !loaded) entry.failed = std::make_unique<Error>(loaded.error());
  lock.lock();
}

void Core::prepare(Entry& entry, CreateEntry& create, std::unique_lock<std::mutex>& lock) {
  if (create.conversation.kind == ConversationKind::direct) {
    create.known = prepare_pair(entry, create.actor->id, create.members.front()->id, lock);
    return;
  }
  const auto& handle = create.conversation.handle;
  if (handle.empty() || state_.by_handle.contains(handle)) return;
  lock.unlock();
  auto stored = storage_.conversation_by_handle(handle);
  if (!stored) {
    entry.failed = std::make_unique<Error>(stored.error());
  } else if (*stored) {
    if (auto adopted = adopt(std::move(**stored), false); !adopted)
      entry.failed = std::make_unique<Error>(adopted.error());
  }
  lock.lock();
}

void Core::prepare(Entry& entry, ChangeEntry& change, std::unique_lock<std::mutex>& lock) {
  const auto owner = change.conversation->info->owner;
  if (owner == UserId::none) return;
  lock.unlock();
  auto loaded = directory_.load(owner);
  if (loaded)
    change.owner = std::move(*loaded);
  else
    entry.failed = std::make_unique<Error>(loaded.error());
  lock.lock();
}

void Core::prepare(Entry& entry, UserEntry& wanted, std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const auto look = [&](const UserRef& ref) -> UserPtr {
    auto known = directory_.load(ref);
    if (known) return *known;
    if (known.error().code != Code::not_found) entry.failed = std::make_unique<Error>(known.error());
    return nullptr;
  };
  const auto& user = wanted.user;
  if (is_tombstone_handle(user.handle)) {
    entry.failed = std::make_unique<Error>(
        Error{Code::invalid, "user.handle_invalid", "handles of the form erased-<number> are the host's"});
    return lock.lock();
  }
  wanted.existing = look(UserRef::handle(user.handle));
  if (wanted.existing == nullptr && !entry.failed) {
    const bool id_taken = user.id != UserId::none && look(UserRef::of(user.id)) != nullptr;
    const bool uuid_taken = !user.uuid.empty() && look(UserRef::uuid(user.uuid)) != nullptr;
    if (id_taken || uuid_taken) {
      entry.failed = std::make_unique<Error>(
          Error{Code::conflict, "user.taken", id_taken ? "the uid is taken" : "the uuid is taken"});
    }
  }
  lock.lock();
}

}  // namespace loft
