// Finding what a call names: in memory at once, else in the storage by way of the pool.
#include <algorithm>

#include "messaging/ask.hpp"
#include "messaging/notice_names.hpp"

namespace loft {

bool Core::is_gone(const Caller& caller) {
  return caller.session != 0 && sessions_.find(caller.thread, caller.session) == nullptr;
}

void Core::hold(const Caller& caller) {
  if (auto* session = sessions_.find(caller.thread, caller.session)) session->link->hold();
}

void Core::release(const Caller& caller) {
  if (auto* session = sessions_.find(caller.thread, caller.session)) session->link->release();
}

void Core::find(const Caller& caller, UserRef ref, Done<UserPtr> done) {
  with_user(caller, std::move(ref), std::move(done));
}

void Core::with_user(const Caller& caller, UserRef ref, Function<void(Result<UserPtr>)> then) {
  if (auto user = directory_.cached(ref)) {
    if (is_erased(*user)) return then(unknown_user());
    return then(std::move(user));
  }
  const bool create = creates(ref);
  auto name = ref.text;
  in_pool<UserPtr>(
      caller, [this, ref = std::move(ref)] { return directory_.load(ref); },
      [this, caller, create, name = std::move(name), then = std::move(then)](Result<UserPtr> user) mutable {
        if (user && is_erased(**user)) return then(unknown_user());
        if (user || !create || user.error().code != Code::not_found) return then(std::move(user));
        hold(caller);
        UserEntry entry;
        entry.user.handle = std::move(name);
        entry.if_absent = true;
        entry.done = [this, caller, then = std::move(then)](Result<UserPtr> made) mutable {
          then(std::move(made));
          release(caller);
        };
        enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
      });
}

void Core::with_actor(const Caller& caller, Function<void(Result<UserPtr>)> then) {
  with_user(caller, UserRef::of(caller.user), std::move(then));
}

bool Core::creates(const UserRef& ref) const {
  return ref.create && options_.auto_create_users && ref.by != UserRef::By::id && ref.by != UserRef::By::uuid;
}

struct Core::AskedUsers {
  std::vector<UserRef> refs;
  std::vector<UserPtr> found;  ///< in the order of `refs`; null: not yet
  Function<void(Result<std::vector<UserPtr>>)> then;
  std::size_t awaited = 0;  ///< users that are being made
  std::optional<Error> failed;
};

// However many they are, one trip to the storage reads and one round writes them.
void Core::with_users(const Caller& caller, std::vector<UserRef> refs,
                      Function<void(Result<std::vector<UserPtr>>)> then) {
  auto asked = std::make_shared<AskedUsers>();
  bool all = true;
  for (const auto& ref : refs) {
    asked->found.push_back(directory_.cached(ref));
    all = all && asked->found.back() != nullptr;
    if (asked->found.back() != nullptr && is_erased(*asked->found.back())) return then(unknown_user());
  }
  if (all) return then(std::move(asked->found));
  asked->refs = std::move(refs);
  asked->then = std::move(then);
  in_pool<bool>(
      caller, [this, asked] { return load_users(*asked); },
      [this, caller, asked](Result<bool> loaded) {
        if (!loaded) return asked->then(std::move(loaded.error()));
        make_users(caller, asked);
      });
}

// All are read before the first is made: a name that is wrong leaves no others behind.
Result<bool> Core::load_users(AskedUsers& asked) {
  for (std::size_t i = 0; i < asked.refs.size(); ++i) {
    if (asked.found[i] != nullptr) continue;
    auto user = directory_.load(asked.refs[i]);
    if (user && is_erased(**user)) return unknown_user();
    if (user)
      asked.found[i] = std::move(*user);
    else if (!creates(asked.refs[i]) || user.error().code != Code::not_found)
      return std::move(user.error());
  }
  return true;
}

void Core::make_users(const Caller& caller, const std::shared_ptr<AskedUsers>& asked) {
  const auto missing = std::count(asked->found.begin(), asked->found.end(), nullptr);
  if (missing == 0) return asked->then(std::move(asked->found));
  asked->awaited = static_cast<std::size_t>(missing);
  hold(caller);
  for (std::size_t i = 0; i < asked->refs.size(); ++i) {
    if (asked->found[i] != nullptr) continue;
    UserEntry entry;
    entry.user.handle = asked->refs[i].text;
    entry.if_absent = true;
    entry.done = [this, caller, asked, i](Result<UserPtr> made) {
      if (made)
        asked->found[i] = std::move(*made);
      else if (!asked->failed)
        asked->failed = std::move(made.error());
      if (--asked->awaited > 0) return;
      guarded([&] {
        if (asked->failed) return asked->then(std::move(*asked->failed));
        asked->then(std::move(asked->found));
      });
      release(caller);
    };
    enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
  }
}

void Core::with_view(const Caller& caller, Function<void(Result<void>)> then) {
  bool present = false;
  {
    std::lock_guard lock(state_.mutex);
    if (auto* view = state_.view(caller.user)) {
      view->used = clock_.steady();
      present = true;
    }
  }
  if (present) return then({});
  in_pool<bool>(
      caller,
      [this, user = caller.user]() -> Result<bool> {
        auto loaded = load_view(user);
        if (!loaded) return loaded.error();
        return true;
      },
      [then = std::move(then)](Result<bool> loaded) mutable {
        if (!loaded) return then(std::move(loaded.error()));
        then({});
      });
}

void Core::with_conversation(const Caller& caller, ConversationRef ref, bool with_members,
                             Function<void(Result<ConversationState*>)> then) {
  ConversationState* known = nullptr;
  {
    const bool for_one = ref.by == ConversationRef::By::direct || ref.by == ConversationRef::By::system;
    const auto peer = for_one ? directory_.cached(ref.peer) : nullptr;
    std::lock_guard lock(state_.mutex);
    if (ref.by == ConversationRef::By::id) {
      known = state_.find(static_cast<ConversationId>(ref.number));
    } else if (ref.by == ConversationRef::By::broadcast) {
      known = state_.find_handle(notice_handle(ref.text, UserId::none));
    } else if (peer != nullptr && ref.by == ConversationRef::By::system) {
      known = state_.find_handle(notice_handle(ref.text, peer->id));
    } else if (peer != nullptr) {
      known = state_.find_pair(std::minmax(caller.user, peer->id));
    } else if (ref.by == ConversationRef::By::handle || ref.by == ConversationRef::By::handle_or_id) {
      known = state_.find_handle(ref.text);
    }
    if (known != nullptr && with_members && !known->members_loaded) known = nullptr;
  }
  if (known != nullptr) return then(known);
  in_pool<ConversationState*>(
      caller,
      [this, user = caller.user, ref = std::move(ref), with_members] { return resolve(user, ref, with_members); },
      std::move(then));
}

void Core::find_message(const Caller& caller, MessageId id, Function<void(Result<MessageRecord>)> then) {
  with_actor(caller, [this, caller, id, then = std::move(then)](Result<UserPtr> user) mutable {
    const Error unknown{Code::not_found, "message.unknown", "no such message"};
    if (!user) return then(user.error().code == Code::not_found ? unknown : std::move(user.error()));
    std::optional<MessageRecord> known;
    bool may = false;
    {
      std::lock_guard lock(state_.mutex);
      if (const auto* record = state_.recent_record(id)) {
        known = *record;
        may = is_visible(**user, *known->message);
      }
    }
    if (known) return may ? then(std::move(*known)) : then(unknown);
    in_pool<MessageRecord>(
        caller, [this, id] { return record_of(id); },
        [this, user = std::move(*user), unknown, then = std::move(then)](Result<MessageRecord> record) mutable {
          if (record) {
            std::unique_lock lock(state_.mutex);
            const bool visible = is_visible(*user, *record->message);
            lock.unlock();
            if (!visible) return then(unknown);
          }
          then(std::move(record));
        });
  });
}

// With the lock held; the conversation and its members are in memory, since its message is.
bool Core::is_visible(const User& user, const Message& message) const {
  auto* conversation = state_.find(message.conversation);
  if (conversation == nullptr) return false;
  switch (conversation->info->kind) {
    case ConversationKind::direct:
      return conversation->has_direct_member(user.id);
    case ConversationKind::broadcast:
      return message.sender == user.id || raw(message.id) >= State::joined(user, *conversation->info);
    case ConversationKind::system:
      if (message.sender == user.id) return true;  // a service, which is no member
      break;
    case ConversationKind::group:
      break;
  }
  const auto* member = conversation->member(user.id);
  return member != nullptr && message.seq > member->joined_seq;
}

// ---- sessions

void Core::open_session(Session& session, UserRef user, Done<Login> done) {
  const auto caller = session.caller;
  with_user(caller, std::move(user), [this, caller, done = std::move(done)](Result<UserPtr> found) mutable {
    if (!found) return done(std::move(found.error()));
    auto named = caller;
    named.user = (*found)->id;
    consult(propose_session_, OpenSession{{}, named, *found},
            [this, done = std::move(done)](OpenSession& asked, Verdict verdict) mutable {
              if (!verdict.passed()) return done(verdict.refusal());
              with_view(asked.caller, [this, caller = asked.caller, user = asked.user,
                                       done = std::move(done)](Result<void> ready) mutable {
                if (!ready) return done(std::move(ready.error()));
                auto* opening = sessions_.find(caller.thread, caller.session);
                opening->user = user;
                opening->caller.user = user->id;
                OpenEntry entry;
                entry.user = std::move(user);
                entry.session = {caller.session,
                                 caller.thread,
                                 caller.contract,
                                 opening->marks_on_push,
                                 0,
                                 opening->single,
                                 opening->interests.receipts};
                entry.done = std::move(done);
                enqueue(caller.thread, Entry{opening->caller, std::move(entry), 0, {}});
              });
            });
  });
}

void Core::close_session(Session& session) {
  if (session.caller.session == 0) return;
  const auto caller = session.caller;
  const bool opened = session.active;
  // What was pushed and not proven yet is offered again. The peer's kernel may have it, but a client that closes reads
  // no more: what lies unread in its socket would be lost.
  sessions_.remove(session);
  session.caller.session = 0;
  if (session.user != nullptr) enqueue(caller.thread, Entry{caller, CloseEntry{caller.user, caller.session}, 0, {}});
  if (opened) session_closed_(SessionClosed{{}, caller});
}

}  // namespace loft
