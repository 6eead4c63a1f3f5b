// The second step of the sequencer: a round is stored, now it is true.
#include <algorithm>
#include <bitset>

#include "messaging/sequencer.hpp"

namespace loft {
void Sequencer::apply(std::vector<Entry>& entries, Outbound& out) {
  for (auto& state : made_) {
    auto* conversation = state.get();
    if (conversation->is_direct()) {
      state_.by_pair.emplace(std::pair(conversation->info->low, conversation->info->high), conversation);
    } else if (!conversation->info->handle.empty()) {
      state_.by_handle.emplace(conversation->info->handle, conversation);
    }
    state_.touch(conversation);
    state_.conversations.emplace(conversation->id(), std::move(state));
    if (conversation->is_direct()) {
      const auto joined = raw(conversation->id());
      enter_view(conversation->info->low, *conversation, 0, joined);
      if (conversation->info->low != conversation->info->high) {
        enter_view(conversation->info->high, *conversation, 0, joined);
      }
    } else if (conversation->info->kind != ConversationKind::group) {
      proclaim(*conversation, out);
    }
  }
  for (std::size_t i = 0; i < users_.size(); ++i) {
    auto& known = core_.directory_;
    users_made_.push_back(is_change_[i] ? known.replace(std::move(users_[i])) : known.add(std::move(users_[i])));
  }
  for (auto& [key, mark] : draft_marks_) {
    if (auto* view = state_.view(key.user)) {
      if (const auto it = view->entries.find(key.conversation->id()); it != view->entries.end()) {
        it->second.mark(key.mark) = std::move(mark);
        it->second.implicit = false;
      }
    }
    state_.touch_loading(key.user);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto& entry = entries[i];
    std::visit([&](auto& what) { finish(entry, unboxed(what), steps_[i], out); }, entry.what);
  }
}

void Sequencer::release(std::vector<Entry>& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto& entry = entries[i];
    const bool came_or_went = std::holds_alternative<Boxed<OpenEntry>>(entry.what) ||
                              std::holds_alternative<CloseEntry>(entry.what);  // that was carried out
    if (came_or_went || std::holds_alternative<Error>(steps_[i]) || std::holds_alternative<Repeated>(steps_[i])) {
      steps_[i] = Nothing{};
      entry.what = CloseEntry{};
    }
    entry.caller.thread = ~0u;
    entry.caller.session = 0;
    std::visit(
        [](auto& any) {
          auto& what = unboxed(any);
          if constexpr (requires { what.done; }) what.done = {};
        },
        entry.what);
  }
}

void Sequencer::finish(Entry& entry, SubmitEntry& submit, Step& step, Outbound& out) {
  const auto answer = [&](Result<Accepted> result) { out.answer(entry.caller, submit.done, std::move(result)); };
  if (auto* refused = std::get_if<Error>(&step)) {
    core_.tell_refused(entry.caller, *refused, out);
    return answer(std::move(*refused));
  }
  if (const auto* repeat = std::get_if<Repeated>(&step)) {
    core_.repeated_total_.add();
    if (auto record = state_.recent_shared(repeat->original)) return answer(Accepted{std::move(record), true});
    // The original is older than what is in memory: read it when the lock is released, the answer keeps its place.
    if (entry.caller.thread < out.by_thread.size()) {
      answer(Accepted{nullptr, true});
      late_.push_back({entry.caller.thread, out.by_thread[entry.caller.thread].size() - 1, repeat->original,
                       repeat_of(submit, repeat->original)});
    } else {
      out.here.push_back([&core = core_, done = std::move(submit.done), original = repeat->original,
                          known = repeat_of(submit, repeat->original)]() mutable {
        if (done) done(core.repeated(original, std::move(known)));
      });
    }
    return;
  }

  auto& conversation = *std::get<Submitted>(step).conversation;
  auto record = keep(conversation, submit);
  answer(Accepted{record, false});
  tell_stored(entry.caller, conversation, std::move(record), out);
}

