#include "messaging/sequencer.hpp"

#include <algorithm>

#include "messaging/uuid.hpp"

namespace loft {
namespace {

constexpr bool is_timed(MarkId mark) noexcept { return mark == MarkId::read; }

Error error(Code code, std::string reason, std::string detail = {}) {
  return {code, std::move(reason), std::move(detail)};
}

}  // namespace

void Sequencer::take(Entry& entry, std::unique_lock<std::mutex>& lock) {
  lock_ = &lock;
  if (entry.failed)
    steps_.push_back(*entry.failed);
  else
    steps_.push_back(std::visit([&](auto& what) { return decide(entry, unboxed(what)); }, entry.what));
}

bool Sequencer::changes_nothing() const noexcept {
  return messages_.empty() && users_.empty() && conversations_.empty() && members_.empty() && changes_.empty() &&
         recalls_.empty() && draft_marks_.empty();
}

Batch Sequencer::batch() {
  marks_.clear();
  for (const auto& [key, mark] : draft_marks_) {
    marks_.push_back({key.user, key.conversation->id(), core_.marks_[raw(key.mark)].name, mark.encode()});
  }
  Batch batch;
  batch.applied_upto = core_.ids_.last();
  batch.users = users_;
  batch.conversations = conversations_;
  batch.members = members_;
  batch.heads = heads_;
  batch.messages = messages_;
  batch.changes = changes_;
  batch.recalls = recalls_;
  batch.marks = marks_;
  return batch;
}

// ---------------------------------------------------------------- messages

Sequencer::Step Sequencer::decide(Entry& entry, SubmitEntry& submit) {
  if (submit.rest != nullptr && submit.rest->refused) return *submit.rest->refused;
  const auto& key = submit.key();
  // A repeat is answered before anything is made for it.
  if (key) {
    for (const auto* keys : {&core_.recent_keys_, &keys_}) {
      const auto known = keys->find(key->hash);
      if (known == keys->end()) continue;
      if (known->second.second != key->digest) return error(Code::conflict, "client_id.reused");
      return Repeated{known->second.first};
    }
  }
  auto* conversation = submit.conversation;
  const auto sender = submit.sender->id;
  if (submit.peer != nullptr) {
    if (conversation == nullptr) conversation = direct(submit.sender, submit.peer);
  } else if (conversation->is_direct()) {
    if (!conversation->has_direct_member(sender)) return error(Code::forbidden, "member.none");
  } else {
    const auto* self = member(*conversation, sender);
    if (self == nullptr) return error(Code::forbidden, "member.none");
    if (self->muted_until > core_.clock_.now()) return error(Code::forbidden, "member.muted");
  }

  const auto head = head_of(*conversation);
  auto& message = *submit.message;
  message.id = static_cast<MessageId>(core_.ids_.next());
  message.conversation = conversation->id();
  message.seq = ++heads_[head].head;
  message.sender = sender;
  heads_[head].last = message.id;
  messages_.push_back({&message, key});
  if (key) keys_.emplace(key->hash, std::pair(message.id, key->digest));

  static_cast<void>(entry);
  return Submitted{conversation};
}

ConversationState* Sequencer::direct(const UserPtr& a, const UserPtr& b) {
  const auto pair = std::minmax(a->id, b->id);
  if (auto* known = state_.find_pair(pair)) return known;
  if (const auto it = made_pairs_.find(pair); it != made_pairs_.end()) return it->second;
  Conversation info;
  const auto id = core_.ids_.next();
  info.id = static_cast<ConversationId>(id);
  info.kind = ConversationKind::direct;
  info.low = pair.first;
  info.high = pair.second;
  info.uuid = derived_uuid(UuidKind::conversation, id);
  info.created = info.updated = id::time_of(id);
  conversations_.push_back(info);
  for (const auto user : {pair.first, pair.second}) {
    Member member;
    member.conversation = info.id;
    member.user = user;
    member.joined = id;
    members_.push_back(member);
    if (pair.first == pair.second) break;
  }
  auto state = std::make_unique<ConversationState>();
  state->info = std::make_shared<const Conversation>(std::move(info));
  state->members_loaded = true;
  auto* made = state.get();
  made_.push_back(std::move(state));
  made_pairs_.emplace(pair, made);
  return made;
}

std::size_t Sequencer::head_of(ConversationState& conversation) {
  const auto [it, is_new] = head_index_.try_emplace(&conversation, heads_.size());
  if (is_new) heads_.push_back({conversation.id(), conversation.head, conversation.head, conversation.last});
  return it->second;
}

Sequencer::Step Sequencer::decide(Entry& entry, RecallEntry& recall) {
  const auto& record = recall.record;
  auto* conversation = state_.find(record.message->conversation);
  const auto actor = recall.actor->id;
  const auto id = record.message->id;
  auto current = record.message;
  if (const auto it = recalled_.find(id); it != recalled_.end())
    current = it->second;
  else if (const auto* now = state_.recent_record(id))
    current = now->message;

  bool may = current->sender == actor;
  if (!may && recall.recall.managers_too && !conversation->is_direct()) {
    const auto* self = member(*conversation, actor);
    may = self != nullptr && self->role != Role::member;
  }
  if (!may) return error(Code::forbidden, "recall.not_yours");
  if (current->recalled != 0) return RecalledStep{conversation, current, current->recalled, true};
  if (recall.recall.window != 0 && core_.clock_.now() - current->time() > recall.recall.window) {
    return error(Code::expired, "recall.expired");
  }
  const Position position = core_.ids_.next();
  auto message = std::make_shared<Message>(*current);
  message->recalled = position;
  message->recalled_by = actor;
  recalls_.push_back({id, position, actor});
  Change change;
  change.position = position;
  change.conversation = conversation->id();
  change.kind = ChangeKind::recalled;
  change.actor = actor;
  change.message = id;
  changes_.push_back(change);
  recalled_[id] = message;
  conversation->last_recall = position;
  static_cast<void>(entry);
  return RecalledStep{conversation, std::move(message), position, false};
}

// ---------------------------------------------------------------- marks

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

Sequencer::Step Sequencer::decide(Entry& entry, MarkEntry& mark) {
  static_cast<void>(entry);
  auto* view = state_.view(mark.actor->id);
  if (view == nullptr) return error(Code::internal, "view.missing");
  const auto now = core_.clock_.now();

  struct Run {
    ViewEntry* entry;
    Seq low, high;
    MessageId newest;
    Millis reached;
  };
  std::vector<Run> runs;
  if (mark.in != nullptr) {
    const auto it = view->entries.find(mark.in->id());
    if (it == view->entries.end() || has_moved(*mark.in, mark.actor->id)) return error(Code::forbidden, "member.none");
    runs.push_back(
        {&it->second, it->second.joined_seq + 1, std::min(mark.up_to, mark.in->head), mark.up_to_id, mark.up_to_time});
  }
  for (const auto& target : mark.targets) {
    const auto it = view->entries.find(target.conversation);
    if (it == view->entries.end() || target.seq <= it->second.joined_seq ||
        has_moved(*it->second.conversation, mark.actor->id)) {
      if (mark.strict) return error(Code::not_found, "message.unknown");
      continue;
    }
    runs.push_back({&it->second, target.seq, target.seq, target.id, id::time_of(raw(target.id))});
  }

  MarkedStep step;
  for (const auto& run : runs) {
    auto& mine = part(step, *run.entry->conversation);
    const auto apply = [&](MarkId which, bool counted) {
      const auto before = draft_mark(*view, *run.entry, which).reached;
      const auto newest = draft_mark(*view, *run.entry, which).newest;
      if (run.low <= run.high) {
        const auto inserted = insert(*view, *run.entry, which, run.low, run.high, is_timed(which) ? now : 0);
        mine.unread_less += inserted.less;
        mine.recount |= inserted.unknown;
        if (counted) step.result.newly += inserted.newly;
      }
      auto& moved = draft_mark(*view, *run.entry, which);
      if (run.high >= run.low && run.newest > moved.newest) moved.newest = run.newest;
      moved.reached =
          std::max({moved.reached, run.reached, moved.newest == MessageId::none ? 0 : id::time_of(raw(moved.newest))});
      if (counted) {
        step.result.advanced |= moved.reached > before;
        step.result.newest = moved.newest;
        step.result.reached = moved.reached;
      }
      // Two messages of one millisecond have one time: a newer one is told of as well.
      if (which == MarkId::read && (moved.reached > before || moved.newest > newest)) {
        mine.read_advanced = true;
        mine.newest = moved.newest;
        mine.reached = moved.reached;
      }
    };
    apply(mark.mark, true);
    if (mark.also && *mark.also != mark.mark) apply(*mark.also, false);
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
    insert(*view, it->second, which, proven.low, proven.high, 0, false);
    auto& value = draft_mark(*view, it->second, which);
    if (proven.newest > value.newest) value.newest = proven.newest;
    value.reached = std::max(value.reached, id::time_of(raw(value.newest)));
  }
  MarkedStep step;
  part(step, *it->second.conversation);
  return step;
}

// ---------------------------------------------------------------- conversations and members

Sequencer::Step Sequencer::decide(Entry& entry, CreateEntry& create) {
  static_cast<void>(entry);
  const auto& wanted = create.conversation;
  std::vector<UserId> distinct{create.actor->id};
  for (const auto& user : create.members) distinct.push_back(user->id);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  if (distinct.size() > core_.options_.group_members) {
    return error(Code::too_large, "conversation.too_many_members",
                 "at most " + std::to_string(core_.options_.group_members) + " members");
  }
  if (!wanted.handle.empty() && (state_.by_handle.contains(wanted.handle) || made_handles_.contains(wanted.handle))) {
    return error(Code::conflict, "conversation.handle_taken");
  }
  const auto id = core_.ids_.next();
  Conversation info;
  info.id = static_cast<ConversationId>(id);
  info.kind = ConversationKind::group;
  info.handle = wanted.handle;
  info.uuid = derived_uuid(UuidKind::conversation, id);
  info.name = wanted.name;
  info.description = wanted.description;
  info.avatar = wanted.avatar;
  info.owner = create.actor->id;
  info.join = wanted.join;
  info.created = info.updated = id::time_of(id);
  conversations_.push_back(info);

  auto state = std::make_unique<ConversationState>();
  auto* made = state.get();
  state->info = std::make_shared<const Conversation>(std::move(info));
  state->members_loaded = true;
  CreatedStep step{made, {}, id};
  const auto join = [&](const UserPtr& user, Role role) {
    if (made->member_index.contains(user->id)) return;
    Member member;
    member.conversation = made->id();
    member.user = user->id;
    member.role = role;
    member.joined = id;
    made->member_index.emplace(user->id, static_cast<std::uint32_t>(made->members.size()));
    made->members.push_back(member);
    ++made->member_count;
    members_.push_back(member);
    step.users.push_back(user);
  };
  join(create.actor, Role::owner);
  for (const auto& user : create.members) join(user, Role::member);
  Change change;
  change.position = id;
  change.conversation = made->id();
  change.kind = ChangeKind::created;
  change.actor = create.actor->id;
  changes_.push_back(change);
  if (!wanted.handle.empty()) made_handles_.emplace(wanted.handle, made);
  made_.push_back(std::move(state));
  return step;
}

const Member* Sequencer::member(ConversationState& conversation, UserId user) const {
  if (const auto it = draft_members_.find({conversation.id(), user}); it != draft_members_.end()) {
    const auto& drafted = members_[it->second.index];
    return drafted.left ? nullptr : &drafted;
  }
  return conversation.member(user);
}

bool Sequencer::has_moved(const ConversationState& conversation, UserId user) const {
  const auto it = draft_members_.find({conversation.id(), user});
  return it != draft_members_.end() && it->second.moved;
}

// A member that comes back begins anew: marks of the time before are not seen again, also not after a restart.
void Sequencer::forget_marks(ConversationState& conversation, UserId user) {
  for (std::size_t i = 0; i < core_.marks_.size(); ++i) {
    draft_marks_.insert_or_assign({user, &conversation, static_cast<MarkId>(i)}, Mark{});
  }
}

std::optional<Error> Sequencer::may_change(const MembershipEntry& membership, const Member* self,
                                           const Member* other) const {
  using Kind = MembershipAct::Kind;
  const auto& conversation = *membership.conversation;
  const auto& act = membership.act;
  if (act.kind == Kind::join) {
    if (self != nullptr) return error(Code::conflict, "member.already");
    if (conversation.info->join != JoinRule::free) return error(Code::forbidden, "join.not_free");
  } else if (self == nullptr) {
    return error(Code::forbidden, "member.none");
  } else if (act.kind == Kind::leave) {
    if (self->role == Role::owner) return error(Code::conflict, "member.owner_stays");
  } else if (act.kind == Kind::add) {
    if (self->role == Role::member) return error(Code::forbidden, "role.required");
    if (other != nullptr) return error(Code::conflict, "member.already");
  } else {
    if (self->role == Role::member) return error(Code::forbidden, "role.required");
    if (other == nullptr) return error(Code::not_found, "member.unknown");
    // Nobody acts on somebody of the same rank or above.
    if (other->role >= self->role) return error(Code::forbidden, "role.required");
    if (act.kind == Kind::set_role) {
      if (self->role != Role::owner) return error(Code::forbidden, "role.required");
      if (act.role == Role::owner) return error(Code::invalid, "role.invalid");
    }
  }
  return std::nullopt;
}

Sequencer::Step Sequencer::decide(Entry& entry, MembershipEntry& membership) {
  static_cast<void>(entry);
  using Kind = MembershipAct::Kind;
  auto& conversation = *membership.conversation;
  const auto& act = membership.act;
  if (conversation.info->kind != ConversationKind::group) return error(Code::forbidden, "conversation.not_a_group");
  const auto actor = membership.actor->id;
  const auto subject = membership.subject->id;
  const auto* self = member(conversation, actor);
  const auto* other = member(conversation, subject);
  if (auto refusal = may_change(membership, self, other)) return std::move(*refusal);
  const bool joins = act.kind == Kind::join || act.kind == Kind::add;
  const bool leaves = act.kind == Kind::leave || act.kind == Kind::remove;
  auto& joined_now = draft_joins_[&conversation];
  if (joins && static_cast<std::int64_t>(conversation.member_count) + joined_now >=
                   static_cast<std::int64_t>(core_.options_.group_members)) {
    return error(Code::too_large, "conversation.too_many_members",
                 "at most " + std::to_string(core_.options_.group_members) + " members");
  }
  if (joins && (conversation.member_index.contains(subject) || has_moved(conversation, subject))) {
    forget_marks(conversation, subject);
  }
  joined_now += joins ? 1 : leaves ? -1 : 0;

  Change change;
  change.position = core_.ids_.next();
  change.conversation = conversation.id();
  change.actor = actor;
  change.subject = subject;
  Member member;
  if (joins) {
    member.conversation = conversation.id();
    member.user = subject;
    member.joined = change.position;
    member.joined_seq = heads_.empty() || !head_index_.contains(&conversation)
                            ? conversation.head
                            : heads_[head_index_.at(&conversation)].head;
    change.kind = ChangeKind::joined;
  } else {
    member = *other;
    switch (act.kind) {
      case Kind::set_role:
        member.role = change.role = act.role;
        change.kind = ChangeKind::role;
        break;
      case Kind::mute:
        member.muted_until = act.mute_until;
        change.kind = ChangeKind::muted;
        break;
      default:
        member.left = true;
        change.kind = ChangeKind::left;
    }
  }
  auto& draft = draft_members_.try_emplace({conversation.id(), subject}, DraftMember{0, false}).first->second;
  draft.index = members_.size();
  draft.moved |= joins || leaves;
  members_.push_back(member);
  changes_.push_back(change);
  return MemberStep{&conversation, member, change};
}

Sequencer::Step Sequencer::decide(Entry& entry, UserEntry& wanted) {
  static_cast<void>(entry);
  auto user = wanted.user;
  const auto taken = [](std::string what) { return error(Code::conflict, "user.taken", what + " is taken"); };
  if (wanted.existing != nullptr) {
    if (!wanted.if_absent) return taken("the handle");
    return UserStep{wanted.existing, 0};
  }
  if (const auto drafted = draft_users_.find(user.handle); drafted != draft_users_.end()) {
    if (!wanted.if_absent) return taken("the handle");
    return UserStep{nullptr, drafted->second};
  }
  for (const auto& other : users_) {
    if (user.id == UserId::none && user.uuid.empty()) break;
    if (other.id == user.id || other.uuid == user.uuid) return taken("the uid or uuid");
  }
  if (user.id == UserId::none) user.id = static_cast<UserId>(core_.ids_.next());
  if (user.uuid.empty()) user.uuid = derived_uuid(UuidKind::user, raw(user.id));
  if (user.created == 0) user.created = core_.clock_.now();
  draft_users_.emplace(user.handle, users_.size());
  users_.push_back(user);
  return UserStep{nullptr, users_.size() - 1};
}

}  // namespace loft
