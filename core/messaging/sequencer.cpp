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

void Sequencer::take(Entry& entry) {
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
  if (submit.rest != nullptr) {
    if (submit.rest->refused) return *submit.rest->refused;
    if (submit.rest->failed) return *submit.rest->failed;
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

  const auto& key = submit.key();
  if (key) {
    const auto known = core_.recent_keys_.find(key->hash);
    if (known != core_.recent_keys_.end()) {
      if (known->second.second != key->digest) return error(Code::conflict, "client_id.reused");
      return Repeated{known->second.first};
    }
    const auto drafted = keys_.find(key->hash);
    if (drafted != keys_.end()) {
      if (drafted->second.second != key->digest) return error(Code::conflict, "client_id.reused");
      return Repeated{drafted->second.first};
    }
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
  if (const auto it = state_.by_pair.find(pair); it != state_.by_pair.end()) return it->second;
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
  if (const auto it = recalled_.find(id); it != recalled_.end()) current = it->second;
  else if (const auto* now = state_.recent_record(id)) current = now->message;

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
  static_cast<void>(entry);
  return RecalledStep{conversation, std::move(message), position, false};
}

// ---------------------------------------------------------------- marks

Mark& Sequencer::draft_mark(UserView& view, ViewEntry& entry, MarkId mark) {
  const auto [it, is_new] = draft_marks_.try_emplace({view.user->id, entry.conversation, mark});
  if (is_new) {
    if (const auto* known = entry.find(mark)) it->second = *known;
  }
  return it->second;
}

const IntervalSet* Sequencer::drafted(UserId user, const ViewEntry& entry, MarkId mark) const {
  if (const auto it = draft_marks_.find({user, entry.conversation, mark}); it != draft_marks_.end()) return &it->second.set;
  const auto* known = entry.find(mark);
  return known != nullptr ? &known->set : nullptr;
}

std::uint64_t Sequencer::count_foreign(ConversationState& conversation, Seq low, Seq high, UserId user) {
  std::uint64_t count = 0;
  high = std::min(high, conversation.head);
  const Seq first = conversation.tail_first();
  for (Seq seq = std::max(low, first); seq <= high; ++seq) {
    const auto& message = *conversation.in_tail(seq)->message;
    if (message.sender != user && message.recalled == 0 && !recalled_.contains(message.id)) ++count;
  }
  if (low < first) {
    // Older than what is in memory: rare, and the committer may wait.
    const auto older = core_.storage_.count_foreign(conversation.id(), low, std::min(high, first - 1), user);
    if (older) count += *older;
  }
  return count;
}

std::pair<std::uint64_t, std::uint64_t> Sequencer::insert(UserView& view, ViewEntry& entry, MarkId mark, Seq low,
                                                          Seq high, Millis at, bool counted) {
  auto& conversation = *entry.conversation;
  const auto user = view.user->id;
  auto& set = draft_mark(view, entry, mark).set;
  // Neighbours that can never count for this member join the run, so that acts by single messages coalesce.
  const auto never_counts = [&](Seq seq) {
    if (seq <= entry.joined_seq) return seq != 0;
    const auto* record = conversation.in_tail(seq);
    return record != nullptr && (record->message->sender == user || record->message->recalled != 0);
  };
  std::uint64_t newly = 0, less = 0;
  const bool counts = mark == MarkId::read || mark == MarkId::hidden;
  const auto* other = drafted(user, entry, mark == MarkId::read ? MarkId::hidden : MarkId::read);
  set.insert(low, high, at, [&](Seq a, Seq b) {
    if (!counted) return;
    const auto foreign = count_foreign(conversation, std::max(a, entry.joined_seq + 1), b, user);
    newly += foreign;
    if (!counts) return;
    if (other == nullptr) {
      less += foreign;
      return;
    }
    other->gaps(std::max(a, entry.joined_seq + 1), b, [&](Seq c, Seq d) {
      less += count_foreign(conversation, c, d, user);
      return true;
    });
  });
  while (low > 1 && !set.contains(low - 1) && never_counts(low - 1)) {
    set.insert(low - 1, low - 1, at);
    --low;
  }
  while (high < conversation.head && !set.contains(high + 1) && never_counts(high + 1)) {
    set.insert(high + 1, high + 1, at);
    ++high;
  }
  return {newly, less};
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
    if (it == view->entries.end()) return error(Code::forbidden, "member.none");
    const Seq upto = std::min(mark.up_to, mark.in->head);
    const MessageId newest = upto == mark.in->head ? mark.in->last : mark.up_to_id;
    runs.push_back({&it->second, it->second.joined_seq + 1, upto, newest, mark.up_to_time});
  }
  for (const auto& target : mark.targets) {
    const auto it = view->entries.find(target.conversation);
    if (it == view->entries.end() || target.seq <= it->second.joined_seq) {
      if (mark.strict) return error(Code::not_found, "message.unknown");
      continue;
    }
    runs.push_back({&it->second, target.seq, target.seq, target.id, id::time_of(raw(target.id))});
  }

  MarkedStep step;
  for (const auto& run : runs) {
    std::uint64_t unread_less = 0;
    const auto apply = [&](MarkId which, bool counted) {
      auto& value = draft_mark(*view, *run.entry, which);
      const auto reached = value.reached;
      if (run.low <= run.high) {
        const auto [newly, less] = insert(*view, *run.entry, which, run.low, run.high, is_timed(which) ? now : 0);
        unread_less += less;
        if (counted) step.result.newly += newly;
      }
      auto& moved = draft_mark(*view, *run.entry, which);
      if (run.high >= run.low && run.newest > moved.newest) moved.newest = run.newest;
      moved.reached = std::max({moved.reached, run.reached, moved.newest == MessageId::none ? 0 : id::time_of(raw(moved.newest))});
      if (counted) {
        step.result.advanced |= moved.reached > reached;
        step.result.newest = moved.newest;
        step.result.reached = moved.reached;
      }
    };
    apply(mark.mark, true);
    if (mark.also) apply(*mark.also, false);
    step.parts.push_back({run.entry->conversation, unread_less});
  }
  return step;
}

Sequencer::Step Sequencer::decide(Entry& entry, ProvenEntry& proven) {
  static_cast<void>(entry);
  auto* view = state_.view(proven.user);
  if (view == nullptr) return Nothing{};
  const auto it = view->entries.find(proven.conversation);
  if (it == view->entries.end()) return Nothing{};
  for (unsigned i = 0; i < 32; ++i) {
    if ((proven.marks >> i & 1) == 0) continue;
    const auto which = static_cast<MarkId>(i);
    insert(*view, it->second, which, proven.low, proven.high, 0, false);
    auto& value = draft_mark(*view, it->second, which);
    if (proven.newest > value.newest) value.newest = proven.newest;
    value.reached = std::max(value.reached, id::time_of(raw(value.newest)));
  }
  return MarkedStep{{{it->second.conversation, 0}}, {}};
}

// ---------------------------------------------------------------- conversations and members

Sequencer::Step Sequencer::decide(Entry& entry, CreateEntry& create) {
  static_cast<void>(entry);
  const auto& wanted = create.conversation;
  if (create.members.size() + 1 > core_.options_.group_members) {
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
  for (auto it = members_.rbegin(); it != members_.rend(); ++it) {
    if (it->conversation == conversation.id() && it->user == user) return it->left ? nullptr : &*it;
  }
  return conversation.member(user);
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
  const bool joins = act.kind == Kind::join || act.kind == Kind::add;
  if (joins && conversation.member_count >= core_.options_.group_members) {
    return error(Code::too_large, "conversation.too_many_members");
  }

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
  members_.push_back(member);
  changes_.push_back(change);
  return MemberStep{&conversation, member, change};
}

Sequencer::Step Sequencer::decide(Entry& entry, UserEntry& wanted) {
  static_cast<void>(entry);
  auto user = wanted.user;
  const auto drafted = std::find_if(users_.begin(), users_.end(), [&](const User& u) { return u.handle == user.handle; });
  if (drafted != users_.end()) {
    if (!wanted.if_absent) return error(Code::conflict, "user.taken", "the handle is taken");
    return UserStep{nullptr, static_cast<std::size_t>(drafted - users_.begin())};
  }
  // New users are rare: asking the storage here keeps the answer exact.
  const auto known = core_.directory_.load(UserRef::handle(user.handle));
  if (known) {
    if (!wanted.if_absent) return error(Code::conflict, "user.taken", "the handle is taken");
    return UserStep{*known, 0};
  }
  if (known.error().code != Code::not_found) return known.error();
  if (user.id == UserId::none) user.id = static_cast<UserId>(core_.ids_.next());
  else if (core_.directory_.load(user.id)) return error(Code::conflict, "user.taken", "the uid is taken");
  if (user.uuid.empty()) user.uuid = derived_uuid(UuidKind::user, raw(user.id));
  else if (core_.directory_.load(UserRef::uuid(user.uuid))) return error(Code::conflict, "user.taken", "the uuid is taken");
  for (const auto& other : users_) {
    if (other.id == user.id || other.uuid == user.uuid) return error(Code::conflict, "user.taken", "the uid or uuid is taken");
  }
  if (user.created == 0) user.created = core_.clock_.now();
  users_.push_back(user);
  return UserStep{nullptr, users_.size() - 1};
}

}  // namespace loft