RecordPtr Sequencer::keep(ConversationState& conversation, SubmitEntry& submit) {
  auto record = record_of(conversation, submit);
  const auto& message = *record->message;
  conversation.head = message.seq;
  conversation.last = message.id;
  keep_recent(conversation, record);
  if (submit.key()) core_.remember_key(*submit.key(), message.id);
  if (auto* view = state_.view(message.sender)) {
    if (const auto it = view->entries.find(message.conversation);
        it != view->entries.end() && it->second.is_counted()) {
      it->second.unread += message.seq - 1 - it->second.counted_upto;
      it->second.counted_upto = message.seq;
    }
  }
  return record;
}

void Sequencer::tell_stored(const Caller& caller, ConversationState& conversation, RecordPtr record, Outbound& out) {
  if (core_.stored_.has_observers()) {
    out.publish(caller, [&core = core_, record] { core.stored_(MessageStored{{}, *record}); });
  }
  push(conversation, std::move(record), out);
}

void Sequencer::finish(Entry& entry, SubmitAllEntry& all, Step& step, Outbound& out) {
  const auto answer = std::make_shared<Result<std::vector<Accepted>>>(std::vector<Accepted>(all.parts.size()));
  core_.answer_all(entry.caller, all, answer, out);
  if (auto* refused = std::get_if<Error>(&step)) {
    for (std::size_t i = 0; i < all.count; ++i) core_.tell_refused(entry.caller, *refused, out);
    *answer = std::move(*refused);
    return;
  }
  const auto& parts = std::get<SubmittedAll>(step).parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto& accepted = (**answer)[i];
    if (auto* conversation = parts[i].conversation) {
      accepted.record = keep(*conversation, all.parts[i]);
      tell_stored(entry.caller, *conversation, accepted.record, out);
      continue;
    }
    core_.repeated_total_.add();
    accepted.repeated = true;
    accepted.record = state_.recent_shared(parts[i].original);
    if (accepted.record == nullptr) {
      late_parts_.push_back({answer, i, parts[i].original, repeat_of(all.parts[i], parts[i].original)});
    }
  }
}

// The same content to the same target: all but its number in the conversation is known.
RecordPtr Sequencer::repeat_of(SubmitEntry& submit, MessageId original) const {
  if (submit.conversation == nullptr || submit.message == nullptr) return nullptr;
  auto& message = *submit.message;
  message.id = original;
  message.conversation = submit.conversation->id();
  message.sender = submit.sender->id;
  return record_of(*submit.conversation, submit);
}

RecordPtr Sequencer::record_of(ConversationState& conversation, SubmitEntry& submit) const {
  auto record = std::make_shared<MessageRecord>();
  record->message = std::move(submit.message);
  record->conversation = conversation.info;
  record->sender = std::move(submit.sender);
  if (submit.peer != nullptr) {
    record->peer = std::move(submit.peer);
  } else if (conversation.is_direct()) {
    record->peer = std::move(submit.more().other);
  }
  return record;
}

void Sequencer::keep_recent(ConversationState& conversation, RecordPtr record) {
  const auto& message = *record->message;
  const auto cost = weight(*record);
  state_.recent.push_back({message.id, message.seq, &conversation, cost});
  state_.recent_bytes += cost;
  conversation.tail.push_back(std::move(record));
  // Messages leave in the order of their coming, which in each conversation is the order of its tail.
  while (state_.recent_bytes > core_.options_.recent_bytes && !state_.recent.empty()) {
    const auto old = state_.recent.front();
    state_.recent.pop_front();
    state_.recent_bytes -= old.weight;
    if (old.conversation == nullptr) continue;
    auto& from = *old.conversation;
    if (!from.tail.empty() && from.tail_first() == old.seq) from.tail.pop_front();
  }
}

/// Which I/O threads have sessions of these users.
std::bitset<256> Sequencer::threads_of(UserId low, UserId high) const {
  std::bitset<256> threads;
  for (const auto user : {low, high}) {
    if (const auto* view = state_.view(user)) {
      for (const auto& session : view->sessions) threads.set(session.thread);
    }
  }
  return threads;
}

