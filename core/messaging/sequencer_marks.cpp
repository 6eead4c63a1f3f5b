// Marks: what a member has received, read and hidden; both steps of the sequencer.
#include <algorithm>

#include "messaging/sequencer.hpp"

namespace loft {
namespace {

constexpr bool is_timed(MarkId mark) noexcept { return mark == MarkId::read; }

}  // namespace

Mark& Sequencer::draft_mark(UserView& view, ViewEntry& entry, MarkId mark) {
  const auto [it, is_new] = draft_marks_.try_emplace({view.user->id, entry.conversation, mark});
  if (is_new) {
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
  set.insert(low, high, at, [&](Seq a, Seq b) {
    if (!counted) return;
    a = std::max(a, entry.joined_seq + 1);
    if (a > b) return;
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
  // Neighbours that can never count for this member join the run, so that acts by single messages coalesce. What is
  // hidden is not shown any more: there they stay out.
  const auto never_counts = [&](Seq seq) {
    if (mark == MarkId::hidden) return false;
    const auto* record = conversation.in_tail(seq);
    return record != nullptr && (record->message->sender == user || record->message->recalled != 0);
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

/// What an act concerns in the conversations of its actor, as of this point of the round.
Result<std::vector<Sequencer::MarkRun>> Sequencer::runs_of(const MarkEntry& mark, UserView& view) const {
  const auto actor = mark.actor->id;
  std::vector<MarkRun> runs;
  if (mark.in != nullptr) {
    const auto it = view.entries.find(mark.in->id());
    if (it == view.entries.end() || has_moved(*mark.in, actor)) return error(Code::forbidden, "member.none");
    runs.push_back(
        {&it->second, it->second.joined_seq + 1, std::min(mark.up_to, mark.in->head), mark.up_to_id, mark.up_to_time});
  }
  for (const auto& target : mark.targets) {
    const auto it = view.entries.find(target.conversation);
    if (it == view.entries.end() || target.seq <= it->second.joined_seq || has_moved(*it->second.conversation, actor)) {
      if (mark.strict) return error(Code::not_found, "message.unknown");
      continue;
    }
    runs.push_back({&it->second, target.seq, target.seq, target.id, id::time_of(raw(target.id))});
  }
  return runs;
}

void Sequencer::set_run(MarkedStep& step, UserView& view, const MarkRun& run, MarkId mark, bool counted) {
  auto& mine = part(step, *run.entry->conversation);
  const auto before = draft_mark(view, *run.entry, mark).reached;
  const auto newest = draft_mark(view, *run.entry, mark).newest;
  bool heard = false;
  if (run.low <= run.high) {
    const auto now = is_timed(mark) ? core_.clock_.now() : 0;
    const auto inserted = insert(view, *run.entry, mark, run.low, run.high, now);
    mine.unread_less += inserted.less;
    mine.recount |= inserted.unknown;
    if (counted) step.result.newly += inserted.newly;
    heard = mark == MarkId::read && (inserted.newly != 0 || inserted.unknown);
  }
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
  if (heard) draft_read(mine, view.user->id, moved.newest);
}

Sequencer::Step Sequencer::decide(Entry& entry, MarkEntry& mark) {
  static_cast<void>(entry);
  auto* view = state_.view(mark.actor->id);
  if (view == nullptr) return error(Code::internal, "view.missing");
  const auto runs = runs_of(mark, *view);
  if (!runs) return runs.error();
  MarkedStep step;
  for (const auto& run : *runs) {
    set_run(step, *view, run, mark.mark, true);
    if (mark.also && *mark.also != mark.mark) set_run(step, *view, run, *mark.also, false);
  }
  return step;
}

// What others hear of: one change for all that a member reads of a conversation in one round. In large groups nobody
// hears who has read what, and a change for each reader would be as many as members times messages.
void Sequencer::draft_read(MarkedStep::Part& part, UserId reader, MessageId newest) {
  const auto& conversation = *part.conversation;
  if (!conversation.is_direct() && conversation.member_count > core_.options_.receipts_max) return;
  const auto [it, is_new] = draft_reads_.try_emplace({conversation.id(), reader}, changes_.size());
  if (is_new) {
    Change change;
    change.position = core_.ids_.next();
    change.conversation = conversation.id();
    change.kind = ChangeKind::read;
    change.actor = reader;
    changes_.push_back(change);
  }
  auto& change = changes_[it->second];
  change.message = std::max(change.message, newest);
  part.change = change.position;
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
    insert(*view, it->second, which, proven.low, proven.high, 0, false);
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
    if (mine.counted) {
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
