#include "model.hpp"

namespace loft::tests {

ModelConversation* Model::find(ConversationId id) {
  for (auto& conversation : conversations) {
    if (conversation.id == id) return &conversation;
  }
  return nullptr;
}

ModelConversation* Model::direct(UserId a, UserId b) {
  for (auto& conversation : conversations) {
    if (conversation.direct &&
        std::minmax(a, b) == std::pair<const UserId&, const UserId&>(conversation.low, conversation.high)) {
      return &conversation;
    }
  }
  return nullptr;
}

std::pair<ModelConversation*, ModelMessage*> Model::message(MessageId id) {
  for (auto& conversation : conversations) {
    for (auto& message : conversation.log) {
      if (message.id == id) return {&conversation, &message};
    }
  }
  return {nullptr, nullptr};
}

std::uint64_t Model::unread(UserId user, ModelConversation& in) const {
  std::uint64_t count = 0;
  for (const auto& message : in.log) {
    count += message.seq > in.member(user)->joined_seq && message.sender != user && !message.recalled &&
             !has(user, in, MarkId::read, message.seq) && !has(user, in, MarkId::hidden, message.seq);
  }
  return count;
}

Receipt Model::receipt_of(UserId recipient, const ModelConversation& in, const ModelMessage& message) const {
  if (has(recipient, in, MarkId::read, message.seq)) return Receipt::read;
  if (has(recipient, in, MarkId::delivered, message.seq)) return Receipt::delivered;
  for (const auto& session : sessions) {
    if (pushed(session, recipient, MarkId::delivered, message)) return Receipt::delivered;
  }
  return Receipt::sent;
}

Receipt Model::receipt(UserId viewer, ModelConversation& in, const ModelMessage& message) const {
  if (message.recalled) return Receipt::sent;
  if (in.direct && in.low == in.high) return Receipt::read;
  if (viewer != message.sender) return receipt_of(viewer, in, message);
  std::size_t recipients = 0, read = 0, delivered = 0;
  for (const auto& member : in.members) {
    if (member.left || member.user == viewer || member.joined_seq >= message.seq) continue;
    ++recipients;
    const auto state = receipt_of(member.user, in, message);
    read += state == Receipt::read;
    delivered += state != Receipt::sent;
  }
  return recipients != 0 && read == recipients ? Receipt::read : delivered != 0 ? Receipt::delivered : Receipt::sent;
}

std::vector<MessageId> Model::inbox(UserId user, std::optional<MarkId> lacking, MessageId after) {
  const auto was_pushed = [&](const ModelMessage& message) {
    return lacking && std::any_of(sessions.begin(), sessions.end(),
                                  [&](const auto& session) { return pushed(session, user, *lacking, message); });
  };
  std::vector<MessageId> ids;
  for (auto& in : conversations) {
    const auto* self = in.member(user);
    if (self == nullptr) continue;
    for (const auto& message : in.log) {
      if (message.seq <= self->joined_seq || message.sender == user || message.recalled || message.id <= after)
        continue;
      if (has(user, in, MarkId::hidden, message.seq) || was_pushed(message)) continue;
      if (lacking && has(user, in, *lacking, message.seq)) continue;
      if (lacking && implied(*lacking) && has(user, in, MarkId::read, message.seq)) continue;
      ids.push_back(message.id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<MessageId> Model::history(UserId user, ModelConversation& in, MessageId before, Millis until,
                                      bool with_recalled) {
  std::vector<MessageId> ids;
  for (auto it = in.log.rbegin(); it != in.log.rend(); ++it) {
    if (it->seq <= in.member(user)->joined_seq || has(user, in, MarkId::hidden, it->seq)) continue;
    if (before != MessageId::none && it->id >= before) continue;
    if (until != 0 && id::time_of(raw(it->id)) > until) continue;
    if (!with_recalled && it->recalled) continue;
    ids.push_back(it->id);
  }
  return ids;
}

bool Model::mark(UserId user, ModelConversation& in, MarkId mark, Seq seq) {
  const auto& message = in.log[seq - 1];
  return rows.insert({user, in.id, mark, seq}).second && message.sender != user && !message.recalled &&
         seq > in.member(user)->joined_seq;
}

Model::Moved Model::reach(UserId user, const ModelConversation& in, MarkId mark, MessageId newest, Millis time) {
  auto& state = states[{user, in.id, mark}];
  const auto before = state;
  state.newest = std::max(state.newest, newest);
  state.reached = std::max({state.reached, time, state.newest == MessageId::none ? 0 : id::time_of(raw(state.newest))});
  return {state.reached > before.reached, state.reached > before.reached || state.newest > before.newest};
}

void Model::event(ModelEvent event) {
  event.act = act_;
  events.push_back(event);
}

void Model::read_event(UserId user, const ModelConversation& in) {
  const auto [it, is_new] = round_reads_.try_emplace({in.id, user}, events.size());
  if (is_new) event({ChangeKind::read, in.id, user, UserId::none, MessageId::none});
  events[it->second].message = states[{user, in.id, MarkId::read}].newest;
}

bool Model::hears(UserId user, std::size_t index) {
  const auto& event = events[index];
  auto* in = find(event.in);
  const auto* self = in->member(user);
  if (self == nullptr || index < self->joined_event) return false;
  return event.message == MessageId::none || message(event.message).second->seq > self->joined_seq;
}

void Model::push_signal(ModelConversation& in, UserId actor, const std::string& name) {
  for (auto& session : sessions) {
    if (session.user == actor || in.member(session.user) == nullptr || !session.policy.interests.signals) continue;
    session.expected.push_back("s:" + std::to_string(raw(in.id)) + ":" + name);
  }
}

void Model::push(ModelConversation& in, const std::string& line, bool Interests::*interest) {
  for (auto& session : sessions) {
    if (in.member(session.user) != nullptr && session.policy.interests.*interest) session.expected.push_back(line);
  }
}

void Model::push_message(ModelConversation& in, const ModelMessage& message) {
  for (auto& session : sessions) {
    if (in.member(session.user) == nullptr) continue;
    const bool own = session.user == message.sender;
    if (own && !session.policy.interests.own_messages) continue;
    if (message.content.starts_with("silent")) {
      if (!own) session.withheld.insert(message.order);
      continue;
    }
    session.expected.push_back("m:" + std::to_string(raw(message.id)));
    if (!own && !session.policy.mark_on_push.empty()) session.unproven.emplace_back(&in, message.seq);
  }
}

void Model::push_read(UserId user, const ModelConversation& in) {
  const auto& state = states[{user, in.id, MarkId::read}];
  for (auto& session : sessions) {
    if (session.user != user || !session.policy.interests.reads) continue;
    session.expected.push_back("r:" + std::to_string(raw(in.id)) + ":" + std::to_string(raw(state.newest)));
  }
}

}  // namespace loft::tests
