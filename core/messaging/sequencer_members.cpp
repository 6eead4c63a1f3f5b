// Members of groups; both steps of the sequencer.
#include <bitset>

#include "messaging/sequencer.hpp"

namespace loft {

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
    if (info(conversation).join != JoinRule::free || info(conversation).dissolved)
      return error(Code::forbidden, "join.not_free");
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
  if (const auto* former = record(conversation, change.subject)) {
    member.muted_until = former->muted_until;
    member.muted_by = former->muted_by;
    member.muted_at = former->muted_at;
  }
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
      member.muted_by = act.mute_until != 0 ? change.actor : UserId::none;
      member.muted_at = act.mute_until != 0 ? id::time_of(change.position) : 0;
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
  if (conversation.is_secret_from(membership.actor->id)) return unknown_conversation();
  if (conversation.info->kind != ConversationKind::group) return error(Code::forbidden, "conversation.not_a_group");
  const auto actor = membership.actor->id;
  const auto subject = membership.subject->id;
  const auto* self = member(conversation, actor);
  const auto* other = member(conversation, subject);
  if (auto refusal = may_change(membership, self, other)) return std::move(*refusal);
  const bool joins = act.kind == Kind::join || act.kind == Kind::add;
  const bool leaves = act.kind == Kind::leave || act.kind == Kind::remove;
  const auto limit = member_limit(conversation);
  if (joins && member_count(conversation) >= static_cast<std::int64_t>(limit)) {
    return error(Code::too_large, "conversation.too_many_members", "at most " + std::to_string(limit) + " members");
  }
  if (joins && (conversation.member_index.contains(subject) || has_moved(conversation, subject))) {
    forget_marks(conversation, subject);
  }
  draft_joins_[&conversation] += joins ? 1 : leaves ? -1 : 0;

  Change change;
  change.position = core_.ids_.next();
  change.conversation = conversation.id();
  change.actor = actor;
  change.subject = subject;
  const Member member = joins ? joined(conversation, change) : changed(*other, act, change);
  draft(member, joins || leaves);
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
  mine.forgotten = conversation.forgotten;
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
