#include "messaging/sessions.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <loft/json.hpp>

namespace loft {
namespace {

// An id is 24 bits of generation over 24 bits of slot, plus one so that it is never 0.
constexpr unsigned slot_bits = 24;

template <class T>
void erase_value(std::vector<T>& from, const T& value) {
  const auto it = std::find(from.begin(), from.end(), value);
  if (it == from.end()) return;
  *it = from.back();
  from.pop_back();
}

/// The run that `message` goes on with; null: none. Only the latest few are looked at.
Unproven* open_run(Session& session, const Message& message) noexcept {
  constexpr std::size_t looked_at = 8;
  auto& runs = session.unproven;
  for (std::size_t i = runs.size(); i > 0 && !runs[i - 1].sealed && runs.size() - i < looked_at; --i) {
    if (runs[i - 1].conversation == message.conversation && runs[i - 1].next == message.seq) return &runs[i - 1];
  }
  return nullptr;
}

/// Whether a session is to hear of a delivery of that kind.
bool wants(const Interests& interests, Delivery::Kind kind, bool own) noexcept {
  switch (kind) {
    case Delivery::Kind::message:
      return !own || interests.own_messages;
    case Delivery::Kind::recalled:
      return interests.recalls;
    case Delivery::Kind::read:
      return interests.reads;
    case Delivery::Kind::signal:
      return !own && interests.signals;
    case Delivery::Kind::membership:
    case Delivery::Kind::created:
    case Delivery::Kind::updated:
      return interests.membership;
    case Delivery::Kind::receipt:
      return interests.receipts;
  }
  return false;
}

/// With the parts that depend on who sees it.
void send_spliced(Session& session, const Encoded& encoded) {
  char digits[24];
  const Bytes viewer_id(digits, static_cast<std::size_t>(
                                    std::to_chars(digits, digits + sizeof digits, raw(session.user->id)).ptr - digits));
  std::string escaped;
  std::vector<Bytes> pieces;
  pieces.reserve(encoded.splices.size() * 2 + 1);
  std::size_t at = 0;
  for (const auto& splice : encoded.splices) {
    pieces.push_back(Bytes(encoded.bytes).substr(at, splice.at - at));
    at = splice.at;
    switch (splice.part) {
      case Encoded::Part::viewer_id:
        pieces.push_back(viewer_id);
        break;
      case Encoded::Part::viewer_handle:
        // Between quotes that stand in the encoding: escaped, without its own.
        if (escaped.empty()) json::append_string(escaped, session.user->handle);
        pieces.push_back(Bytes(escaped).substr(1, escaped.size() - 2));
        break;
      case Encoded::Part::viewer_uuid:
        pieces.push_back(session.user->uuid);
        break;
    }
  }
  pieces.push_back(Bytes(encoded.bytes).substr(at));
  session.link->send(pieces);
}

}  // namespace

Sessions::Sessions(unsigned threads, Bus& bus) : deliver_to_(bus) {
  for (unsigned i = 0; i < threads; ++i) tables_.push_back(std::make_unique<Table>());
}

Sessions::~Sessions() = default;

void Sessions::add(Session& session) {
  auto& table = *tables_[session.caller.thread];
  std::uint32_t slot;
  if (table.free.empty()) {
    slot = static_cast<std::uint32_t>(table.slots.size());
    table.slots.emplace_back();
  } else {
    slot = table.free.back();
    table.free.pop_back();
  }
  table.slots[slot].session = &session;
  session.caller.session = (static_cast<std::uint64_t>(session.caller.thread) << 48 |
                            static_cast<std::uint64_t>(table.slots[slot].generation & 0xFFFFFF) << slot_bits | slot) +
                           1;
}

Session* Sessions::find(unsigned thread, std::uint64_t id) noexcept {
  if (id == 0) return nullptr;
  const auto number = id - 1;
  const auto slot = number & ((1u << slot_bits) - 1);
  auto& table = *tables_[thread];
  if (slot >= table.slots.size()) return nullptr;
  const auto& entry = table.slots[slot];
  return entry.session != nullptr && (number >> slot_bits & 0xFFFFFF) == (entry.generation & 0xFFFFFF) ? entry.session
                                                                                                       : nullptr;
}

void Sessions::remove(Session& session) {
  auto& table = *tables_[session.caller.thread];
  const auto slot = static_cast<std::uint32_t>((session.caller.session - 1) & ((1u << slot_bits) - 1));
  table.slots[slot].session = nullptr;
  ++table.slots[slot].generation;
  table.free.push_back(slot);
  if (!session.active) return;
  session.active = false;
  if (const auto it = table.by_user.find(session.user->id); it != table.by_user.end()) {
    erase_value(it->second, &session);
    if (it->second.empty()) table.by_user.erase(it);
  }
  for (const auto group : session.groups) {
    if (const auto it = table.audiences.find(group); it != table.audiences.end()) {
      erase_value(it->second, &session);
      if (it->second.empty()) table.audiences.erase(it);
    }
  }
  if (!session.unproven.empty()) erase_value(table.unproven, &session);
}

void Sessions::activate(Session& session, std::vector<ConversationId> groups) {
  auto& table = *tables_[session.caller.thread];
  session.active = true;
  session.groups = std::move(groups);
  table.by_user[session.user->id].push_back(&session);
  for (const auto group : session.groups) table.audiences[group].push_back(&session);
}

void Sessions::join(unsigned thread, UserId user, ConversationId group) {
  auto& table = *tables_[thread];
  const auto it = table.by_user.find(user);
  if (it == table.by_user.end()) return;
  for (auto* session : it->second) {
    if (std::find(session->groups.begin(), session->groups.end(), group) != session->groups.end()) continue;
    session->groups.push_back(group);
    table.audiences[group].push_back(session);
  }
}

void Sessions::leave(unsigned thread, UserId user, ConversationId group) {
  auto& table = *tables_[thread];
  const auto it = table.by_user.find(user);
  if (it == table.by_user.end()) return;
  const auto audience = table.audiences.find(group);
  for (auto* session : it->second) {
    erase_value(session->groups, group);
    if (audience != table.audiences.end()) erase_value(audience->second, session);
  }
  if (audience != table.audiences.end() && audience->second.empty()) table.audiences.erase(audience);
}

std::size_t Sessions::audience(unsigned thread, const Conversation& conversation) const {
  if (conversation.kind == ConversationKind::direct) return 0;
  if (conversation.kind == ConversationKind::broadcast) {
    return tables_[thread]->slots.size() - tables_[thread]->free.size();
  }
  const auto& audiences = tables_[thread]->audiences;
  const auto it = audiences.find(conversation.id);
  return it == audiences.end() ? 0 : it->second.size();
}

void Sessions::deliver(unsigned thread, const Outgoing& outgoing) {
  auto& table = *tables_[thread];
  Delivery delivery;
  delivery.kind = outgoing.kind;
  delivery.record = outgoing.record.message != nullptr ? &outgoing.record : nullptr;
  delivery.change = &outgoing.change;
  delivery.conversation = outgoing.conversation.get();
  delivery.actor = outgoing.actor.get();
  delivery.subject = outgoing.subject.get();
  delivery.newest = outgoing.newest;
  if (outgoing.kind == Delivery::Kind::receipt) delivery.position = outgoing.change.position;
  delivery.reached = outgoing.reached;
  delivery.signal = outgoing.signal ? &*outgoing.signal : nullptr;
  spread(table, delivery, outgoing.to_group, outgoing.low, outgoing.high);
}

void Sessions::deliver(unsigned thread, const MessageRecord& record) {
  Delivery delivery;
  delivery.kind = Delivery::Kind::message;
  delivery.record = &record;
  delivery.conversation = record.conversation.get();
  delivery.actor = record.sender.get();
  const auto& conversation = *record.conversation;
  spread(*tables_[thread], delivery, conversation.kind != ConversationKind::direct, conversation.low,
         conversation.high);
}

void Sessions::spread(Table& table, const Delivery& delivery, bool to_group, UserId low, UserId high) {
  table.encodings_used = 0;
  if (delivery.conversation->kind == ConversationKind::broadcast && to_group) {
    // Everybody is there: nothing is kept for it.
    auto& all = table.everybody;
    all.clear();
    for (const auto& slot : table.slots) {
      if (slot.session != nullptr && slot.session->active) all.push_back(slot.session);
    }
    push_to(table, all, delivery);
    if (auto problem = std::exchange(table.problem, nullptr)) std::rethrow_exception(problem);
    return;
  }
  if (to_group) {
    const auto it = table.audiences.find(delivery.conversation->id);
    if (it == table.audiences.end()) return;
    push_to(table, it->second, delivery);
    if (auto problem = std::exchange(table.problem, nullptr)) std::rethrow_exception(problem);
    return;
  }
  for (const auto user : {low, high}) {
    if (user == UserId::none) continue;
    if (const auto it = table.by_user.find(user); it != table.by_user.end()) {
      push_to(table, it->second, delivery);
    }
    if (low == high) break;
  }
  if (auto problem = std::exchange(table.problem, nullptr)) std::rethrow_exception(problem);
}

// By index: nothing below changes a list of sessions, closing is deferred. What one contract throws keeps the message
// from its own sessions only.
void Sessions::push_to(Table& table, const std::vector<Session*>& sessions, const Delivery& delivery) {
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    try {
      push(table, *sessions[i], delivery);
    } catch (...) {
      table.problem = std::current_exception();
      withhold(table, *sessions[i], delivery);
    }
  }
}

