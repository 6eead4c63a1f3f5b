// Messages that are removed, and users that are erased; both steps of the sequencer.
#include <algorithm>

#include "messaging/sequencer.hpp"

namespace loft {

/// What is still under way for a user that is erased: a request that was let in a moment before, what its links have
/// proven. Sessions still close.
bool Sequencer::is_of_erased(const Entry& entry) const {
  if (const auto* proven = std::get_if<ProvenEntry>(&entry.what)) return state_.erased.contains(proven->user);
  return state_.erased.contains(entry.caller.user) && !std::holds_alternative<CloseEntry>(entry.what);
}

Sequencer::Step Sequencer::decide(Entry& entry, EraseEntry& erase) {
  static_cast<void>(entry);
  const auto user = erase.user->id;
  ErasedStep step;
  for (const auto& stored : erase.messages) {
    // It may have been recalled since it was read.
    const Message* current = &stored;
    if (const auto drafted = recalled_.find(stored.id); drafted != recalled_.end())
      current = drafted->second.get();
    else if (const auto* recent = state_.recent_record(stored.id))
      current = recent->message.get();
    auto message = std::make_shared<Message>(*current);
    message->content = "{}";
    message->extras.clear();
    const bool stands = message->recalled == 0;
    if (stands) draft_recall(*erase.conversation, message, user, {});
    erased_.push_back(message->id);
    step.parts.push_back({std::move(message), stands});
  }
  for (const auto& name : erase.marks) {
    emptied_marks_.push_back({user, erase.conversation->id(), name, Mark{}.encode()});
  }
  return step;
}

Sequencer::Step Sequencer::decide(Entry& entry, EntombEntry& entomb) {
  static_cast<void>(entry);
  users_.push_back(entomb.tombstone);
  is_change_.push_back(true);
  return UserStep{nullptr, users_.size() - 1};
}

// ---- a stored round

/// It was done before the round was sequenced.
void Sequencer::finish(Entry& entry, ForgetEntry& forget, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step))
    return out.reply<std::size_t>(entry.caller, forget.done, std::move(*refused));
  out.reply<std::size_t>(entry.caller, forget.done, forget.forgotten.value_or(0));
}

void Sequencer::finish(Entry& entry, EraseEntry& erase, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step)) return out.reply<bool>(entry.caller, erase.done, std::move(*refused));
  auto& conversation = *erase.conversation;
  for (auto& [message, recalled] : std::get<ErasedStep>(step).parts) {
    replace_in_tail(conversation, message);
    if (!recalled) continue;
    conversation.last_change = std::max(conversation.last_change, message->recalled);
    uncount(conversation, *message);
    MessageRecord record;
    record.conversation = conversation.info;
    record.sender = erase.user;
    record.peer = erase.peer;
    record.message = message;
    tell_recalled(entry.caller, conversation, record, erase.user, {}, out);
  }
  if (!erase.marks.empty()) {
    state_.touch_loading(erase.user->id);
    if (auto* view = state_.view(erase.user->id)) {
      if (const auto it = view->entries.find(conversation.id()); it != view->entries.end()) {
        it->second.marks.clear();
        ++it->second.version;
        it->second.counted = false;
      }
    }
  }
  out.reply<bool>(entry.caller, erase.done, true);
}

void Sequencer::finish(Entry& entry, EntombEntry& entomb, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step))
    return out.reply<UserPtr>(entry.caller, entomb.done, std::move(*refused));
  const auto user = users_made_[std::get<UserStep>(step).index];
  state_.erased.insert(user->id);
  state_.touch_loading(user->id);
  // What is in memory speaks of the user as it is now.
  for (const auto& recent : state_.recent) {
    if (recent.conversation == nullptr) continue;
    auto& conversation = *recent.conversation;
    const auto* known = conversation.in_tail(recent.seq);
    if (known == nullptr) continue;
    const bool is_peer = known->peer != nullptr && known->peer->id == user->id;
    if (known->sender->id != user->id && !is_peer) continue;
    auto renewed = std::make_shared<MessageRecord>(*known);
    if (renewed->sender->id == user->id) renewed->sender = user;
    if (is_peer) renewed->peer = user;
    conversation.tail[recent.seq - conversation.tail_first()] = std::move(renewed);
  }
  if (auto* view = state_.view(user->id)) {
    view->user = user;
    for (const auto& session : view->sessions) {
      out.add(session.thread, Reply{session.id, [&core = core_, thread = session.thread, id = session.id] {
                                      if (auto* known = core.sessions_.find(thread, id)) known->link->revoked();
                                    }});
    }
  }
  out.reply<UserPtr>(entry.caller, entomb.done, user);
}

}  // namespace loft