/// A new message, to its conversation: what `deliver` does, without an Outgoing for each.
void Sequencer::push(ConversationState& conversation, RecordPtr record, Outbound& out) {
  const bool group = !conversation.is_direct();
  out.to_groups = out.to_groups || group;
  // With one thread nothing is won by asking who is online: the thread itself will know.
  const auto threads = group || out.by_thread.size() == 1 ? std::bitset<256>().set()
                                                          : threads_of(conversation.info->low, conversation.info->high);
  for (unsigned thread = 0; thread < out.by_thread.size(); ++thread) {
    if (threads[thread]) out.by_thread[thread].push_back(NewRecord{record});
  }
}

void Sequencer::deliver(ConversationState& conversation, std::shared_ptr<Outgoing> outgoing, Outbound& out) {
  if (!conversation.is_direct()) {
    outgoing->to_group = true;
    const std::shared_ptr<const Outgoing> shared = std::move(outgoing);
    for (auto& thread : out.by_thread) thread.push_back(shared);
    return;
  }
  outgoing->low = conversation.info->low;
  outgoing->high = conversation.info->high;
  const auto threads = threads_of(outgoing->low, outgoing->high);
  const std::shared_ptr<const Outgoing> shared = std::move(outgoing);
  for (unsigned thread = 0; thread < out.by_thread.size(); ++thread) {
    if (threads[thread]) out.by_thread[thread].push_back(shared);
  }
}

void Sequencer::deliver_to_user(UserId user, std::shared_ptr<Outgoing> outgoing, Outbound& out) {
  const auto* view = state_.view(user);
  if (view == nullptr) return;
  outgoing->low = outgoing->high = user;
  std::bitset<256> threads;
  for (const auto& session : view->sessions) threads.set(session.thread);
  const std::shared_ptr<const Outgoing> shared = std::move(outgoing);
  for (unsigned thread = 0; thread < out.by_thread.size(); ++thread) {
    if (threads[thread]) out.by_thread[thread].push_back(shared);
  }
}

void Sequencer::finish(Entry& entry, RecallEntry& recall, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step))
    return out.reply<Recalled>(entry.caller, recall.done, std::move(*refused));
  auto& done = std::get<RecalledStep>(step);
  auto record = recall.record;
  record.message = done.message;
  if (done.repeated) return out.reply<Recalled>(entry.caller, recall.done, Recalled{record, true});

  auto& conversation = *done.conversation;
  conversation.last_change = done.position;
  replace_in_tail(conversation, done.message);
  uncount(conversation, *done.message);
  out.reply<Recalled>(entry.caller, recall.done, Recalled{record, false});
  tell_recalled(entry.caller, conversation, record, recall.actor, recall.recall.reason, out);
}

void Sequencer::replace_in_tail(ConversationState& conversation, const std::shared_ptr<const Message>& message) {
  const auto* known = conversation.in_tail(message->seq);
  if (known == nullptr) return;
  auto replaced = std::make_shared<MessageRecord>(*known);
  replaced->message = message;
  conversation.tail[message->seq - conversation.tail_first()] = std::move(replaced);
}

void Sequencer::uncount(const ConversationState& conversation, const Message& message) {
  const auto seq = message.seq;
  const auto uncount_for = [&](UserId user) {
    auto* view = state_.view(user);
    if (view == nullptr || user == message.sender) return;
    const auto it = view->entries.find(conversation.id());
    if (it == view->entries.end() || !it->second.is_counted() || seq <= it->second.joined_seq) return;
    auto& mine = it->second;
    mine.unread += conversation.head - mine.counted_upto;
    mine.counted_upto = conversation.head;
    if (!mine.has(MarkId::read, seq) && !mine.has(MarkId::hidden, seq) && mine.unread > 0) --mine.unread;
  };
  if (conversation.is_direct()) {
    uncount_for(conversation.info->low);
    if (conversation.info->low != conversation.info->high) uncount_for(conversation.info->high);
  } else if (conversation.info->kind == ConversationKind::broadcast) {
    for (const auto& [user, view] : state_.views) uncount_for(user);
  } else {
    for (const auto& member : conversation.members) uncount_for(member.user);
  }
}

