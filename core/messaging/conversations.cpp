// Conversations made and changed, and users' profiles, on their way to the committer's queue.
#include <loft/json.hpp>

#include "messaging/ask.hpp"

namespace loft {
namespace {

constexpr std::size_t profile_bytes = 8 << 10;

/// What no storage needs to be asked about.
std::optional<Error> wrong_with(const NewConversation& wanted, std::size_t most) {
  switch (wanted.kind) {
    case ConversationKind::direct:
      if (wanted.members.size() == 1) return std::nullopt;
      return Error{Code::invalid, "conversation.peer_missing", "a direct conversation is made with one other user"};
    case ConversationKind::group:
      if (wanted.members.size() <= most) return std::nullopt;
      return Error{Code::too_large, "conversation.too_many_members", "at most " + std::to_string(most) + " members"};
    default:
      return Error{Code::invalid, "conversation.kind_invalid", "the first message makes a conversation of that kind"};
  }
}

}  // namespace

void Core::create(const Caller& from, NewConversation conversation, Done<ConversationRecord> done) {
  if (turned_away(from, done)) return;
  consult(propose_create_, CreateConversation{{}, from, std::move(conversation)},
          [this, done = std::move(done)](CreateConversation& asked, Verdict verdict) mutable {
            const auto caller = asked.caller;
            if (!verdict.passed()) return refuse(caller, std::move(done), verdict.refusal());
            if (auto wrong = wrong_with(asked.conversation, options_.group_members)) {
              return refuse(caller, std::move(done), std::move(*wrong));
            }
            // The caller comes first: it becomes the owner.
            auto refs = asked.conversation.members;
            refs.insert(refs.begin(), UserRef::of(caller.user));
            with_users(caller, std::move(refs),
                       [this, caller, wanted = std::move(asked.conversation),
                        done = std::move(done)](Result<std::vector<UserPtr>> users) mutable {
                         if (!users) return refuse(caller, std::move(done), std::move(users.error()));
                         auto owner = users->front();
                         users->erase(users->begin());
                         CreateEntry entry{std::move(owner), std::move(wanted), std::move(*users), std::move(done)};
                         enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
                       });
          });
}

void Core::change_conversation(const Caller& from, ConversationAct act, Done<ConversationRecord> done) {
  if (turned_away(from, done)) return;
  consult(propose_change_, ChangeConversation{{}, from, std::move(act)},
          [this, done = std::move(done)](ChangeConversation& asked, Verdict verdict) mutable {
            if (!verdict.passed()) return refuse(asked.caller, std::move(done), verdict.refusal());
            apply_change(asked.caller, std::move(asked.act), std::move(done));
          });
}

void Core::apply_change(const Caller& caller, ConversationAct act, Done<ConversationRecord> done) {
  std::vector<UserRef> refs{UserRef::of(caller.user)};
  if (act.kind == ConversationAct::Kind::dissolve) act.owner.reset();
  if (act.owner) refs.push_back(*act.owner);
  with_users(caller, std::move(refs),
             [this, caller, act = std::move(act), done = std::move(done)](Result<std::vector<UserPtr>> users) mutable {
               if (!users) return refuse(caller, std::move(done), std::move(users.error()));
               auto ref = act.in;
               with_conversation(caller, std::move(ref), true,
                                 [this, caller, act = std::move(act), users = std::move(*users),
                                  done = std::move(done)](Result<ConversationState*> found) mutable {
                                   if (!found) return refuse(caller, std::move(done), std::move(found.error()));
                                   ChangeEntry entry;
                                   entry.actor = users.front();
                                   if (act.owner) entry.heir = users.back();
                                   entry.act = std::move(act);
                                   entry.conversation = *found;
                                   entry.done = std::move(done);
                                   enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
                                 });
             });
}

void Core::set_profile(const Caller& from, std::string profile, Done<UserPtr> done) {
  if (turned_away(from, done)) return;
  if (!profile.empty()) {
    const auto object = profile.size() <= profile_bytes ? json::parse(profile) : Error{};
    if (!object || !object->is(json::Type::object)) {
      return refuse(from, std::move(done),
                    {Code::invalid, "user.profile_invalid", "a profile is a JSON object of at most 8 KiB, or empty"});
    }
  }
  with_actor(from, [this, from, profile = std::move(profile), done = std::move(done)](Result<UserPtr> user) mutable {
    if (!user) return refuse(from, std::move(done), std::move(user.error()));
    ProfileEntry entry{std::move(*user), std::move(profile), std::move(done)};
    enqueue(from.thread, Entry{from, std::move(entry), 0, {}});
  });
}

}  // namespace loft
