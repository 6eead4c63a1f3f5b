// Conversations that are made and changed; both steps of the sequencer.
#include <algorithm>

#include <loft/uuid.hpp>

#include "messaging/sequencer.hpp"

namespace loft {

std::optional<Error> Sequencer::may_create(const CreateEntry& create) const {
  const auto& wanted = create.conversation;
  std::vector<UserId> distinct{create.actor->id};
  for (const auto& user : create.members) distinct.push_back(user->id);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  auto limit = core_.options_.group_members;
  if (wanted.max_members != 0) limit = std::min<std::size_t>(limit, wanted.max_members);
  if (distinct.size() > limit) {
    return error(Code::too_large, "conversation.too_many_members", "at most " + std::to_string(limit) + " members");
  }
  // Handles of that beginning are the host's.
  if (wanted.handle.starts_with("system:")) return error(Code::conflict, "conversation.handle_taken");
  if (!wanted.handle.empty() && (state_.by_handle.contains(wanted.handle) || made_handles_.contains(wanted.handle))) {
    return error(Code::conflict, "conversation.handle_taken");
  }
  return std::nullopt;
}

Sequencer::Step Sequencer::decide(Entry& entry, CreateEntry& create) {
  static_cast<void>(entry);
  const auto& wanted = create.conversation;
  if (wanted.kind == ConversationKind::direct) return decide_direct(create);
  if (auto refusal = may_create(create)) return std::move(*refusal);
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
  info.max_members = wanted.max_members;
  info.created = info.updated = id::time_of(id);
  conversations_.push_back(info);

  auto state = std::make_unique<ConversationState>();
  auto* made = state.get();
  state->info = std::make_shared<const Conversation>(std::move(info));
  state->members_loaded = true;
  CreatedStep step{made, {}, id, false};
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

Sequencer::Step Sequencer::decide_direct(const CreateEntry& create) {
  const auto made = made_.size();
  auto* conversation = create.known != nullptr ? create.known : direct(create.actor->id, create.members.front()->id);
  return CreatedStep{conversation, {}, 0, made_.size() == made};
}

const Conversation& Sequencer::info(const ConversationState& conversation) const {
  const auto it = draft_infos_.find(&conversation);
  return it != draft_infos_.end() ? conversations_[it->second] : *conversation.info;
}

std::size_t Sequencer::member_limit(const ConversationState& conversation) const {
  const auto own = info(conversation).max_members;
  return own == 0 ? core_.options_.group_members : std::min<std::size_t>(own, core_.options_.group_members);
}

std::int64_t Sequencer::member_count(const ConversationState& conversation) const {
  const auto it = draft_joins_.find(&conversation);
  return static_cast<std::int64_t>(conversation.member_count) + (it != draft_joins_.end() ? it->second : 0);
}

void Sequencer::draft(const Conversation& info, ConversationState& conversation) {
  const auto [it, is_new] = draft_infos_.try_emplace(&conversation, conversations_.size());
  if (is_new)
    conversations_.push_back(info);
  else
    conversations_[it->second] = info;
}

void Sequencer::draft(const Member& member, bool moved) {
  auto& draft = draft_members_.try_emplace({member.conversation, member.user}, DraftMember{0, false}).first->second;
  draft.index = members_.size();
  draft.moved |= moved;
  members_.push_back(member);
}

std::optional<Error> Sequencer::may_change(const ChangeEntry& change, const Member* self) const {
  const auto& act = change.act;
  if (self == nullptr) return error(Code::forbidden, "member.none");
  const bool owner_only = act.kind == ConversationAct::Kind::dissolve || act.owner;
  if (self->role < (owner_only ? Role::owner : act.at_least)) return error(Code::forbidden, "role.required");
  if (act.kind == ConversationAct::Kind::dissolve) return std::nullopt;
  if (change.heir != nullptr && member(*change.conversation, change.heir->id) == nullptr) {
    return error(Code::not_found, "member.unknown");
  }
  if (act.max_members && *act.max_members != 0 && *act.max_members < member_count(*change.conversation)) {
    return error(Code::invalid, "conversation.too_few",
                 "there are " + std::to_string(member_count(*change.conversation)) + " members");
  }
  return std::nullopt;
}

Sequencer::Step Sequencer::decide(Entry& entry, ChangeEntry& change) {
  static_cast<void>(entry);
  auto& conversation = *change.conversation;
  if (conversation.is_secret_from(change.actor->id)) return unknown_conversation();
  if (conversation.info->kind != ConversationKind::group) return error(Code::forbidden, "conversation.not_a_group");
  if (auto refusal = may_change(change, member(conversation, change.actor->id))) return std::move(*refusal);
  ChangedStep step{&conversation, info(conversation), {}, {}, 0};
  step.change.position = core_.ids_.next();
  step.change.conversation = conversation.id();
  step.change.kind = ChangeKind::updated;
  step.change.actor = change.actor->id;
  step.info.updated = id::time_of(step.change.position);
  if (change.act.kind == ConversationAct::Kind::dissolve)
    dissolve(step);
  else
    update(change, step);
  step.count = static_cast<std::uint64_t>(member_count(conversation));
  draft(step.info, conversation);
  changes_.push_back(step.change);
  return step;
}

void Sequencer::dissolve(ChangedStep& step) {
  auto& conversation = *step.conversation;
  step.info.dissolved = true;
  const auto leave = [&](UserId user) {
    const auto* present = member(conversation, user);
    if (present == nullptr) return;
    auto gone = *present;
    gone.left = true;
    step.members.push_back(gone);
    draft(gone, true);
  };
  for (const auto& known : conversation.members) leave(known.user);
  std::vector<UserId> joined;
  for (const auto& [key, draft] : draft_members_) {
    if (key.first == conversation.id()) joined.push_back(key.second);
  }
  for (const auto user : joined) leave(user);
  draft_joins_[&conversation] -= static_cast<std::int64_t>(step.members.size());
}

void Sequencer::update(const ChangeEntry& change, ChangedStep& step) {
  const auto& act = change.act;
  auto& info = step.info;
  if (act.name) info.name = *act.name;
  if (act.description) info.description = *act.description;
  if (act.avatar) info.avatar = *act.avatar;
  if (act.join) info.join = *act.join;
  if (act.max_members) info.max_members = *act.max_members;
  if (change.heir == nullptr || change.heir->id == change.actor->id) return;
  info.owner = change.heir->id;
  step.change.subject = change.heir->id;
  step.change.role = Role::owner;
  for (const auto& [user, role] : {std::pair(change.actor->id, Role::admin), std::pair(change.heir->id, Role::owner)}) {
    auto changed = *member(*step.conversation, user);
    changed.role = role;
    step.members.push_back(changed);
    draft(changed, false);
  }
}

// ---- a stored round

void Sequencer::finish(Entry& entry, CreateEntry& create, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step)) {
    return out.reply<ConversationRecord>(entry.caller, create.done, std::move(*refused));
  }
  auto& done = std::get<CreatedStep>(step);
  auto& conversation = *done.conversation;
  if (conversation.is_direct()) return finish_direct(entry, create, done, out);
  conversation.last_change = done.position;
  for (const auto& user : done.users) {
    enter_view(user->id, conversation, 0, done.position);
    audience(user->id, conversation.id(), true, out);
  }
  ConversationRecord record;
  record.conversation = conversation.info;
  record.owner = create.actor;
  record.member_count = conversation.member_count;
  record.me = conversation.members.front();
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

void Sequencer::finish_direct(Entry& entry, CreateEntry& create, const CreatedStep& done, Outbound& out) {
  const auto& conversation = *done.conversation;
  ConversationRecord record;
  record.conversation = conversation.info;
  record.peer = create.members.front();
  record.member_count = conversation.info->low == conversation.info->high ? 1 : 2;
  record.existed = done.existed;
  record.me.emplace();
  record.me->conversation = conversation.id();
  record.me->user = create.actor->id;
  record.me->joined = raw(conversation.id());
  out.reply<ConversationRecord>(entry.caller, create.done, std::move(record));
  if (done.existed || !core_.created_.has_observers()) return;
  out.publish(entry.caller, [&core = core_, info = conversation.info] {
    core.created_(ConversationCreated{{}, info});
  });
}

/// What is in memory speaks of the conversation as it is now.
void Sequencer::renew(ConversationState& conversation, Conversation&& info) {
  conversation.info = std::make_shared<const Conversation>(std::move(info));
  for (auto& record : conversation.tail) {
    auto renewed = std::make_shared<MessageRecord>(*record);
    renewed->conversation = conversation.info;
    record = std::move(renewed);
  }
}

void Sequencer::finish(Entry& entry, ChangeEntry& change, Step& step, Outbound& out) {
  if (auto* refused = std::get_if<Error>(&step)) {
    return out.reply<ConversationRecord>(entry.caller, change.done, std::move(*refused));
  }
  auto& done = std::get<ChangedStep>(step);
  auto& conversation = *done.conversation;
  renew(conversation, std::move(done.info));
  conversation.last_change = done.change.position;
  ConversationRecord record;
  record.conversation = conversation.info;
  record.owner = change.heir != nullptr ? change.heir : change.owner;
  // Another entry of this round may have given the group away.
  const auto owner = conversation.info->owner;
  if (record.owner == nullptr || record.owner->id != owner) record.owner = core_.directory_.cached(owner);
  record.member_count = done.count;
  auto outgoing = std::make_shared<Outgoing>();
  outgoing->kind = Delivery::Kind::updated;
  outgoing->conversation = conversation.info;
  outgoing->actor = change.actor;
  outgoing->change = done.change;
  if (done.change.subject != UserId::none) outgoing->subject = change.heir;
  deliver(conversation, std::move(outgoing), out);
  for (const auto& member : done.members) {
    conversation.members[conversation.member_index.find(member.user)->second] = member;
    if (!member.left) continue;
    --conversation.member_count;
    audience(member.user, conversation.id(), false, out);
    leave_view(member.user, conversation.id());
  }
  if (const auto* self = conversation.member(change.actor->id)) record.me = *self;
  out.reply<ConversationRecord>(entry.caller, change.done, std::move(record));
  if (!core_.conversation_changed_.has_observers()) return;
  out.publish(entry.caller, [&core = core_, info = conversation.info] {
    core.conversation_changed_(ConversationChanged{{}, info});
  });
}

}  // namespace loft