void Sessions::push(Table& table, Session& session, const Delivery& delivery) {
  const bool own = delivery.actor != nullptr && delivery.actor->id == session.user->id;
  const bool message = delivery.kind == Delivery::Kind::message;
  if (message && own) {
    if (auto* run = open_run(session, *delivery.record->message)) ++run->next;
  }
  if (!wants(session.interests, delivery.kind, own)) return;
  if (message && deliver_to_.has_interceptors()) {
    DeliverTo proposal;
    proposal.record = delivery.record;
    proposal.recipient = session.user->id;
    if (!deliver_to_.now(proposal).passed()) return withhold(table, session, delivery);
  }
  const auto& encoded = encoding(table, session, delivery);
  if (encoded.bytes.empty()) return withhold(table, session, delivery);
  if (encoded.splices.empty()) {
    const Bytes whole = encoded.bytes;
    session.link->send(Slices(&whole, 1));
  } else {
    send_spliced(session, encoded);
  }
  if (message && !own && session.marks_on_push != 0) note_unproven(table, session, *delivery.record->message);
}

const Encoded& Sessions::encoding(Table& table, const Session& session, const Delivery& delivery) {
  for (std::size_t i = 0; i < table.encodings_used; ++i) {
    const auto& known = table.encodings[i];
    if (known.contract == session.caller.contract && known.variant == session.variant) return known.encoded;
  }
  if (table.encodings_used == table.encodings.size()) table.encodings.emplace_back();
  auto& made = table.encodings[table.encodings_used++];
  made.contract = session.caller.contract;
  made.variant = session.variant;
  made.encoded.clear();
  try {
    session.caller.contract->encode(delivery, session.variant, made.encoded);
  } catch (...) {
    made.encoded.clear();  // nothing is sent, rather than half of it
    throw;
  }
  return made.encoded;
}

// It is not on its way to this session, so that the session's being there proves nothing of it.
void Sessions::withhold(Table& table, const Session& session, const Delivery& delivery) {
  if (delivery.kind != Delivery::Kind::message || session.marks_on_push == 0) return;
  if (delivery.actor != nullptr && delivery.actor->id == session.user->id) return;
  table.withheld.push_back({session.user->id, session.caller.session, delivery.record->message->id});
}

void Sessions::note_unproven(Table& table, Session& session, const Message& message) {
  const auto offset = session.link->written();
  if (auto* run = open_run(session, message)) {
    run->high = message.seq;
    run->next = message.seq + 1;
    run->newest = message.id;
    run->offset = offset;
    return;
  }
  if (session.unproven.empty()) table.unproven.push_back(&session);
  session.unproven.push_back(
      {message.conversation, message.seq, message.seq, message.seq + 1, message.id, offset, false});
}

}  // namespace loft
