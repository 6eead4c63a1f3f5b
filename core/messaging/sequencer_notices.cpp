// System and broadcast conversations, and what is said of users; both steps of the sequencer.
#include <loft/uuid.hpp>

#include "messaging/sequencer.hpp"

namespace loft {

ConversationState* Sequencer::proclaimed(const SubmitEntry::More& to) {
  if (auto* known = state_.find_handle(to.to.text)) return known;
  if (const auto it = made_handles_.find(to.to.text); it != made_handles_.end()) return it->second;
  Conversation info;
  const auto id = core_.ids_.next();
  info.id = static_cast<ConversationId>(id);
  info.kind = to.reader != nullptr ? ConversationKind::system : ConversationKind::broadcast;
  info.handle = to.to.text;
  info.topic = to.topic;
  info.uuid = derived_uuid(UuidKind::conversation, id);
  info.join = JoinRule::invite_only;
  info.created = info.updated = id::time_of(id);
  conversations_.push_back(info);
  auto state = std::make_unique<ConversationState>();
  auto* made = state.get();
  state->members_loaded = true;
  state->info = std::make_shared<const Conversation>(std::move(info));
  if (to.reader != nullptr) {
    Member reader;
    reader.conversation = made->id();
    reader.user = to.reader->id;
    reader.joined = id;
    made->member_index.emplace(reader.user, 0);
    made->members.push_back(reader);
    made->member_count = 1;
    members_.push_back(reader);
  }
  made_handles_.emplace(to.to.text, made);
  made_.push_back(std::move(state));
  return made;
}

void Sequencer::draft_row(UserId user, ViewEntry& entry) {
  Member row;
  row.conversation = entry.conversation->id();
  row.user = user;
  row.joined = entry.joined;
  row.joined_seq = entry.joined_seq;
  members_.push_back(row);
}

Sequencer::Step Sequencer::decide(Entry& entry, ProfileEntry& profile) {
  static_cast<void>(entry);
  auto user = *profile.user;
  user.profile = profile.profile;
  users_.push_back(std::move(user));
  is_change_.push_back(true);
  return UserStep{nullptr, users_.size() - 1};
}

// ---- a stored round

/// A conversation that is new enters the views of those who read it.
void Sequencer::proclaim(ConversationState& conversation, Outbound& out) {
  const auto joined = raw(conversation.id());
  if (conversation.info->kind == ConversationKind::system) {
    const auto reader = conversation.members.front().user;
    enter_view(reader, conversation, 0, joined);
    return audience(reader, conversation.id(), true, out);
  }
  state_.broadcasts.push_back(&conversation);
  // Whoever is being read lacks it.
  for (auto& [user, loading] : state_.loading) ++loading.changes;
  for (auto& [user, view] : state_.views) {
    enter_view(user, conversation, 0, State::joined(*view->user, *conversation.info));
    view->entries[conversation.id()].implicit = true;
  }
}

void Sequencer::finish(Entry& entry, ProfileEntry& profile, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step))
    return out.reply<UserPtr>(entry.caller, profile.done, std::move(*refused));
  const auto made = users_made_[std::get<UserStep>(step).index];
  if (auto* view = state_.view(made->id)) {
    view->user = made;
    for (const auto& session : view->sessions) {
      out.add(session.thread, Reply{session.id, [&core = core_, thread = session.thread, id = session.id, made] {
                                      if (auto* known = core.sessions_.find(thread, id)) known->user = made;
                                    }});
    }
  }
  out.reply<UserPtr>(entry.caller, profile.done, made);
}

}  // namespace loft