void Sequencer::tell_recalled(const Caller& caller, ConversationState& conversation, const MessageRecord& record,
                              const UserPtr& actor, const std::string& reason, Outbound& out) {
  if (core_.recalled_.has_observers()) {
    out.publish(caller, [&core = core_, record] { core.recalled_(MessageRecalled{{}, record}); });
  }
  auto outgoing = std::make_shared<Outgoing>();
  outgoing->kind = Delivery::Kind::recalled;
  outgoing->conversation = record.conversation;
  outgoing->record = record;
  outgoing->actor = actor;
  outgoing->change.position = record.message->recalled;
  outgoing->change.conversation = conversation.id();
  outgoing->change.kind = ChangeKind::recalled;
  outgoing->change.actor = actor->id;
  outgoing->change.message = record.message->id;
  outgoing->change.note = reason;
  deliver(conversation, std::move(outgoing), out);
}

void Sequencer::finish(Entry& entry, UserEntry& user, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step))
    return out.reply<UserPtr>(entry.caller, user.done, std::move(*refused));
  const auto& done = std::get<UserStep>(step);
  if (done.existing != nullptr) return out.reply<UserPtr>(entry.caller, user.done, done.existing);
  auto made = users_made_[done.index];
  out.reply<UserPtr>(entry.caller, user.done, made);
  if (core_.user_created_.has_observers()) {
    out.publish(entry.caller, [&core = core_, made] { core.user_created_(UserCreated{{}, made}); });
  }
}

void Sequencer::open(Entry& entry, OpenEntry& open, Outbound& out) {
  Step step = Opened{state_.stable};  // of a round whose outcome nobody knows yet it hears later
  finish(entry, open, step, out);
}

void Sequencer::finish(Entry& entry, OpenEntry& open, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step)) return out.reply<Login>(entry.caller, open.done, std::move(*refused));
  auto* view = state_.view(open.user->id);
  if (view == nullptr) return out.reply<Login>(entry.caller, open.done, Error{Code::internal, "view.missing", {}});
  if (open.session.single) {
    for (const auto& other : view->sessions) {
      if (other.contract != open.session.contract) continue;
      out.add(other.thread, Reply{other.id, [&core = core_, thread = other.thread, id = other.id] {
                                    if (auto* session = core.sessions_.find(thread, id)) session->link->replaced();
                                  }});
    }
  }
  if (view->sessions.empty()) {
    ++state_.online_users;
    out.announced.push_back(open.user->id);
  }
  ++state_.sessions;
  if (open.session.receipts) ++state_.receipt_sessions;
  open.session.since = std::get<Opened>(step).since;
  view->sessions.push_back(open.session);
  std::vector<ConversationId> groups;
  for (const auto& [id, mine] : view->entries) {
    if (mine.conversation->lists_members()) groups.push_back(id);
  }
  out.add(entry.caller.thread,
          Reply{entry.caller.session, [&core = core_, caller = entry.caller, user = view->user,
                                       groups = std::move(groups), done = std::move(open.done)]() mutable {
                  auto* session = core.sessions_.find(caller.thread, caller.session);
                  session->user = user;  // a profile may have changed since it was looked up
                  core.sessions_.activate(*session, std::move(groups));
                  core.session_opened_(SessionOpened{{}, session->caller});
                  done(Login{std::move(user)});
                }});
}

void Sequencer::finish(Entry&, CloseEntry& gone, Step&, Outbound& out) { close(gone, out); }

void Sequencer::close(const CloseEntry& close, Outbound& out) {
  auto* view = state_.view(close.user);
  if (view == nullptr) return;
  const auto it = std::find_if(view->sessions.begin(), view->sessions.end(),
                               [&](const SessionInfo& s) { return s.id == close.session; });
  if (it == view->sessions.end()) return;
  --state_.sessions;
  if (it->receipts) --state_.receipt_sessions;
  view->sessions.erase(it);
  if (!view->sessions.empty()) return;
  --state_.online_users;
  out.withdrawn.push_back(close.user);
}

}  // namespace loft
