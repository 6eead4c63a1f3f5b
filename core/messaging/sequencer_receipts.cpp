// Who hears that a member has read: the senders of what is read now, those whose live sessions want to know.
#include <algorithm>

#include "messaging/sequencer.hpp"

namespace loft {
namespace {

/// How many messages that are not in memory are looked at for one act in one conversation.
constexpr std::size_t looked_at = 1000;

}  // namespace

// What others hear of: one change for all that a member reads of a conversation in one round. In large groups nobody
// hears who has read what, and a change for each reader would be as many as members times messages.
void Sequencer::draft_read(MarkedStep::Part& part, UserId reader) {
  const auto& conversation = *part.conversation;
  if (conversation.info->kind == ConversationKind::broadcast) return;
  if (conversation.lists_members() && conversation.member_count > core_.options_.receipts_max) return;
  const auto [it, is_new] = draft_reads_.try_emplace({conversation.id(), reader}, DraftRead{changes_.size(), {}, {}});
  if (is_new) {
    Change change;
    change.position = core_.ids_.next();
    change.conversation = conversation.id();
    change.kind = ChangeKind::read;
    change.actor = reader;
    changes_.push_back(change);
  }
  part.change = changes_[it->second.change].position;
}

/// Says in the change what the round has read, and its newest from others that stands.
void Sequencer::name_read(const MarkedStep::Part& part, UserId reader) {
  auto& draft = draft_reads_.find({part.conversation->id(), reader})->second;
  for (const auto& [low, high] : part.newly_read) draft.read.insert(low, high, 0);
  const auto newest = newest_foreign(*part.conversation, draft.read, reader, true);
  auto& change = changes_[draft.change];
  change.note = text_of(draft.read);
  // A storage that does not answer now will not store the round either.
  change.message = newest ? *newest : part.newest;
}

/// Those who want to hear what `reader` reads, with the seq behind which they see the conversation.
std::vector<std::pair<UserId, Seq>> Sequencer::listeners(const ConversationState& conversation, UserId reader) const {
  std::vector<std::pair<UserId, Seq>> found;
  const auto add = [&](UserId user) {
    if (user == reader || has_moved(conversation, user)) return;
    const auto* view = state_.view(user);
    if (view == nullptr) return;
    const auto mine = view->entries.find(conversation.id());
    if (mine == view->entries.end()) return;
    const bool wants = std::any_of(view->sessions.begin(), view->sessions.end(),
                                   [](const SessionInfo& session) { return session.receipts; });
    if (wants) found.emplace_back(user, mine->second.joined_seq);
  };
  if (conversation.is_direct()) {
    add(conversation.info->low == reader ? conversation.info->high : conversation.info->low);
  } else {
    for (const auto& member : conversation.members) {
      if (!member.left) add(member.user);
    }
  }
  return found;
}

/// Finds the newest message of each listener in what an act has newly read.
void Sequencer::draft_receipts(const MarkedStep::Part& part, UserId reader) {
  const auto& conversation = *part.conversation;
  auto waiting = listeners(conversation, reader);
  if (waiting.empty()) return;
  IntervalSet runs;
  for (const auto& [low, high] : part.newly_read) runs.insert(low, high, 0);
  if (runs.empty()) return;
  auto& senders = draft_reads_.find({conversation.id(), reader})->second.senders;
  const auto look = [&](const Message& message) {
    if (message.recalled != 0 || recalled_.contains(message.id) || !runs.contains(message.seq)) return;
    const auto it = std::find_if(waiting.begin(), waiting.end(), [&](const auto& row) {
      return row.first == message.sender && message.seq > row.second;
    });
    if (it == waiting.end()) return;
    waiting.erase(it);
    auto& newest = senders[message.sender];
    newest = std::max(newest, message.id);
  };
  const auto oldest = runs.intervals().front().low;
  const auto first = conversation.tail_first();
  Seq seq = std::min(runs.newest(), conversation.head);
  for (; seq >= std::max(oldest, first) && !waiting.empty(); --seq) look(*conversation.in_tail(seq)->message);
  if (waiting.empty() || seq < oldest) return;
  lock_->unlock();
  // Whoever is not found here is not told now, and finds it when it syncs.
  const auto older = core_.storage_.log(conversation.id(), oldest, seq, looked_at, true);
  lock_->lock();
  if (!older) return;
  for (const auto& message : *older) look(message);
}

void Sequencer::tell_senders(const UserPtr& reader, const MarkedStep::Part& part, Outbound& out) {
  const auto draft = draft_reads_.find({part.conversation->id(), reader->id});
  if (draft == draft_reads_.end()) return;
  // All that the round has read is told with the first of its acts, whose place in the order the change has.
  for (const auto& [sender, newest] : std::exchange(draft->second.senders, {})) {
    auto outgoing = std::make_shared<Outgoing>();
    outgoing->kind = Delivery::Kind::receipt;
    outgoing->conversation = part.conversation->info;
    outgoing->actor = outgoing->subject = reader;
    outgoing->newest = newest;
    outgoing->change = changes_[draft->second.change];
    deliver_to_user(sender, std::move(outgoing), out);
  }
}

}  // namespace loft
