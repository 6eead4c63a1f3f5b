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

ModelConversation* Model::named(const std::string& handle) {
  for (auto& conversation : conversations) {
    if (conversation.handle == handle) return &conversation;
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
  if (in.kind == ConversationKind::broadcast) return Receipt::sent;
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

bool Model::is_pushed(UserId user, std::optional<MarkId> mark, const ModelMessage& message) const {
  return mark && std::any_of(sessions.begin(), sessions.end(),
                             [&](const auto& session) { return pushed(session, user, *mark, message); });
}

bool Model::fits(UserId user, const ModelConversation& in, const ModelMessage& message, const InboxQuery& query) const {
  const auto marked = [&](MarkId mark) {
    return has(user, in, mark, message.seq) || (implied(mark) && has(user, in, MarkId::read, message.seq)) ||
           is_pushed(user, mark, message);
  };
  if (message.sender == user || message.id <= query.after) return false;
  if (message.recalled ? !query.with_recalled && !query.only_recalled : query.only_recalled) return false;
  if (query.having != MarkId::hidden && has(user, in, MarkId::hidden, message.seq)) return false;
  if (query.in && raw(in.id) != query.in->number) return false;
  const auto is_kind = [&](const auto& one) { return one.kind == in.kind && one.topic == in.topic; };
  if (!query.classes.empty() && std::none_of(query.classes.begin(), query.classes.end(), is_kind)) return false;
  return !(query.lacking && marked(*query.lacking)) && !(query.having && !marked(*query.having));
}

std::vector<MessageId> Model::inbox(UserId user, const InboxQuery& query) {
  std::vector<MessageId> ids;
  for (auto& in : conversations) {
    const auto* self = in.member(user);
    if (self == nullptr) continue;
    for (const auto& message : in.log) {
      if (message.seq > self->joined_seq && fits(user, in, message, query)) ids.push_back(message.id);
    }
  }
  std::sort(ids.begin(), ids.end());
  if (query.newest_first) std::reverse(ids.begin(), ids.end());
  return ids;
}

std::uint64_t Model::lacking(UserId user, const ModelConversation& in, MarkId mark) {
  InboxQuery query;
  query.lacking = mark;
  query.in = ConversationRef::of(in.id);
  return inbox(user, query).size();
}

MessageId Model::read(UserId user, ModelConversation& in) const {
  MessageId newest{};
  for (const auto& message : in.log) {
    if (message.sender == user || message.seq <= in.member(user)->joined_seq) continue;
    if (has(user, in, MarkId::read, message.seq)) newest = message.id;
  }
  return newest;
}

MessageId Model::named_read(UserId user, const ModelEvent& event) {
  auto& in = *find(event.in);
  const bool mine = event.actor == user;
  auto newest = mine ? event.message : MessageId::none;
  bool found = false;
  for (const auto seq : event.read) {
    const auto& message = in.log[seq - 1];
    if (seq <= in.member(user)->joined_seq || message.recalled || (message.sender == user) == mine) continue;
    if (mine && has(user, in, MarkId::hidden, seq)) continue;
    newest = message.id;
    found = true;
  }
  return found || mine ? newest : MessageId::none;
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

bool Model::had(UserId user, const ModelConversation& in, MarkId mark, Seq seq, Millis before) const {
  const auto since_before = [&](MarkId which) {
    const auto row = rows.find({user, in.id, which, seq});
    if (row == rows.end()) return false;
    return (row->second != 0 ? row->second : id::time_of(raw(in.log[seq - 1].id))) < before;
  };
  return since_before(mark) || (implied(mark) && since_before(MarkId::read));
}

bool Model::mark(UserId user, ModelConversation& in, MarkId mark, Seq seq, Millis now, bool proven) {
  constexpr Millis hour = 3'600'000;
  if (!proven && mark != MarkId::hidden && has(user, in, MarkId::hidden, seq)) return false;
  const auto& message = in.log[seq - 1];
  const Millis at = mark == MarkId::read && !proven ? now : raw(mark) == 5 ? (now + hour - 1) / hour * hour : 0;
  const bool was_implied = mark != MarkId::read && implied(mark) && has(user, in, MarkId::read, seq);
  const bool newly = rows.emplace(std::tuple(user, in.id, mark, seq), at).second && message.sender != user &&
                     !message.recalled && seq > in.member(user)->joined_seq && !was_implied;
  if (newly && mark == MarkId::read) newly_read_.emplace_back(&in, seq);
  return newly;
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

void Model::read_event(UserId user, ModelConversation& in) {
  if (in.kind == ConversationKind::broadcast) return;
  const auto [it, is_new] = round_reads_.try_emplace({in.id, user}, RoundRead{events.size(), {}, {}});
  auto& round = it->second;
  if (is_new) {
    event({ChangeKind::read, in.id, user, UserId::none, MessageId::none});
    // What the whole round has read is told in the place of its first act.
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      if (!sessions[i].policy.interests.receipts || sessions[i].user == user) continue;
      round.lines[i] = sessions[i].expected.size();
      sessions[i].expected.emplace_back();
    }
  }
  auto& told = events[round.event];
  for (const auto& [where, seq] : newly_read_) {
    if (where == &in) told.read.insert(seq);
  }
  for (const auto seq : told.read) {
    if (!in.log[seq - 1].recalled) told.message = in.log[seq - 1].id;
  }
  for (const auto& [where, seq] : newly_read_) {
    const auto& message = where->log[seq - 1];
    const auto* sender = where->member(message.sender);
    if (where != &in || sender == nullptr || sender->moved || seq <= sender->joined_seq) continue;
    round.senders[message.sender] = std::max(round.senders[message.sender], message.id);
  }
  for (const auto& [index, line] : round.lines) {
    const auto known = round.senders.find(sessions[index].user);
    if (known == round.senders.end()) continue;
    sessions[index].expected[line] = "t:" + std::to_string(raw(user)) + ":" + std::to_string(raw(known->second));
  }
}

void Model::end_round() {
  round_reads_.clear();
  newly_read_.clear();
  for (auto& session : sessions) std::erase(session.expected, std::string());
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
