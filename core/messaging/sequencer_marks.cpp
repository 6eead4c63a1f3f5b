// Marks: what a member has received, read and hidden; both steps of the sequencer.
#include <algorithm>

#include "messaging/sequencer.hpp"

namespace loft {
namespace {

// Times of contracts' marks are a little late, so that acts of one hour are one interval.
constexpr Millis hour = 3'600'000;

/// How many messages are read at a time to find the newest from somebody else: at first, and then.
constexpr std::size_t least_at_once = 4;
constexpr std::size_t most_at_once = 64;
/// So many are read for one that is recalled, which may be among any number of own ones that are; then one that stands
/// is as good.
constexpr std::size_t most_recalled = 1024;

}  // namespace

bool Sequencer::is_timed(MarkId mark) const noexcept { return mark == MarkId::read || core_.marks_[raw(mark)].timed; }

Millis Sequencer::time_of_act(MarkId mark) const {
  if (!is_timed(mark)) return 0;
  const auto now = core_.clock_.now();
  return mark == MarkId::read ? now : (now + hour - 1) / hour * hour;
}

Mark& Sequencer::draft_mark(UserView& view, ViewEntry& entry, MarkId mark) {
  const auto [it, is_new] = draft_marks_.try_emplace({view.user->id, entry.conversation, mark});
  if (is_new) {
    if (entry.implicit) draft_row(view.user->id, entry);
    if (const auto* known = entry.find(mark)) it->second = *known;
    if (is_timed(mark)) it->second.set.fold(core_.clock_.now() - core_.options_.receipts_keep);
  }
  return it->second;
}

const IntervalSet* Sequencer::drafted(UserId user, const ViewEntry& entry, MarkId mark) const {
  if (const auto it = draft_marks_.find({user, entry.conversation, mark}); it != draft_marks_.end())
    return &it->second.set;
  const auto* known = entry.find(mark);
  return known != nullptr ? &known->set : nullptr;
}

std::uint64_t Sequencer::count_foreign(ConversationState& conversation, Seq low, Seq high, UserId user, bool& unknown) {
  std::uint64_t count = 0;
  high = std::min(high, conversation.head);
  const Seq first = conversation.tail_first();
  for (Seq seq = std::max(low, first); seq <= high; ++seq) {
    const auto& message = *conversation.in_tail(seq)->message;
    if (message.sender != user && message.recalled == 0) ++count;
  }
  if (low < first && low <= high) {
    // Older than what is in memory. Only the committer changes what this round stands on, so the lock can rest.
    lock_->unlock();
    const auto older = core_.storage_.count_foreign(conversation.id(), low, std::min(high, first - 1), user);
    lock_->lock();
    if (older)
      count += *older;
    else
      unknown = true;
  }
  return count;
}

std::uint64_t Sequencer::count_recalled(const ConversationState& conversation, Seq low, Seq high, UserId user) const {
  std::uint64_t count = 0;
  for (const auto& [id, message] : recalled_) {
    count += message->conversation == conversation.id() && message->seq >= low && message->seq <= high &&
             message->sender != user;
  }
  return count;
}

Sequencer::Inserted Sequencer::insert(UserView& view, ViewEntry& entry, MarkId mark, Seq low, Seq high, Millis at,
                                      bool counted) {
  auto& conversation = *entry.conversation;
  const auto user = view.user->id;
  auto& set = draft_mark(view, entry, mark).set;
  Inserted inserted;
  const bool counts = mark == MarkId::read || mark == MarkId::hidden;
  const auto* other = drafted(user, entry, mark == MarkId::read ? MarkId::hidden : MarkId::read);
  // What was read counts as marked already.
  const bool is_implied = mark != MarkId::read && core_.marks_[raw(mark)].implied_by_read;
  const auto* implied = is_implied ? drafted(user, entry, MarkId::read) : nullptr;
  set.insert(low, high, at, [&](Seq a, Seq b) {
    if (!counted) return;
    a = std::max(a, entry.joined_seq + 1);
    if (a > b) return;
    if (mark == MarkId::read) inserted.runs.emplace_back(a, b);
    if (implied != nullptr) {
      return implied->gaps(a, b, [&](Seq c, Seq d) {
        const auto foreign = count_foreign(conversation, c, d, user, inserted.unknown);
        inserted.newly += foreign - std::min(foreign, count_recalled(conversation, c, d, user));
        return true;
      });
    }
    const auto foreign = count_foreign(conversation, a, b, user, inserted.unknown);
    inserted.newly += foreign - std::min(foreign, count_recalled(conversation, a, b, user));
    if (!counts) return;
    if (other == nullptr) {
      inserted.less += foreign;
      return;
    }
    other->gaps(a, b, [&](Seq c, Seq d) {
      inserted.less += c == a && d == b ? foreign : count_foreign(conversation, c, d, user, inserted.unknown);
      return true;
    });
  });
  // Own neighbours, which never count for this member, join the run, so that acts by single messages coalesce. What is
  // hidden is not shown any more: there they stay out. Recalled ones may be asked for as tombstones that lack a mark.
  const auto never_counts = [&](Seq seq) {
    if (mark == MarkId::hidden) return false;
    const auto* record = conversation.in_tail(seq);
    return record != nullptr && record->message->sender == user;
  };
  Seq first = low, last = high;
  while (first > 1 && !set.contains(first - 1)) {
    if (first - 1 <= entry.joined_seq)
      first = 1;
    else if (never_counts(first - 1))
      --first;
    else
      break;
  }
  while (last < conversation.head && !set.contains(last + 1) && never_counts(last + 1)) ++last;
  if (first < low) set.insert(first, low - 1, at);
  if (last > high) set.insert(high + 1, last, at);
  return inserted;
}

Sequencer::MarkedStep::Part& Sequencer::part(MarkedStep& step, ConversationState& conversation) const {
  for (auto& known : step.parts) {
    if (known.conversation == &conversation) return known;
  }
  step.parts.push_back({&conversation});
  return step.parts.back();
}

/// What has a mark since before a moment and lacks the one to be set.
Result<void> Sequencer::add_runs_having(const MarkEntry& mark, const MarkSpan& span, const UserView& view,
                                        ViewEntry& entry, std::vector<MarkRun>& runs) {
  const auto user = view.user->id;
  const auto low = entry.joined_seq + 1, high = std::min(span.up_to, span.in->head);
  IntervalSet old;
  const auto add = [&](MarkId having) {
    const auto* set = drafted(user, entry, having);
    if (set == nullptr) return;
    for (const auto& run : set->intervals()) {
      const auto first = std::max(run.low, low);
      const auto last = std::min(run.high, run.at == 0 ? std::min(high, span.old) : high);
      if (first <= last && run.at < mark.set_before) old.insert(first, last, 0);
    }
  };
  add(*mark.having);
  if (core_.marks_[raw(*mark.having)].implied_by_read) add(MarkId::read);
  const auto has_all = [&](MarkId which) {
    const auto* set = drafted(user, entry, which);
    bool all = true;
    for (const auto& run : old.intervals()) {
      if (set == nullptr) return false;
      set->gaps(run.low, run.high, [&](Seq, Seq) { return all = false; });
    }
    return all;
  };
  if (has_all(mark.mark) && (!mark.also || has_all(*mark.also))) return {};
  const auto newest = newest_foreign(*span.in, old, user, false);
  if (!newest) return newest.error();
  const auto reached = *newest == MessageId::none ? 0 : id::time_of(raw(*newest));
  for (const auto& run : old.intervals()) runs.push_back({&entry, run.low, run.high, *newest, reached});
  return {};
}

/// The newest message from others in a set, `standing` or any; none: there is none.
Result<MessageId> Sequencer::newest_foreign(const ConversationState& conversation, const IntervalSet& set, UserId user,
                                            bool standing) {
  const auto fits = [&](const Message& message) {
    if (message.sender == user) return false;
    return !standing || (message.recalled == 0 && !recalled_.contains(message.id));
  };
  const auto first = conversation.tail_first();
  SeqRuns older;
  for (const auto& run : set.intervals()) {
    if (run.low < first) older.emplace_back(run.low, std::min(run.high, first - 1));
  }
  for (auto run = set.intervals().rbegin(); run != set.intervals().rend() && run->high >= first; ++run) {
    for (auto seq = std::min(run->high, conversation.head); seq >= std::max(run->low, first); --seq) {
      const auto& message = *conversation.in_tail(seq)->message;
      if (fits(message)) return message.id;
    }
  }
  // Everybody's messages wait for this: own ones, however many they are, are counted and not read.
  MessageId newest = MessageId::none;
  std::size_t looked = 0;
  for (bool seek = false; newest == MessageId::none && !older.empty(); seek = true) {
    lock_->unlock();
    const auto messages = log_on(conversation.id(), older, user, seek, !standing && looked < most_recalled);
    lock_->lock();
    if (!messages) return messages.error();
    looked += messages->size();
    const auto found = std::find_if(messages->begin(), messages->end(), fits);
    if (found != messages->end()) newest = found->id;
  }
  return newest;
}

/// On down in some runs of a log. `seek`: first to the next message from somebody else, which is all that is left to
/// look for. Waits for the storage.
Result<std::vector<Message>> Sequencer::log_on(ConversationId id, SeqRuns& runs, UserId user, bool seek,
                                               bool with_recalled) {
  if (seek) {
    const auto some = LogSearch(core_.storage_, id, user, with_recalled).skip(runs, true);
    if (!some) return some.error();
    if (!*some) return std::vector<Message>();
  }
  const auto [low, high] = runs.back();
  auto messages = core_.storage_.log(id, low, high, seek ? most_at_once : least_at_once, true);
  if (messages) LogSearch::cut_off(runs, messages->empty() ? low : messages->back().seq, true);
  return messages;
}

/// What an act concerns in the conversations of its actor, as of this point of the round.
Result<std::vector<Sequencer::MarkRun>> Sequencer::runs_of(const MarkEntry& mark, UserView& view) {
  const auto actor = mark.actor->id;
  std::vector<MarkRun> runs;
  for (const auto& span : mark.spans) {
    const auto it = view.entries.find(span.in->id());
    if (it == view.entries.end() || has_moved(*span.in, actor)) {
      if (mark.everywhere) continue;
      return span.in->is_secret_from(actor) ? unknown_conversation() : error(Code::forbidden, "member.none");
    }
    if (mark.having) {
      if (auto added = add_runs_having(mark, span, view, it->second, runs); !added) return added.error();
      continue;
    }
    runs.push_back(
        {&it->second, it->second.joined_seq + 1, std::min(span.up_to, span.in->head), span.up_to_id, span.up_to_time});
  }
  for (const auto& target : mark.targets) {
    const auto it = view.entries.find(target.conversation);
    if (it == view.entries.end() || target.seq <= it->second.joined_seq || has_moved(*it->second.conversation, actor)) {
      if (mark.strict) return error(Code::not_found, "message.unknown");
      continue;
    }
    const auto* hidden = mark.mark != MarkId::hidden ? drafted(actor, it->second, MarkId::hidden) : nullptr;
    if (hidden != nullptr && hidden->contains(target.seq)) continue;
    runs.push_back({&it->second, target.seq, target.seq, target.id, id::time_of(raw(target.id))});
  }
  return runs;
}

void Sequencer::set_run(MarkedStep& step, UserView& view, const MarkRun& run, MarkId mark, bool counted) {
  auto& mine = part(step, *run.entry->conversation);
  const auto before = draft_mark(view, *run.entry, mark).reached;
  const auto newest = draft_mark(view, *run.entry, mark).newest;
  bool heard = false;
  const auto set = [&](Seq low, Seq high) {
    const auto inserted = insert(view, *run.entry, mark, low, high, time_of_act(mark));
    mine.unread_less += inserted.less;
    mine.recount |= inserted.unknown;
    if (counted) step.result.newly += inserted.newly;
    heard |= mark == MarkId::read && (inserted.newly != 0 || inserted.unknown);
    mine.newly_read.insert(mine.newly_read.end(), inserted.runs.begin(), inserted.runs.end());
    return true;
  };
  // What the member does not want to see any more stays as it was: it is not read, and nobody hears of it.
  const auto* hidden = mark != MarkId::hidden ? drafted(view.user->id, *run.entry, MarkId::hidden) : nullptr;
  if (hidden != nullptr)
    hidden->gaps(run.low, run.high, set);
  else if (run.low <= run.high)
    set(run.low, run.high);
  auto& moved = draft_mark(view, *run.entry, mark);
  if (run.high >= run.low && run.newest > moved.newest) moved.newest = run.newest;
  moved.reached =
      std::max({moved.reached, run.reached, moved.newest == MessageId::none ? 0 : id::time_of(raw(moved.newest))});
  if (counted) {
    step.result.advanced |= moved.reached > before;
    step.result.newest = moved.newest;
    step.result.reached = moved.reached;
  }
  // Two messages of one millisecond have one time: a newer one is told of as well.
  if (mark == MarkId::read && (moved.reached > before || moved.newest > newest)) {
    mine.read_advanced = true;
    mine.newest = moved.newest;
    mine.reached = moved.reached;
  }
  if (heard) draft_read(mine, view.user->id);
}

Sequencer::Step Sequencer::decide(Entry& entry, MarkEntry& mark) {
  static_cast<void>(entry);
  auto* view = state_.view(mark.actor->id);
  if (view == nullptr) return error(Code::internal, "view.missing");
  auto runs = runs_of(mark, *view);
  if (!runs) return runs.error();
  MarkedStep step;
  for (const auto& run : *runs) {
    set_run(step, *view, run, mark.mark, true);
    if (mark.also && *mark.also != mark.mark) set_run(step, *view, run, *mark.also, false);
  }
  for (const auto& part : step.parts) {
    if (part.change == 0) continue;
    name_read(part, mark.actor->id);
    if (state_.receipt_sessions != 0) draft_receipts(part, mark.actor->id);
  }
  return step;
}

Sequencer::Step Sequencer::decide(Entry& entry, ProvenEntry& proven) {
  static_cast<void>(entry);
  auto* view = state_.view(proven.user);
  if (view == nullptr) return Nothing{};
  const auto it = view->entries.find(proven.conversation);
  if (it == view->entries.end() || has_moved(*it->second.conversation, proven.user)) return Nothing{};
  for (unsigned i = 0; i < core_.marks_.size(); ++i) {
    if ((proven.marks >> i & 1) == 0) continue;
    const auto which = static_cast<MarkId>(i);
    // Nobody has read at a certain moment what was merely pushed.
    const auto at = which == MarkId::read ? 0 : time_of_act(which);
    insert(*view, it->second, which, proven.low, proven.high, at, false);
    auto& value = draft_mark(*view, it->second, which);
    if (proven.newest > value.newest) value.newest = proven.newest;
    value.reached = std::max(value.reached, id::time_of(raw(value.newest)));
  }
  MarkedStep step;
  part(step, *it->second.conversation);
  return step;
}

// ---- a stored round

void Sequencer::finish(Entry& entry, MarkEntry& mark, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step)) return out.reply<Marked>(entry.caller, mark.done, std::move(*refused));
  auto& done = std::get<MarkedStep>(step);
  auto* view = state_.view(mark.actor->id);
  for (auto& part : done.parts) {
    auto& conversation = *part.conversation;
    conversation.last_change = std::max(conversation.last_change, part.change);
    const auto it = view->entries.find(conversation.id());
    if (it == view->entries.end()) continue;
    auto& mine = it->second;
    if (mine.is_counted()) {
      mine.unread += conversation.head - mine.counted_upto;
      mine.counted_upto = conversation.head;
      mine.unread -= std::min(mine.unread, part.unread_less);
    }
    if (part.recount) mine.counted = false;
    for (const auto which : {MarkId::delivered, MarkId::read}) {
      if (const auto* value = mine.find(which)) conversation.furthest.reach(mark.actor->id, value->newest);
    }
  }
  out.reply<Marked>(entry.caller, mark.done, done.result);
  for (const auto& part : done.parts) {
    if (part.read_advanced) tell_read(entry.caller, mark.actor, part, out);
    if (part.change != 0) tell_senders(mark.actor, part, out);
  }
}

