#include "wire.hpp"

#include <algorithm>

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>

#include "content.hpp"

namespace loft::flix {
namespace {

/// `,"name":"…Z"`
void append_stamp(std::string& out, std::string_view name, Millis time) {
  out += ",\"";
  out += name;
  out += "\":\"";
  append_time(out, time);
  out += '"';
}

void begin_event(std::string& out, Position position, std::string_view type) {
  out += "{\"id\":\"";
  append_uuid(out, UuidKind::event, position);
  out += "\",\"event_type\":\"";
  out += type;
  out += "\",\"payload\":";
}

void end_event(std::string& out, Millis time, const Viewer& target) {
  append_stamp(out, "event_timestamp", time);
  out += ",\"target_user_id\":\"";
  target.append(out);
  out += '"';
  append_stamp(out, "inserted_at", time);
  append_stamp(out, "updated_at", time);
  out += '}';
}

/// The payload of the events that concern a message's state. `append_id` writes the conversation's id.
template <class F>
void append_update(std::string& out, const StatusUpdate& update, F append_id) {
  out += "{\"message_id\":\"";
  append_uuid(out, UuidKind::message, raw(update.message));
  out += "\",\"conversation_id\":\"";
  append_id();
  out += "\",\"status\":\"";
  out += update.status;
  out += '"';
  append_stamp(out, "updated_at", update.at);
  out += '}';
}

void append_uuid_text(std::string& out, UuidKind kind, std::uint64_t id) {
  if (id == 0) {
    out += "null";
    return;
  }
  out += '"';
  append_uuid(out, kind, id);
  out += '"';
}

void append_participants(std::string& out, const ConversationRecord& record, const User& me,
                         std::span<const std::string> others) {
  json::Writer w(out);
  w.array();
  if (record.conversation->kind == ConversationKind::group && !record.members.empty()) {
    for (const auto& member : record.members) w.string(member->uuid);
  } else {
    w.string(me.uuid);
    for (const auto& other : others) w.string(other);
    if (record.peer && record.peer->id != me.id) w.string(record.peer->uuid);
  }
  w.end_array();
}

bool is_from(const MessageRecord& record, const User& me) noexcept { return record.message->sender == me.id; }

/// Whether an entry of `sync` is about a message from others as `me` sees it: new, recalled, or read by `me`.
bool brings_message(const SyncEntry& entry, const User& me) noexcept {
  if (!entry.record.message || is_from(entry.record, me)) return false;
  if (!entry.change || entry.change->kind == ChangeKind::recalled) return true;
  return entry.change->kind == ChangeKind::read && entry.change->actor == me.id;
}

Millis time_of_own_act(const SyncEntry& entry) noexcept {
  return entry.change && entry.change->kind == ChangeKind::read ? id::time_of(entry.position) : 0;
}

}  // namespace

std::string_view status(const MessageRecord& record, const Reader& reader) noexcept {
  if (record.hidden) return "deleted";
  if (record.is_recalled()) return "withdrawn";
  if (record.receipt == Receipt::read) return "read";
  const bool mine = reader.user == record.message->sender;
  return mine && record.receipt == Receipt::sent ? "sent" : "unread";
}

Millis updated_at(const MessageRecord& record) noexcept {
  return std::max(record.message->time(), record.is_recalled() ? id::time_of(record.message->recalled) : 0);
}

void Wire::begin(const Domains& domains, std::string locale, std::string_view recalled_text) {
  domains_ = &domains;
  locale_ = std::move(locale);
  recalled_text_ = recalled_text;
  recalled_.clear();
  json::append_string(recalled_, recalled_text);
}

void Wire::content(std::string& out, const MessageRecord& record) const {
  const auto type = content_type_of(record.message->domain).word;
  if (!record.is_recalled()) {
    append_content(out, *record.message, *domains_, locale_);
    out += ",\"content_type\":\"";
    out += type;
    out += '"';
    return;
  }
  out += "{\"text\":";
  out += recalled_;
  out += ",\"original_type\":\"";
  out += type;
  out += "\"},\"content_type\":\"text\"";
}

void Wire::message(std::string& out, const MessageRecord& record, const Reader& reader, Millis acted) const {
  const auto& message = *record.message;
  json::Value client_id, client_time, reference;
  if (!message.extras.empty()) {
    if (const auto extras = json::parse(message.extras)) {
      const auto [id, time, other] = pick<3>(*extras, {"client_id", "client_time", "reference"});
      client_id = id, client_time = time, reference = other;
    }
  }
  out += "{\"id\":\"";
  append_uuid(out, UuidKind::message, raw(message.id));
  out += "\",\"client_message_id\":";
  if (client_id.is(json::Type::string))
    out += client_id.raw();
  else
    append_uuid_text(out, UuidKind::message, raw(message.id));
  out += ",\"conversation_id\":\"";
  append_conversation_id(out, record, reader.viewer);
  out += "\",\"sender_id\":\"";
  out += record.sender->uuid;
  if (record.peer) {
    out.append("\",\"receiver_id\":\"").append(record.peer->uuid) += '"';
  } else if (reader.user == message.sender) {
    out += "\",\"receiver_id\":null";
  } else {
    out += "\",\"receiver_id\":\"";
    reader.viewer.append(out);
    out += '"';
  }
  out += ",\"content\":";
  content(out, record);
  out.append(",\"message_type\":\"").append(word(message_type(*record.conversation)));
  out.append("\",\"status\":\"").append(status(record, reader)) += '"';
  if (reference.is(json::Type::string)) out.append(",\"reference_id\":").append(reference.raw());
  append_stamp(out, "server_timestamp", message.time());
  append_stamp(out, "inserted_at", message.time());
  append_stamp(out, "updated_at", std::max(updated_at(record), acted));
  if (const auto time = client_time.integer()) append_stamp(out, "client_timestamp", *time);
  out += '}';
}

void Wire::messages(std::string& out, const std::vector<MessageRecord>& records, const Reader& reader) const {
  out += '[';
  for (const auto& record : records) {
    if (&record != &records.front()) out += ',';
    message(out, record, reader);
  }
  out += ']';
}

void Wire::new_message(std::string& out, const MessageRecord& record, const Reader& reader) const {
  begin_event(out, raw(record.message->id), "new_message");
  message(out, record, reader);
  end_event(out, record.message->time(), reader.viewer);
}

void Wire::recalled(std::string& out, const MessageRecord& record, Position position, const Reader& reader) const {
  const auto time = id::time_of(position);
  begin_event(out, position, "message_recalled");
  append_update(out, {record.message->id, "withdrawn", time},
                [&] { append_conversation_id(out, record, reader.viewer); });
  end_event(out, time, reader.viewer);
}

void Wire::read(std::string& out, const MessageRecord& record, Position position, const Reader& reader) const {
  const auto one = std::string_view(record.sender->uuid);
  read(out, *record.conversation, record.message->id, position, one,
       record.peer ? std::string_view(record.peer->uuid) : one, reader.viewer);
}

void Wire::read(std::string& out, const Conversation& conversation, MessageId newest, Position position,
                std::string_view uuid, std::string_view other, const Viewer& viewer) {
  const auto time = id::time_of(position);
  begin_event(out, position, "message_status_update");
  append_update(out, {newest, "read", time}, [&] { append_conversation_id(out, conversation, uuid, other, viewer); });
  end_event(out, time, viewer);
}

std::size_t Wire::events(std::string& out, const SyncPage& page, const User& me, bool first) const {
  const auto reader = Reader::of(me);
  std::size_t count = 0;
  const auto comma = [&] {
    if (!first || count != 0) out += ',';
    ++count;
  };
  for (const auto& entry : page.entries) {
    if (!entry.record.message) continue;
    if (!entry.change) {
      if (is_from(entry.record, me) || entry.record.hidden) continue;
      comma();
      new_message(out, entry.record, reader);
    } else if (entry.change->kind == ChangeKind::recalled) {
      comma();
      recalled(out, entry.record, entry.position, reader);
    } else if (entry.change->kind == ChangeKind::read && entry.change->actor != me.id && is_from(entry.record, me)) {
      comma();
      read(out, entry.record, entry.position, reader);
    }
  }
  return count;
}

std::size_t Wire::synced(std::string& out, const SyncPage& page, const User& me, bool first) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < page.entries.size(); ++i) {
    const auto& entry = page.entries[i];
    // A message that is recalled or read on the same page stands there once, where that happened last.
    const auto again = [&](const SyncEntry& later) {
      return later.change && brings_message(later, me) && later.record.message->id == entry.record.message->id;
    };
    if (!brings_message(entry, me)) continue;
    if (std::any_of(page.entries.begin() + static_cast<std::ptrdiff_t>(i) + 1, page.entries.end(), again)) continue;
    if (!first || count != 0) out += ',';
    ++count;
    message(out, entry.record, Reader::of(me), time_of_own_act(entry));
  }
  return count;
}

