// Groups and their members; both steps of the sequencer.
#include <algorithm>
#include <bitset>

#include <loft/uuid.hpp>

#include "messaging/sequencer.hpp"

namespace loft {

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

const Member* Sequencer::record(const ConversationState& conversation, UserId user) const {
  if (const auto it = draft_members_.find({conversation.id(), user}); it != draft_members_.end()) {
    return &members_[it->second.index];
  }
  const auto it = conversation.member_index.find(user);
  return it != conversation.member_index.end() ? &conversation.members[it->second] : nullptr;
}

const Member* Sequencer::member(const ConversationState& conversation, UserId user) const {
  const auto* known = record(conversation, user);
  return known != nullptr && !known->left ? known : nullptr;
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

Member Sequencer::joined(ConversationState& conversation, Change& change) const {
  change.kind = ChangeKind::joined;
  Member member;
  // Who is muted stays so: to leave and come back is no way around it, nor is being added by somebody else.
  if (const auto* former = record(conversation, change.subject)) member.muted_until = former->muted_until;
  member.conversation = conversation.id();
  member.user = change.subject;
  member.joined = change.position;
  const auto head = head_index_.find(&conversation);
  member.joined_seq = head == head_index_.end() ? conversation.head : heads_[head->second].head;
  return member;
}

Member Sequencer::changed(Member member, const MembershipAct& act, Change& change) {
  switch (act.kind) {
    case MembershipAct::Kind::set_role:
      member.role = change.role = act.role;
      change.kind = ChangeKind::role;
      break;
    case MembershipAct::Kind::mute:
      member.muted_until = act.mute_until;
      change.kind = ChangeKind::muted;
      break;
    default:
      member.left = true;
      change.kind = ChangeKind::left;
  }
  return member;
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
  const Member member = joins ? joined(conversation, change) : changed(*other, act, change);
  auto& draft = draft_members_.try_emplace({conversation.id(), subject}, DraftMember{0, false}).first->second;
  draft.index = members_.size();
  draft.moved |= joins || leaves;
  members_.push_back(member);
  changes_.push_back(change);
  return MemberStep{&conversation, member, change};
}

// ---- a stored round

void Sequencer::enter_view(UserId user, ConversationState& conversation, Seq joined_seq, Position joined) {
  state_.touch_loading(user);
  auto* view = state_.view(user);
  if (view == nullptr) return;
  auto& mine = view->entries[conversation.id()];
  mine.conversation = &conversation;
  mine.joined_seq = joined_seq;
  mine.joined = joined;
  mine.unread = 0;
  mine.counted_upto = conversation.head;
  mine.counted = true;
}

void Sequencer::leave_view(UserId user, ConversationId conversation) {
  state_.touch_loading(user);
  if (auto* view = state_.view(user)) view->entries.erase(conversation);
}

void Sequencer::audience(UserId user, ConversationId group, bool joins, Outbound& out) {
  const auto* view = state_.view(user);
  if (view == nullptr) return;
  std::bitset<256> threads;
  for (const auto& session : view->sessions) threads.set(session.thread);
  for (unsigned thread = 0; thread < out.by_thread.size(); ++thread) {
    if (threads[thread]) out.by_thread[thread].push_back(AudienceChange{user, group, joins});
  }
}

void Sequencer::finish(Entry& entry, CreateEntry& create, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step)) {
    return out.reply<ConversationRecord>(entry.caller, create.done, std::move(*refused));
  }
  auto& done = std::get<CreatedStep>(step);
  auto& conversation = *done.conversation;
  conversation.last_change = done.position;
  for (const auto& user : done.users) {
    enter_view(user->id, conversation, 0, done.position);
    audience(user->id, conversation.id(), true, out);
  }
  ConversationRecord record;
  record.conversation = conversation.info;
  record.owner = create.actor;
  record.member_count = conversation.member_count;
  out.reply<ConversationRecord>(entry.caller, create.done, std::move(record));
  if (core_.created_.has_observers()) {
    out.publish(entry.caller, [&core = core_, info = conversation.info] {
      core.created_(ConversationCreated{{}, info});
    });
  }
  auto outgoing = std::make_shared<Outgoing>();
  outgoing->kind = Delivery::Kind::created;
  outgoing->conversation = conversation.info;
  outgoing->actor = create.actor;
  outgoing->change.position = done.position;
  outgoing->change.conversation = conversation.id();
  outgoing->change.kind = ChangeKind::created;
  outgoing->change.actor = create.actor->id;
  deliver(conversation, std::move(outgoing), out);
}

void Sequencer::finish(Entry& entry, MembershipEntry& membership, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step)) {
    return out.reply<MemberRecord>(entry.caller, membership.done, std::move(*refused));
  }
  auto& done = std::get<MemberStep>(step);
  auto& conversation = *done.conversation;
  conversation.last_change = done.change.position;
  const auto& member = done.member;
  const auto [it, is_new] =
      conversation.member_index.try_emplace(member.user, static_cast<std::uint32_t>(conversation.members.size()));
  if (is_new) {
    conversation.members.push_back(member);
    ++conversation.member_count;
  } else {
    auto& known = conversation.members[it->second];
    if (known.left && !member.left) ++conversation.member_count;
    if (!known.left && member.left) --conversation.member_count;
    known = member;
  }

  auto outgoing = std::make_shared<Outgoing>();
  outgoing->kind = Delivery::Kind::membership;
  outgoing->conversation = conversation.info;
  outgoing->actor = membership.actor;
  outgoing->subject = membership.subject;
  outgoing->change = done.change;
  if (done.change.kind == ChangeKind::joined) {
    conversation.furthest.reset();
    enter_view(member.user, conversation, member.joined_seq, member.joined);
    audience(member.user, conversation.id(), true, out);
    deliver(conversation, std::move(outgoing), out);
  } else {
    deliver(conversation, std::move(outgoing), out);
    if (done.change.kind == ChangeKind::left) {
      audience(member.user, conversation.id(), false, out);
      leave_view(member.user, conversation.id());
    }
  }
  out.reply<MemberRecord>(entry.caller, membership.done, MemberRecord{member, membership.subject});
  if (core_.membership_changed_.has_observers()) {
    out.publish(entry.caller, [&core = core_, change = done.change] {
      core.membership_changed_(MembershipChanged{{}, change});
    });
  }
}

}  // namespace loft
