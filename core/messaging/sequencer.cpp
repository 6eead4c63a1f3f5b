#include "messaging/sequencer.hpp"

#include <algorithm>

#include <loft/uuid.hpp>

#include "messaging/hash.hpp"
#include "messaging/stored_state.hpp"

namespace loft {
namespace {

/// To whom a submission goes, whatever the client called it: two names of one target give one digest.
std::uint64_t digest_of(const SubmitEntry& submit) {
  const auto& more = *submit.rest;
  if (submit.peer != nullptr) return message_digest(more.said, Addressed::user, raw(submit.peer->id));
  const auto* conversation = submit.conversation;
  if (conversation == nullptr) return message_digest(more.said, Addressed::notice, hash64(more.to.text, 0));
  const auto& info = *conversation->info;
  switch (info.kind) {
    case ConversationKind::direct:
      return message_digest(more.said, Addressed::user, raw(info.low == submit.sender->id ? info.high : info.low));
    case ConversationKind::group:
      return message_digest(more.said, Addressed::group, raw(info.id));
    default:
      return message_digest(more.said, Addressed::notice, hash64(info.handle, 0));
  }
}

}  // namespace

void Sequencer::take(Entry& entry, std::unique_lock<std::mutex>& lock) {
  lock_ = &lock;
  if (entry.failed)
    steps_.push_back(*entry.failed);
  else if (!state_.erased.empty() && is_of_erased(entry))
    steps_.push_back(unknown_user());
  else
    steps_.push_back(std::visit([&](auto& what) { return decide(entry, unboxed(what)); }, entry.what));
}

bool Sequencer::changes_nothing() const noexcept {
  return messages_.empty() && users_.empty() && conversations_.empty() && members_.empty() && changes_.empty() &&
         recalls_.empty() && draft_marks_.empty() && values_.empty() && erased_.empty() && emptied_marks_.empty();
}

Batch Sequencer::batch() {
  marks_.clear();
  for (const auto& [key, mark] : draft_marks_) {
    marks_.push_back({key.user, key.conversation->id(), core_.marks_[raw(key.mark)].name, mark.encode()});
  }
  marks_.insert(marks_.end(), emptied_marks_.begin(), emptied_marks_.end());
  Batch batch;
  batch.applied_upto = core_.ids_.last();
  batch.users = users_;
  batch.conversations = conversations_;
  batch.members = members_;
  batch.heads = heads_;
  batch.messages = messages_;
  batch.changes = changes_;
  batch.recalls = recalls_;
  batch.erased = erased_;
  batch.marks = marks_;
  batch.key_values = values_;
  return batch;
}

// ---------------------------------------------------------------- messages

const KeyMap::mapped_type* Sequencer::known(const ClientKey& key) const {
  for (const auto* keys : {&std::as_const(core_.recent_keys_), &keys_}) {
    if (const auto it = keys->find(key.hash); it != keys->end()) return &it->second;
  }
  return nullptr;
}

bool Sequencer::is_settled(const Caller& caller, SubmitEntry& submit, Step& step) {
  if (submit.rest != nullptr && submit.rest->refused) {
    step = *submit.rest->refused;
    return true;
  }
  const auto sender = submit.sender->id;
  const auto* named = submit.peer == nullptr ? submit.conversation : nullptr;
  // Before the client id is looked at, which would say that there is something to compare with.
  if (named != nullptr && !caller.service && named->is_secret_from(sender)) {
    step = unknown_conversation();
    return true;
  }
  const bool has_key = submit.key().has_value();
  if (has_key) {
    auto& key = *submit.rest->key;
    key.digest = digest_of(submit);
    // A repeat is answered before anything is made for it.
    if (const auto* original = known(key)) {
      if (original->second == key.digest)
        step = Repeated{original->first};
      else
        step = error(Code::conflict, "client_id.reused");
      return true;
    }
  }
  std::optional<Error> refusal;
  if (named != nullptr) refusal = may_send(*named, caller, sender);
  if (!refusal && submit.rest != nullptr) refusal = submit.rest->unwelcome;
  if (!refusal) return false;
  // It may be the repeat of one that was stored while the sender might still send: only the storage knows.
  if (has_key && submit.conversation != nullptr) doubtful_.push_back({&submit, submit.conversation});
  step = std::move(*refusal);
  return true;
}

ConversationState* Sequencer::draft(SubmitEntry& submit) {
  auto* conversation = submit.conversation;
  const auto sender = submit.sender->id;
  if (conversation == nullptr) {
    conversation = submit.peer != nullptr ? direct(sender, submit.peer->id) : proclaimed(*submit.rest);
  }
  const auto head = head_of(*conversation);
  auto& message = *submit.message;
  message.id = static_cast<MessageId>(core_.ids_.next());
  message.conversation = conversation->id();
  message.seq = ++heads_[head].head;
  message.sender = sender;
  heads_[head].last = message.id;
  const auto& key = submit.key();
  messages_.push_back({&message, key});
  if (key) keys_.emplace(key->hash, std::pair(message.id, key->digest));
  if (submit.rest != nullptr) {
    for (const auto& change : submit.rest->state)
      draft_value({submit.rest->space, state_key(conversation->id(), change.key), change.value});
  }
  return conversation;
}

Sequencer::Step Sequencer::decide(Entry& entry, SubmitEntry& submit) {
  Step step;
  if (!is_settled(entry.caller, submit, step)) step = Submitted{draft(submit)};
  return step;
}

// All are looked at before the first is made, so that a refusal of any leaves nothing to take back. The others are
// looked at even then: more than one of them may be in doubt, and the storage is asked once.
Sequencer::Step Sequencer::decide(Entry& entry, SubmitAllEntry& all) {
  if (all.refused) return *all.refused;
  std::optional<Error> refused;
  const auto refuse = [&](Error problem) {
    if (!refused) refused = std::move(problem);
  };
  KeyMap own;  // client ids of this call: one may stand twice in it
  SubmittedAll done;
  for (auto& submit : all.parts) {
    Step step;
    auto& part = done.parts.emplace_back(SubmittedAll::Part{nullptr, MessageId::none});
    if (is_settled(entry.caller, submit, step)) {
      if (auto* problem = std::get_if<Error>(&step))
        refuse(std::move(*problem));
      else
        part.original = std::get<Repeated>(step).original;
    } else if (const auto& key = submit.key()) {
      const auto [it, is_new] = own.try_emplace(key->hash, MessageId::none, key->digest);
      if (!is_new && it->second.second != key->digest) refuse(error(Code::conflict, "client_id.reused"));
    }
  }
  if (refused) return std::move(*refused);
  for (std::size_t i = 0; i < all.parts.size(); ++i) {
    auto& part = done.parts[i];
    if (part.original != MessageId::none) continue;
    const auto& key = all.parts[i].key();
    if (const auto* original = key ? known(*key) : nullptr)
      part.original = original->first;
    else
      part.conversation = draft(all.parts[i]);
  }
  return done;
}

std::optional<Error> Sequencer::may_send(const ConversationState& conversation, const Caller& caller,
                                         UserId sender) const {
  switch (conversation.info->kind) {
    case ConversationKind::direct:
      if (!conversation.has_direct_member(sender))
        return unknown_conversation();  // a service, which is no member either
      break;
    case ConversationKind::group: {
      const auto* self = member(conversation, sender);
      if (self == nullptr) return error(Code::forbidden, "member.none");
      if (self->muted_until > core_.clock_.now()) return error(Code::forbidden, "member.muted");
      break;
    }
    case ConversationKind::system:
    case ConversationKind::broadcast:
      if (!caller.service) return error(Code::forbidden, "conversation.read_only");
      break;
  }
  return std::nullopt;
}

ConversationState* Sequencer::direct(UserId a, UserId b) {
  const auto pair = std::minmax(a, b);
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
  if (!may && recall.recall.managers_too && conversation->info->kind == ConversationKind::group) {
    const auto* self = member(*conversation, actor);
    may = self != nullptr && self->role != Role::member;
  }
  if (!may) return error(Code::forbidden, "recall.not_yours");
  if (current->recalled != 0) return RecalledStep{conversation, current, current->recalled, true};
  if (recall.recall.window != 0 && core_.clock_.now() - current->time() > recall.recall.window) {
    return error(Code::expired, "recall.expired");
  }
  auto message = std::make_shared<Message>(*current);
  draft_recall(*conversation, message, actor, recall.recall.reason);
  static_cast<void>(entry);
  return RecalledStep{conversation, message, message->recalled, false};
}

void Sequencer::draft_recall(ConversationState& conversation, const std::shared_ptr<Message>& message, UserId actor,
                             std::string reason) {
  const Position position = core_.ids_.next();
  message->recalled = position;
  message->recalled_by = actor;
  recalls_.push_back({message->id, position, actor});
  Change change;
  change.position = position;
  change.conversation = conversation.id();
  change.kind = ChangeKind::recalled;
  change.actor = actor;
  change.message = message->id;
  change.note = std::move(reason);
  changes_.push_back(std::move(change));
  recalled_[message->id] = message;
  conversation.last_recall = position;
}

// ---------------------------------------------------------------- users

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
  // In the order of messages, because it says which of the broadcasts the user may see.
  const auto position = core_.ids_.next();
  if (user.id == UserId::none) user.id = static_cast<UserId>(position);
  if (user.uuid.empty()) user.uuid = derived_uuid(UuidKind::user, raw(user.id));
  if (user.created == 0) user.created = id::time_of(position);
  draft_users_.emplace(user.handle, users_.size());
  users_.push_back(user);
  is_change_.push_back(false);
  return UserStep{nullptr, users_.size() - 1};
}

}  // namespace loft