void Wire::conversation(std::string& out, const ConversationRecord& record, const User& me,
                        std::span<const std::string> others) const {
  const auto& conversation = *record.conversation;
  const std::string_view mine = me.uuid;
  const auto* last = record.last.message.get();
  out.append("{\"id\":\"").append(conversation.uuid).append("\",\"conversation_id\":\"");
  append_conversation_id(out, conversation, mine, record.peer ? std::string_view(record.peer->uuid) : mine,
                         {mine, nullptr});
  switch (conversation.kind) {
    case ConversationKind::direct:
      out += "\",\"type\":\"private\",\"participant_ids\":";
      break;
    case ConversationKind::group:
      out += "\",\"type\":\"group\",\"participant_ids\":";
      break;
    case ConversationKind::system:
    case ConversationKind::broadcast:
      out += "\",\"type\":\"system\",\"participant_ids\":";
  }
  append_participants(out, record, me, others);
  out += ",\"last_message_id\":";
  append_uuid_text(out, UuidKind::message, last != nullptr ? raw(last->id) : 0);
  out += ",\"last_message_content\":";
  if (last == nullptr) {
    out += "null,\"last_message_timestamp\":null";
  } else {
    std::string preview;
    if (record.last.is_recalled())
      preview = recalled_text_;
    else
      domains_->preview(last->domain, last->content, locale_, preview);
    json::append_string(out, preview);
    append_stamp(out, "last_message_timestamp", last->time());
  }
  if (conversation.kind == ConversationKind::group) {
    out += ",\"name\":";
    json::append_string(out, conversation.name);
  }
  append_stamp(out, "inserted_at", conversation.created);
  append_stamp(out, "updated_at",
               std::max({conversation.created, conversation.updated, last != nullptr ? last->time() : 0}));
  out += '}';
}

void Wire::listed(std::string& out, const ConversationRecord& record, const User& me) const {
  out += "{\"conversation\":";
  conversation(out, record, me);
  out += ",\"unread_count\":";
  json::append_integer(out, record.unread);
  // The store knows neither pins nor silence: this contract has no way to set them.
  out += ",\"is_pinned\":false,\"is_muted\":false,\"last_read_message_id\":";
  append_uuid_text(out, UuidKind::message, raw(record.read));
  out += '}';
}

}  // namespace loft::flix