void Sequencer::tell_read(const Caller& caller, const UserPtr& reader, const MarkedStep::Part& part, Outbound& out) {
  if (core_.advanced_.has_observers()) {
    MarkAdvanced fact{{}, reader->id, part.conversation->id(), MarkId::read, part.newest, part.reached};
    out.publish(caller, [&core = core_, fact] { core.advanced_(fact); });
  }
  auto outgoing = std::make_shared<Outgoing>();
  outgoing->kind = Delivery::Kind::read;
  outgoing->conversation = part.conversation->info;
  outgoing->actor = outgoing->subject = reader;
  outgoing->newest = part.newest;
  outgoing->reached = part.reached;
  deliver_to_user(reader->id, std::move(outgoing), out);
}

void Sequencer::finish(Entry&, ProvenEntry& proven, Step& step, Outbound&) {
  if (auto* done = std::get_if<MarkedStep>(&step)) {
    auto& conversation = *done->parts.front().conversation;
    conversation.furthest.reach(proven.user, proven.newest);
    // Who marks as read what is pushed: nobody has counted what that takes off.
    constexpr auto counting = 1u << raw(MarkId::read) | 1u << raw(MarkId::hidden);
    if ((proven.marks & counting) == 0) return;
    auto* view = state_.view(proven.user);
    const auto it = view->entries.find(conversation.id());
    if (it != view->entries.end()) it->second.counted = false;
  }
}

}  // namespace loft
